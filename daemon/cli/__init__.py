"""The command ``clerkd``: arguments in, calls out."""

import sys
import traceback
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from daemon.cli.root import app
from daemon.errors import ClerkdError

USAGE_EXIT = 2
BUG_EXIT = 70


def main() -> None:
    """Run the command; what goes wrong is said in words, on stderr, with exit code 2 (1 means: a person is needed)."""
    try:
        app()
    except ClerkdError as error:
        for line in str(error).splitlines():
            print(f"clerkd: {line}", file=sys.stderr)
        sys.exit(USAGE_EXIT)
    except SQLAlchemyError as error:
        print(f"clerkd: the knowledge database cannot be used: {_cause(error)}", file=sys.stderr)
        sys.exit(USAGE_EXIT)
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
