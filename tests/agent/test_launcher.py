"""The launcher between the SDK and its CLI; ``env`` and ``sleep`` stand where the CLI would."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daemon.agent import launcher

ENV, SLEEP = "/usr/bin/env", "/usr/bin/sleep"


def launch(tmp_path: Path, cli: str, *arguments: str, parent: int | None = None, **more: str) -> subprocess.Popen[str]:
    """Start the launcher as the SDK would."""
    environment = {
        "PATH": os.environ["PATH"],
        "CLERKD_PARENT": str(parent or os.getpid()),
        "CLERKD_LOCK": str(tmp_path / "lock"),
        "CLERKD_ENV": "WANTED",
        "CLERKD_CLI": cli,
        **more,
    }
    words = [sys.executable, "-I", launcher.__file__, *arguments]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


def test_only_the_named_environment_reaches_the_cli(tmp_path: Path) -> None:
    """What was not asked for stays behind: a password in the daemon's environment is none of the CLI's business."""
    told, _ = launch(tmp_path, ENV, WANTED="yes", MAILBOX_PASSWORD="no").communicate(timeout=20)
    names = {line.partition("=")[0] for line in told.splitlines()}
    assert names - {"LC_CTYPE"} == {"PATH", "WANTED"}  # Python itself sets LC_CTYPE where there is no locale


def test_an_orphan_does_not_start(tmp_path: Path) -> None:
    """Where the daemon has died meanwhile, the launcher ends instead of starting an engine that nobody watches."""
    process = launch(tmp_path, ENV, parent=1)
    process.communicate(timeout=20)
    assert process.returncode == launcher.ORPHANED


def test_a_session_that_is_held_is_not_opened_twice(tmp_path: Path) -> None:
    """While one engine holds the lock, a second one does not start."""
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = launch(tmp_path, ENV)
        process.communicate(timeout=20)
    assert process.returncode == launcher.LOCKED


def test_the_lock_lives_as_long_as_the_cli_and_names_it(tmp_path: Path) -> None:
    """The lock file holds the process's number, is locked while it runs, and free after its end."""
    process = launch(tmp_path, SLEEP, "60")
    lock = tmp_path / "lock"
    latest = time.monotonic() + 20
    while not (lock.exists() and lock.read_text()) and time.monotonic() < latest:
        time.sleep(0.01)
    assert int(lock.read_text()) == process.pid
    with lock.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    process.kill()
    process.communicate(timeout=20)
    with lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_cli_is_a_session_leader(tmp_path: Path) -> None:
    """Ctrl-C on the daemon's terminal does not reach it."""
    process = launch(tmp_path, SLEEP, "60")
    latest = time.monotonic() + 20
    while os.getsid(process.pid) != process.pid and time.monotonic() < latest:
        time.sleep(0.01)
    leader = os.getsid(process.pid)
    process.kill()
    process.communicate(timeout=20)
    assert leader == process.pid
