"""A daemon whose disk is full: ``python -m tests.crash.cramped CONFIG STATE COUNT``, in a mount namespace of its own.

The state directory lies on a tmpfs of a few megabytes, which a ballast fills. What became of the daemon is printed as
JSON, and after the ballast was taken away, what became of the mails.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from knowledge.database import Database
from tests.bed import is_through

MEGABYTES, FREE = 4, 150_000
PATIENCE = 60


def work(config: str) -> "subprocess.Popen[str]":
    """Start the daemon."""
    command = [sys.executable, "-m", "daemon", "run", "--config", config]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def fill(state: Path) -> Path:
    """Leave little room on the disk."""
    ballast = state / "ballast"
    with ballast.open("wb") as file:
        file.write(b"\0" * (MEGABYTES * 1_048_576 - FREE))
    return ballast


def main(config: str, state: Path, count: int) -> None:
    """Let the daemon run into the full disk, make room, and let it finish."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(state)], check=True)
    ballast = fill(state)
    full = work(config)
    words = full.communicate(timeout=PATIENCE)[1]
    ballast.unlink()
    again = work(config)
    db = Database(state / "knowledge.db")
    latest = time.monotonic() + PATIENCE
    while not _is_through(db, count) and time.monotonic() < latest:
        time.sleep(0.1)
    again.terminate()
    again.communicate(timeout=PATIENCE)
    print(
        json.dumps(
            {"code": full.returncode, "words": words, "through": _is_through(db, count), "end": again.returncode}
        )
    )


def _is_through(db: Database, count: int) -> bool:
    try:
        return is_through(db, count)
    except Exception:  # noqa: BLE001 - it has not made its tables yet
        return False


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
