"""Runs in the throw-away machine: works mails with the real unit, and writes down what it has seen.

It asserts nothing: ``test_service.py`` does, on the JSON that is written here.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from imapclient import IMAPClient

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide

CLERKD = "/opt/clerkd/bin/clerkd"
USER, PASSWORD, KEY = "support@harbourpine.example", "rehearsal", "a-key-for-the-stand-in"
PAGES_PASSWORD = "correct horse battery"
CONFIG, CREDENTIALS = Path("/etc/clerkd/clerkd.toml"), Path("/etc/clerkd/credentials")
SHOWN = "ActiveState,SubState,StatusText,Result,ExecMainCode,ExecMainStatus,NRestarts,MainPID,Type,WatchdogUSec"

evidence: dict[str, Any] = {}


class NameServer:
    """Answers DNS on loopback: every name is 127.0.0.1, so that name resolution goes its whole way."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.asked: set[str] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self) -> Self:
        """Listen, and be this machine's name server."""
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()
        resolver = Path("/etc/resolv.conf")
        resolver.unlink(missing_ok=True)
        resolver.write_text("nameserver 127.0.0.1\n", encoding="utf-8")
        return self

    def __exit__(self, *_exc: object) -> None:
        """Leave the thread to the end of the process."""

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(512)
            self._socket.sendto(self._answer(query), sender)

    def _answer(self, query: bytes) -> bytes:
        """Give an address record to who asks for one, and no record of any other kind."""
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode("latin-1"))
            at += 1 + length
        question = query[12 : at + 5]
        self.asked.add(".".join(labels))
        wanted = question[-4:-2] == b"\x00\x01"
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01" if wanted else b""
        return query[:2] + b"\x81\x80\x00\x01\x00" + bytes([wanted]) + b"\x00\x00\x00\x00" + question + record


def main() -> None:
    """Go through the chapters; what went wrong is written down too."""
    try:
        with MailServer(USER, PASSWORD) as mailbox, StandIn(decide) as model, NameServer() as names:
            _set_up(mailbox, model)
            _before_the_start()
            _work(mailbox, names)
            _serve_pages()
            _stop_and_go_on(mailbox)
            _probe()
            _kill()
            _without_a_credential()
            _with_an_impatient_watchdog()
            _with_a_bad_config()
    except Exception as error:
        evidence["error"] = repr(error)
        raise
    finally:
        evidence["journal"] = run("journalctl", "--boot", "--no-pager", "--output=short-monotonic")["out"]
        Path("/evidence/evidence.json").write_text(json.dumps(evidence, indent=1), encoding="utf-8")


def run(*command: str) -> dict[str, Any]:
    """Run a command to its end."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    return {"exit": done.returncode, "out": done.stdout, "err": done.stderr}


def as_user(*arguments: str) -> dict[str, Any]:
    """Run clerkd as the service's user, without credentials."""
    return run("runuser", "-u", "clerkd", "--", CLERKD, *arguments)


def shown() -> dict[str, str]:
    """Ask systemd how the service is."""
    lines = run("systemctl", "show", f"--property={SHOWN}", "clerkd.service")["out"].splitlines()
    return dict(line.split("=", 1) for line in lines)


