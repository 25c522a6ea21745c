"""Starts a server outside with the environment that is configured for it, and with nothing else of the daemon's.

It is run as a file by an isolated interpreter and imports nothing of the project. The client that starts servers adds
HOME, USER and more to what it is given, so the names of what may pass stand in ``CLERKD_ENV``. The kernel is asked to
end the server with the daemon. The program is looked for along ``PATH``: the server's own, or else the system's.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
ORPHANED, NOT_FOUND = 70, 127
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main() -> None:
    """Become the server, or exit with a number that says why not."""
    parent = int(os.environ["CLERKD_PARENT"])
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(ORPHANED)
    wanted = set(filter(None, os.environ["CLERKD_ENV"].split(",")))
    environment = {"PATH": PATH} | {name: value for name, value in os.environ.items() if name in wanted}
    try:
        os.execvpe(sys.argv[1], sys.argv[1:], environment)  # noqa: S606 - becoming the server is the purpose
    except OSError:
        sys.exit(NOT_FOUND)


if __name__ == "__main__":
    main()
