"""The command ``clerkd``: arguments in, calls out."""

import sys

from daemon.cli.root import app
from daemon.errors import ClerkdError

USAGE_EXIT = 2


def main() -> None:
    """Run the command; what goes wrong is said in words, on stderr, with exit code 2 (1 means: a person is needed)."""
    try:
        app()
    except ClerkdError as error:
        for line in str(error).splitlines():
            print(f"clerkd: {line}", file=sys.stderr)
        sys.exit(USAGE_EXIT)
