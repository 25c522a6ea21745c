"""Stands between the SDK and its CLI, so that no orphan of a killed daemon can touch the transcript.

It is run as a file by an isolated interpreter and imports nothing of the project. It makes the CLI a session
leader (Ctrl-C does not reach it), asks the kernel to kill it with its parent, checks that the parent is still
there, takes the session's lock (which then lives exactly as long as the CLI), hands on only the environment
that was asked for, and becomes the CLI.
"""

import ctypes
import fcntl
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
ORPHANED, LOCKED = 70, 75
PASSED_ON = frozenset({
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PWD", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_AGENT_SDK_VERSION", "CLAUDE_CODE_SDK_READS_SESSION_STATE",
})  # fmt: skip


def main() -> None:
    """Become the CLI, or exit with a number that says why not."""
    parent = int(os.environ["CLERKD_PARENT"])
    os.setsid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(ORPHANED)
    _hold_lock(os.environ["CLERKD_LOCK"])
    wanted = PASSED_ON | set(os.environ["CLERKD_ENV"].split(","))
    environment = {name: value for name, value in os.environ.items() if name in wanted}
    cli = os.environ["CLERKD_CLI"]
    os.execve(cli, [cli, *sys.argv[1:]], environment)  # noqa: S606 - becoming the CLI is the purpose


def _hold_lock(path: str) -> None:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(LOCKED)
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    os.set_inheritable(lock, True)


if __name__ == "__main__":
    main()
