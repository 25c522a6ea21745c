"""Real servers for the session stores: PostgreSQL, Redis, and moto's server for S3, each on a port of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Debian keeps PostgreSQL's programs out of the path, a directory for each version.
POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
REDIS = shutil.which("redis-server") or ""
LOOPBACK = "127.0.0.1"
BUCKET = "transcripts"
RUNNING: dict[str, int] = {}
USER, PASSWORD = "clerkd", "a-password-for-the-test"


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, place: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run a server until the end of the block; it is ready when it listens."""
    with (place / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    RUNNING[str(port)] = process.pid
    try:
        latest = time.monotonic() + 60
        while not _listens(port):
            assert process.poll() is None, (place / "server.log").read_text(encoding="utf-8")
            assert time.monotonic() < latest, "the server does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


@contextmanager
def standing_still(where: str) -> Iterator[None]:
    """Stop a server and all that it has started until the end of the block; its connections stay open."""
    (server,) = (pid for port, pid in RUNNING.items() if f":{port}" in where)
    processes = [server, *_children(server)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def _children(process: int) -> list[int]:
    found = [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return [*found, *(grandchild for child in found for grandchild in _children(child))]


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def postgres(port: int | None = None) -> Iterator[str]:
    """Run PostgreSQL with a password, and give its URL without it. It refuses to run as root: it gets Debian's user."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as short:
        place = Path(short)
        as_user = _unprivileged(place)
        data, secret = place / "data", place / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        number = port or free_port()
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        assert POSTGRES
        made = [
            str(POSTGRES / "initdb"),
            "-D",
            str(data),
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "--no-sync",
        ]
        subprocess.run([*as_user, *made], check=True, capture_output=True, env=environment, cwd=place)
        server = str(POSTGRES / "postgres")
        options = ["-D", str(data), "-h", LOOPBACK, "-p", str(number), "-k", str(place), "-F"]
        with running([*as_user, server, *options], number, place, environment):
            _wait_until_it_answers(POSTGRES / "pg_isready", place, number)
            yield f"postgresql://{USER}@{LOOPBACK}:{number}/postgres"


def _wait_until_it_answers(program: Path, place: Path, port: int) -> None:
    """Wait: it listens a while before it takes calls."""
    ready = [str(program), "-h", str(place), "-p", str(port), "-q", "-t", "30"]
    latest = time.monotonic() + 60
    while subprocess.run(ready, check=False).returncode:
        assert time.monotonic() < latest, "PostgreSQL does not answer"
        time.sleep(0.05)


def _unprivileged(place: Path) -> list[str]:
    if os.geteuid():
        return []
    user = pwd.getpwnam("postgres")
    os.chown(place, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@contextmanager
def redis(port: int | None = None) -> Iterator[str]:
    """Run Redis, and give its URL."""
    with tempfile.TemporaryDirectory(prefix="redis-") as short:
        number = port or free_port()
        options = [
            "--port",
            str(number),
            "--bind",
            LOOPBACK,
            "--save",
            "",
            "--requirepass",
            PASSWORD,
            "--databases",
            "1000",
        ]
        with running([REDIS, *options], number, Path(short), {"PATH": os.environ["PATH"]}):
            yield f"redis://{LOOPBACK}:{number}/0"


@contextmanager
def s3(port: int | None = None) -> Iterator[str]:
    """Run moto's server with a bucket, and give its endpoint."""
    with tempfile.TemporaryDirectory(prefix="moto-") as short:
        number = port or free_port()
        command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(number)]
        environment = {"PATH": os.environ["PATH"], "HOME": short}
        with running(command, number, Path(short), environment):
            endpoint = f"http://{LOOPBACK}:{number}"
            made = f"import boto3; boto3.client('s3', endpoint_url={endpoint!r}, region_name='us-east-1', \
aws_access_key_id='k', aws_secret_access_key='s').create_bucket(Bucket={BUCKET!r})"
            subprocess.run([sys.executable, "-c", made], check=True, env=environment)
            yield endpoint
