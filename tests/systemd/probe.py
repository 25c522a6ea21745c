"""Tries, under the walls of the unit, what the service must not be able to do, and what it must; prints JSON."""

import ctypes
import errno
import json
import mmap
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER = 0x10000000
KEYCTL = {"x86_64": 250, "aarch64": 219}
IO_URING_SETUP = 425
STATE = Path("/var/lib/clerkd")
libc = ctypes.CDLL(None, use_errno=True)


def outcome(attempt: Callable[[], object]) -> str:
    """Try it; give "ok" or the error's name."""
    try:
        value = attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return value if isinstance(value, str) else "ok"


def call(function: str, *arguments: object) -> object:
    """Call a function of the C library; raise OSError where it fails."""
    if getattr(libc, function)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), function)
    return None


def write_into(folder: str) -> Callable[[], object]:
    """Make a file in a folder, and remove it."""

    def attempt() -> None:
        path = Path(folder) / "probe-was-here"
        path.write_text("x", encoding="utf-8")
        path.unlink()

    return attempt


def run_from(folder: str) -> Callable[[], object]:
    """Copy a program into a folder and run it there."""

    def attempt() -> None:
        path = Path(folder) / "probe-program"
        shutil.copy("/bin/true", path)
        try:
            path.chmod(0o700)
            subprocess.run([path], check=True)
        finally:
            path.unlink()

    return attempt


def compile_and_run() -> None:
    """Map memory that is both written and run, as the engine's compiler does."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def set_uid_bit() -> None:
    """Give a file the set-user-id bit."""
    path = STATE / "probe-suid"
    path.touch()
    try:
        path.chmod(0o4700)
    finally:
        path.unlink()


def others() -> str:
    """Count the processes of other users that can be seen."""
    mine = os.getuid()
    seen = [place for place in Path("/proc").iterdir() if place.name.isdigit() and place.stat().st_uid != mine]
    return f"{len(seen)} seen"


def round_trip() -> None:
    """Send a byte over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"x")


def listing(folder: str) -> Callable[[], object]:
    """Count what a folder shows."""
    return lambda: f"{len(list(Path(folder).iterdir()))} entries"


ATTEMPTS: dict[str, Callable[[], object]] = {
    "write into /etc": write_into("/etc"),
    "write into /usr": write_into("/usr"),
    "write into /opt/clerkd": write_into("/opt/clerkd"),
    "write into /var/lib": write_into("/var/lib"),
    "write into /run": write_into("/run"),
    "write into /etc/clerkd": write_into("/etc/clerkd"),
    "write into the state directory": write_into(str(STATE)),
    "write into /tmp": write_into("/tmp"),
    "run a program from the state directory": run_from(str(STATE)),
    "run a program from /tmp": run_from("/tmp"),
    "run a program from /dev/shm": run_from("/dev/shm"),
    "list /root": listing("/root"),
    "list /home": listing("/home"),
    "list /tmp": listing("/tmp"),
    "read the credentials at their source": listing("/etc/clerkd/credentials"),
    "see other users' processes": others,
    "read /proc/meminfo": lambda: Path("/proc/meminfo").read_text() and None,
    "write into /proc/sys": lambda: Path("/proc/sys/kernel/hostname").write_text("x"),
    "open a device": lambda: os.close(os.open(STATE / "device", os.O_RDWR)),
    "see /dev/fuse": lambda: Path("/dev/fuse").stat() and None,
    "make a socket for netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "make a socket for packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "make a socket for IPv6": lambda: socket.socket(socket.AF_INET6).close(),
    "send over loopback": round_trip,
    "make a namespace": lambda: call("unshare", CLONE_NEWUSER),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "trace a process": lambda: call("ptrace", 0, 0, 0, 0),
    "change the owner": lambda: os.chown(STATE, 0, 0),
    "become root": lambda: os.setuid(0),
    "raise the priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
    "schedule in real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "change the personality": lambda: call("personality", 0x0008),
    "use the keyring": lambda: call("syscall", KEYCTL[platform.machine()], 0, -3, 0),
    "set up io_uring": lambda: call("syscall", IO_URING_SETUP, 1, ctypes.create_string_buffer(120)),
    "set the host name": lambda: socket.sethostname("probe"),
    "set the clock": lambda: call("clock_settime", 0, ctypes.byref((ctypes.c_long * 2)(0, 0))),
    "read the kernel's log": lambda: call("klogctl", 3, ctypes.create_string_buffer(100), 100),
    "set the set-user-id bit": set_uid_bit,
    "run memory that was written": compile_and_run,
}
HARMLESS_OUTSIDE = (
    "open a device", "make a socket for netlink", "run a program from /tmp", "make a socket for packets",
    "run memory that was written",
)  # fmt: skip


def main() -> None:
    """Try everything and write it into the state directory; with ``-`` only what does no harm, to stdout."""
    if sys.argv[1:] == ["-"]:
        print(json.dumps({name: outcome(ATTEMPTS[name]) for name in HARMLESS_OUTSIDE}))
    else:
        found = {name: outcome(attempt) for name, attempt in ATTEMPTS.items()}
        (STATE / "probe.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
