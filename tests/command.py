"""Runs commands as processes that need not load the program anew.

The interpreter's start and the loading are most of what a short command takes.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from daemon.cli import main

SECONDS = 120
LOADED = multiprocessing.get_context("forkserver")  # it forks from a process of one thread, unlike pytest's own
LOADED.set_forkserver_preload([__name__])


def run(
    arguments: tuple[str, ...], environment: Mapping[str, str], place: Path, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run ``clerkd`` to its end with this environment alone, in the directory ``place``; ``typed`` is its input."""
    into, out, err = (place / f"command.{name}" for name in ("in", "out", "err"))
    into.write_text(typed, encoding="utf-8")
    streams = tuple(map(str, (into, out, err)))
    process = LOADED.Process(target=_be_clerkd, args=(arguments, dict(environment), str(place), streams))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        raise subprocess.TimeoutExpired(["clerkd", *arguments], SECONDS)
    return subprocess.CompletedProcess(["clerkd", *arguments], process.exitcode, _read(out), _read(err))


def _read(path: Path) -> str:
    words = path.read_text(encoding="utf-8")
    path.unlink()
    return words


def _be_clerkd(
    arguments: tuple[str, ...], environment: dict[str, str], place: str, streams: tuple[str, str, str]
) -> None:
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if number else 0), 0o600)
        os.dup2(descriptor, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - multiprocessing has put another there
    sys.argv = ["clerkd", *arguments]
    main()
