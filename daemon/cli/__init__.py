"""The command ``clerkd``: arguments in, calls out."""

import sys
import traceback
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from daemon.cli.root import app
from daemon.errors import ClerkdError, TransientError
from knowledge.errors import TakenOverError, said_by

USAGE_EXIT = 2
BUG_EXIT = 70
LATER_EXIT = 75


def main() -> None:
    """Run the command; what goes wrong is said in words, on stderr.

    Exit codes: 1, a person is needed or a check failed; 2, the call or the config is wrong (systemd does not start
    the service again); 75, a disk or a database is in trouble that may pass; 70, a mistake of our own.
    """
    try:
        app()
    except Exception as error:  # noqa: BLE001 - a traceback could show a mail's words
        code, words = _told(_first(error))
        for line in words.splitlines():
            print(f"clerkd: {line}", file=sys.stderr)
        sys.exit(code)


def _first(error: BaseException) -> BaseException:
    """Take the first error out of a group: the workers' errors come in one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _told(error: BaseException) -> tuple[int, str]:
    match error:
        case TransientError():
            return LATER_EXIT, str(error)
        case ClerkdError():
            return USAGE_EXIT, str(error)
        case TakenOverError():
            return LATER_EXIT, str(error)
        case SQLAlchemyError():
            return LATER_EXIT, f"the knowledge database cannot be used: {said_by(error)}"
        case OSError():
            return LATER_EXIT, f"the system refuses: {error.strerror or type(error).__name__}"
        case _:
            return BUG_EXIT, f"stopped by an error of its own, please report it: {_place(error)}"


def _place(error: BaseException) -> str:
    """Name an error and where it arose, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
