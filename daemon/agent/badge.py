"""The badge: under which name this machine's daemon held the employee's transcripts last.

Each daemon takes a new name, so that of two with the same state only one goes on. The badge tells a start whether what
it finds held is held by nobody but its own predecessor: only then it takes it over by itself.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from daemon.agent.transcript import sync


class Badge:
    """A file with the name that held last: two, where a daemon ended before it knew whether it held."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path

    @property
    def names(self) -> list[str]:
        """The names; none where this machine has never held them, or has given them up."""
        try:
            return self._path.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return []

    def wear(self, names: Sequence[str]) -> None:
        """Write the names down, for certain."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n".join(names))
        sync(fresh)
        fresh.replace(self._path)
        sync(self._path)

    def take_off(self) -> None:
        """Forget them: the next start takes over whatever it finds."""
        self._path.unlink(missing_ok=True)
