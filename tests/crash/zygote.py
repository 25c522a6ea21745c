"""A process that has loaded the daemon once, and forks a child for each run: ``python -m tests.crash.zygote``.

It takes one JSON object a line, {"config": path, "last": step, "count": messages, "log": path}, and answers with one,
{"status": exit code, "steps": number or null}. The child is the real daemon; ``last`` is the durable step at which it
ends for good, 0 lets it work until all messages are through and stop in good order. With "cut", "every" and "before"
its connection to the mail server is cut at every so many-th command; with "commands", a pattern, only what is sent of
these commands counts as a step. With "keep", "first" and "places" it stands still at every "keep"-th step from the
first on, and all places are copied to a directory "kept"/step before it goes on.
"""

import asyncio
import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from daemon import loop, runs
from daemon.premises import working
from daemon.service import telemetry
from daemon.settings import load
from tests.bed import is_through, perform
from tests.crash.interrupt import Countdown, Scissors

RESTLESS = 0.05  # seconds: who rests behind a pause of a test's length need not rest for a second


def run(job: dict[str, Any]) -> int:
    """Be the daemon, and give the number of durable steps."""
    countdown = Countdown(job["last"], job.get("commands", ""), first=job.get("first", 0), every=job.get("keep", 0))
    countdown.arm()
    if "cut" in job:
        Scissors(job["cut"], job["every"], before=job["before"]).arm()
    settings = load(Path(job["config"]))
    loop.IDLE_SECONDS = RESTLESS
    telemetry.configure("info", json=True)
    with working(settings) as db:
        runs.bring_up_to_date(db)
        work = perform(settings, db, lambda db: is_through(db, job["count"]))
        asyncio.run(asyncio.wait_for(work, job["seconds"]))
    return countdown.steps


def fork(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job in a child of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _live(job, write)
    os.close(write)
    status = _until_it_ends(child, job)
    with os.fdopen(read) as pipe:
        words = pipe.read()
    return {"status": os.waitstatus_to_exitcode(status), "steps": int(words) if words else None}


def _until_it_ends(child: int, job: dict[str, Any]) -> int:
    """Wait for the child, and each time that it stands still, keep what it would leave behind if it ended there."""
    step = job.get("first", 0)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return status
        _keep([Path(place) for place in job["places"]], Path(job["kept"]) / str(step))
        step += job["keep"]
        os.kill(child, signal.SIGCONT)


def _keep(places: list[Path], where: Path) -> None:
    """Copy the places; again, where the mail server was still at work on a command sent before."""
    while True:
        before = _listing(places)
        where.mkdir(parents=True)
        copied = subprocess.run(["cp", "-a", *places, where], stderr=subprocess.DEVNULL, check=False)
        if copied.returncode == 0 and before and _listing(places) == before:
            return
        shutil.rmtree(where)


def _listing(places: list[Path]) -> dict[Path, tuple[int, int]]:
    """Say how all files are; nothing where they change while one looks."""
    try:
        files = [file for place in places for file in place.rglob("*")]
        return {file: (found.st_mtime_ns, found.st_size) for file in files for found in [file.lstat()]}
    except FileNotFoundError:
        return {}


def _live(job: dict[str, Any], pipe: int) -> None:
    """Be the child: its words go to the log, and it never returns."""
    code = 1
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    with contextlib.suppress(BaseException):
        try:
            os.write(pipe, str(run(job)).encode())
            code = 0
        except BaseException:
            os.write(2, traceback.format_exc().encode())
            raise
    os._exit(code)


if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # as the service does: no child looks for garbage among what it was born with, nor copies its pages
    for line in sys.stdin:
        print(json.dumps(fork(json.loads(line))), flush=True)
