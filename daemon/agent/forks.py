"""The places of forks: each replay has a directory for its copies of transcripts, which goes with it.

Who works in a place holds its lock; a place that nobody holds was left behind by a process that ended, mail and all,
and is cleared away.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "lock"
KEPT = "kept"


def place_of(home: Path, number: int) -> Path:
    """Say where the forks of a replay are."""
    return home / "forks" / str(number)


@contextmanager
def holding(place: Path) -> Iterator[Path]:
    """Make a replay's place and hold it; it is cleared away at the end, unless it is to be kept."""
    place.mkdir(parents=True, mode=0o700)
    descriptor = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield place
    finally:
        if not (place / KEPT).exists():
            shutil.rmtree(place)
        os.close(descriptor)


def keep(place: Path) -> None:
    """Have a place outlast its replay."""
    (place / KEPT).touch(0o600)


def is_held(place: Path) -> bool:
    """Say whether somebody works there."""
    try:
        descriptor = os.open(place / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def clear(home: Path) -> None:
    """Remove the places that nobody holds and nobody wanted kept."""
    for place in (home / "forks").glob("*"):
        if not (place / KEPT).exists() and not is_held(place):
            shutil.rmtree(place)
