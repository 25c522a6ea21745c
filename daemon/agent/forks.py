"""The places of forks: each replay has a directory for its copies of transcripts, which goes with it.

Who works in a place holds its lock; a place that nobody holds was left behind by a process that ended, mail and all,
and is cleared away. Places are made and cleared under one lock, so none is cleared that is just being made.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "lock"
KEPT = "kept"


def places(home: Path) -> Path:
    """Say where the places of an engine's forks are."""
    return home / "forks"


@contextmanager
def holding(home: Path, *, keep: bool) -> Iterator[Path]:
    """Make a place and hold it; it is cleared away at the end, unless it is to be kept."""
    place = places(home) / uuid.uuid4().hex
    with _alone(home):
        place.mkdir(mode=0o700)
        descriptor = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    if keep:
        (place / KEPT).touch(0o600)
    try:
        yield place
    finally:
        with _alone(home):
            if not keep:
                shutil.rmtree(place)
            os.close(descriptor)


def clear(home: Path) -> list[str]:
    """Remove the places that nobody holds and nobody wanted kept; name those that are held.

    A place that cannot be looked into belongs to another user, and counts as held.
    """
    with _alone(home):
        held = [place for place in places(home).iterdir() if place.is_dir() and _is_held(place)]
        for place in places(home).iterdir():
            if place.is_dir() and place not in held and not (place / KEPT).exists():
                shutil.rmtree(place)
        return [place.name for place in held]


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    places(home).mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(places(home), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_held(place: Path) -> bool:
    try:
        descriptor = os.open(place / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
