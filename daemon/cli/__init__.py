"""The command ``clerkd``: arguments in, calls out."""

import sys
import traceback
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from daemon.cli.root import app
from daemon.errors import ClerkdError, TransientError

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
    except TransientError as error:
        print(f"clerkd: {error}", file=sys.stderr)
        sys.exit(LATER_EXIT)
    except ClerkdError as error:
        for line in str(error).splitlines():
            print(f"clerkd: {line}", file=sys.stderr)
        sys.exit(USAGE_EXIT)
    except SQLAlchemyError as error:
        print(f"clerkd: the knowledge database cannot be used: {_cause(error)}", file=sys.stderr)
        sys.exit(LATER_EXIT)
    except Exception as error:  # noqa: BLE001 - a traceback could show a mail's words
        print(f"clerkd: stopped by an error of its own, please report it: {_place(error)}", file=sys.stderr)
        sys.exit(BUG_EXIT)


def _cause(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or type(error).__name__)


def _place(error: BaseException) -> str:
    """Name an error and where it arose, without its text; of a group, the first one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