def wait(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait until a condition holds; say whether it does."""
    latest = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > latest:
            return False
        time.sleep(0.1)
    return True


def mail(subject: str) -> bytes:
    """Write a mail."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ada Quill <ada@quill.example>", USER, subject
    message["Message-ID"] = f"<{subject.replace(' ', '-')}@quill.example>"
    message.set_content("When do you open?")
    return message.as_bytes().replace(b"\n", b"\r\n")


def done() -> list[dict[str, Any]]:
    """Read the decision log: the messages that are done."""
    lines = as_user("log", "--json")["out"].splitlines()
    return [entry for entry in map(json.loads, lines) if entry["state"] == "done"]


def _set_up(mailbox: MailServer, model: StandIn) -> None:
    """Do what README.md asks of a person."""
    evidence["directories"] = run("stat", "--format=%a %U %G", str(CONFIG.parent), str(CREDENTIALS))["out"].splitlines()
    for name, secret in (("imap-password", PASSWORD), ("anthropic-api-key", KEY)):
        (CREDENTIALS / name).write_text(secret, encoding="utf-8")
        (CREDENTIALS / name).chmod(0o600)
    evidence["init"] = run(
        CLERKD, "init", "--untested", "--address", USER, "--name", "Robin Reed", "--imap-host", "imap.example",
        "--imap-port", str(mailbox.imap_port), "--imap-security", "none", "--imap-password",
        "credential:imap-password", "--api-key", "credential:anthropic-api-key", "--base-url", f"http://model.example:{model.port}",
    )  # fmt: skip
    config = CONFIG.read_text(encoding="utf-8")
    CONFIG.write_text(re.sub(r'^since = "new".*$', 'since = "all"\npoll_seconds = 0.5', config, flags=re.MULTILINE))


def _before_the_start() -> None:
    evidence["check before"] = run("clerkd-as-service", "check")


def _work(mailbox: MailServer, names: NameServer) -> None:
    mailbox.deliver(mail("Opening hours"))
    evidence["start"] = run("systemctl", "start", "clerkd.service")
    evidence["ready"] = shown()
    evidence["worked"] = wait(lambda: len(done()) == 1)
    wait(lambda: shown()["StatusText"].startswith("1 done"), 20)
    evidence["log"] = done()
    evidence["names asked for"] = sorted(names.asked)
    with IMAPClient("127.0.0.1", mailbox.imap_port, ssl=False) as client:
        client.login(USER, PASSWORD)
        evidence["drafts"] = client.select_folder("Drafts", readonly=True)[b"EXISTS"]
    wanted = "--property=WatchdogUSec,WatchdogTimestampMonotonic,ActiveEnterTimestampMonotonic"
    lines = run("systemctl", "show", wanted, "clerkd.service")["out"].splitlines()
    evidence["watchdog"] = dict(line.split("=", 1) for line in lines)
    evidence["status"] = run("systemctl", "status", "--no-pager", "--full", "clerkd.service")
    evidence["clerkd status"] = as_user("status")
    evidence["check beside"] = run("clerkd-as-service", "check")
    evidence["processes"] = _processes()
    evidence["state"] = run(
        "stat", "--format=%a %U %n", "/var/lib/clerkd", *map(str, Path("/var/lib/clerkd").iterdir())
    )


def _serve_pages() -> None:
    """Do what README.md asks of a person for the pages, sign in, and look at what waits."""
    words = [CLERKD, "web", "user", "add", "ada", "--role", "reviewer"]
    evidence["pages without a user"] = run("systemctl", "start", "clerkd-web.service")
    wait(lambda: "ActiveState=failed" in run("systemctl", "show", "clerkd-web.service")["out"], 30)
    evidence["pages' end without a user"] = run("systemctl", "show", f"--property={SHOWN}", "clerkd-web.service")["out"]
    added = subprocess.run(
        ["runuser", "-u", "clerkd", "--", *words],
        input=f"{PAGES_PASSWORD}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    evidence["user added"] = {"exit": added.returncode, "out": added.stdout, "err": added.stderr}
    run("systemctl", "start", "clerkd-web.service")
    evidence["pages served"] = wait(lambda: b"Password" in _page("/sign-in"), 60)
    evidence["waiting page"] = _page("/waiting", _cookie()).decode()
    evidence["pages' processes"] = _processes("clerkd-web.service")
    evidence["pages' stop"] = run("systemctl", "stop", "clerkd-web.service")


def _page(path: str, cookie: str = "") -> bytes:
    try:
        request = urllib.request.Request(f"http://127.0.0.1:8620{path}", headers={"Cookie": cookie})
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: bytes = answer.read()
            return found
    except OSError:
        return b""


def _cookie() -> str:
    connection = http.client.HTTPConnection("127.0.0.1", 8620, timeout=20)
    form = urllib.parse.urlencode({"name": "ada", "password": PAGES_PASSWORD})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1:8620"}
    connection.request("POST", "/sign-in", form, headers)
    return (connection.getresponse().headers["Set-Cookie"] or "").partition(";")[0]


def _processes(unit: str = "clerkd.service") -> list[dict[str, Any]]:
    """Read, from outside, how the kernel holds every process of a service."""
    found = []
    for pid in Path(f"/sys/fs/cgroup/system.slice/{unit}/cgroup.procs").read_text().split():
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        fields = dict(line.split(":\t", 1) for line in lines)
        kept = ("Uid", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters")
        limits = Path(f"/proc/{pid}/limits").read_text()
        core = re.search(r"Max core file size +(\d+)", limits)
        found.append({
            "program": Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:200],
            "own user namespace": Path(f"/proc/{pid}/ns/user").readlink() != Path("/proc/self/ns/user").readlink(),
            "core": core[1] if core else "",
            **{name: fields[name] for name in kept},
        })  # fmt: skip
    return found


def _stop_and_go_on(mailbox: MailServer) -> None:
    before = time.monotonic()
    evidence["stop"] = run("systemctl", "stop", "clerkd.service")
    evidence["stop seconds"] = time.monotonic() - before
    evidence["stopped"] = shown()
    mailbox.deliver(mail("The red valve"))
    run("systemctl", "start", "clerkd.service")
    evidence["worked again"] = wait(lambda: len(done()) == 2)
    evidence["log again"] = done()


def _probe() -> None:
    """Let a program under all walls of the unit try what it must not do, and what it must."""
    node = Path("/var/lib/clerkd/device")
    os.mknod(node, 0o666 | 0o020000, os.makedev(10, 229))  # /dev/fuse: opening it does nothing
    shutil.chown(node, "clerkd")
    node.chmod(0o666)
    unit = Path("/etc/systemd/system/clerkd.service").read_text(encoding="utf-8")
    unit = re.sub(
        r"^ExecStart=.*$", "ExecStart=/opt/clerkd/bin/python -m tests.systemd.probe", unit, flags=re.MULTILINE
    )
    unit = re.sub(r"^Type=.*$", "Type=oneshot\nWorkingDirectory=/opt/clerkd/parts/project", unit, flags=re.MULTILINE)
    unit = re.sub(r"^(Restart|WatchdogSec|NotifyAccess).*$", "", unit, flags=re.MULTILINE)
    Path("/etc/systemd/system/probe.service").write_text(unit, encoding="utf-8")
    run("systemctl", "daemon-reload")
    evidence["probe run"] = run("systemctl", "start", "probe.service")
    evidence["probe"] = json.loads(Path("/var/lib/clerkd/probe.json").read_text())
    evidence["probe without walls"] = json.loads(run("/opt/clerkd/bin/python", "-m", "tests.systemd.probe", "-")["out"])
    node.unlink()


def _kill() -> None:
    """Kill the daemon; the session's engine must not outlive it, and systemd must want to start it again."""
    os.kill(int(shown()["MainPID"]), signal.SIGKILL)
    wait(lambda: shown()["SubState"] == "auto-restart", 20)
    evidence["killed"] = shown()
    procs = Path("/sys/fs/cgroup/system.slice/clerkd.service/cgroup.procs")
    evidence["left after the kill"] = procs.read_text().split() if procs.exists() else []
    run("systemctl", "stop", "clerkd.service")


def _without_a_credential() -> None:
    secret = CREDENTIALS / "anthropic-api-key"
    secret.rename(secret.with_suffix(".away"))
    evidence["start without a credential"] = run("systemctl", "start", "clerkd.service")
    evidence["without a credential"] = shown()
    run("systemctl", "stop", "clerkd.service")
    secret.with_suffix(".away").rename(secret)


def _with_an_impatient_watchdog() -> None:
    drop_in = Path("/etc/systemd/system/clerkd.service.d/watchdog.conf")
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nWatchdogSec=60\n", encoding="utf-8")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "clerkd.service")
    evidence["with an impatient watchdog"] = shown()
    drop_in.unlink()
    run("systemctl", "daemon-reload")


def _with_a_bad_config() -> None:
    CONFIG.write_text("[employee]\nname = 1\n", encoding="utf-8")
    evidence["start with a bad config"] = run("systemctl", "start", "clerkd.service")
    evidence["with a bad config"] = shown()
    evidence["check of a bad config"] = run("clerkd-as-service", "check")


if __name__ == "__main__":
    main()
