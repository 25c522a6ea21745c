"""The places of forks: held while a replay works in them, and cleared away when nobody does."""

from pathlib import Path
from threading import Thread

import pytest

from daemon.agent import forks


def test_a_place_goes_with_its_replay(tmp_path: Path) -> None:
    """Also where the replay ends in an error."""
    with pytest.raises(FileNotFoundError), forks.holding(tmp_path, keep=False) as place:
        (place / "mail.jsonl").rename(tmp_path)
    assert list(forks.places(tmp_path).iterdir()) == []


def test_a_place_is_its_owners_alone(tmp_path: Path) -> None:
    """What is in it is people's mail."""
    with forks.holding(tmp_path, keep=False) as place:
        assert place.stat().st_mode & 0o077 == 0
        assert forks.places(tmp_path).stat().st_mode & 0o077 == 0


def test_a_place_that_somebody_holds_is_left_alone_and_named(tmp_path: Path) -> None:
    """A replay may be under way while the service starts."""
    with forks.holding(tmp_path, keep=False) as place:
        assert forks.clear(tmp_path) == [place.name]
        assert place.exists()


def test_a_place_that_nobody_holds_is_cleared_away(tmp_path: Path) -> None:
    """Its process has ended without clearing it, with its lock or before it had one."""
    for name in ("with", "without"):
        (forks.places(tmp_path) / name).mkdir(parents=True)
    (forks.places(tmp_path) / "with" / "lock").touch()
    assert forks.clear(tmp_path) == []
    assert list(forks.places(tmp_path).iterdir()) == []


def test_a_place_that_is_to_be_kept_is_left_alone(tmp_path: Path) -> None:
    """It is no replay's that is under way."""
    with forks.holding(tmp_path, keep=True) as place:
        pass
    assert forks.clear(tmp_path) == []
    assert place.exists()


def test_a_file_that_does_not_belong_there_is_left_alone(tmp_path: Path) -> None:
    """It must not keep the service from starting."""
    forks.places(tmp_path).mkdir()
    (forks.places(tmp_path) / "notes.txt").touch()
    assert forks.clear(tmp_path) == []


def test_places_are_never_cleared_while_they_are_being_made(tmp_path: Path) -> None:
    """One that is made is held at once."""
    made: list[Path] = []

    def make() -> None:
        for _ in range(100):
            with forks.holding(tmp_path, keep=False) as place:
                made.append(place / "lock")
                assert (place / "lock").exists()

    threads = [Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        forks.clear(tmp_path)
    assert len(made) == 200
