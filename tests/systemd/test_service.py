"""The real unit under a real systemd: a throw-away machine boots it, ``inside.py`` works mails with it.

Needs root and a writable cgroup2 tree. The machine has its own processes, mounts, network (loopback only), host name
and cgroups, and its files are an overlay in memory; see ``machine.sh``.
"""

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.systemd.need import PROJECT, need, need_tools

pytestmark = pytest.mark.exhaustive

SECONDS = 420
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--cgroup", "--pid", "--fork", "--kill-child")
REFUSED = ("EPERM", "EACCES", "EROFS")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Boot the machine, let it work, and give what was seen in it."""
    need(given=os.geteuid() == 0, what="root")
    need_tools("unshare", "setpriv", "runuser", "systemd-run", "dbus-daemon", "ldconfig")
    tree = next((place for place in _trees() if (place / "cgroup.procs").exists()), None)
    need(given=tree is not None and os.access(tree, os.W_OK), what="a writable cgroup2 tree")
    folder = tmp_path_factory.mktemp("machine")
    with _cgroup(tree or Path()) as group:
        output = _boot(folder, group)
    evidence = folder / "evidence.json"
    log = folder / "inside.log"
    assert evidence.exists(), output + (log.read_text() if log.exists() else "")
    found: dict[str, Any] = json.loads(evidence.read_text(encoding="utf-8"))
    assert "error" not in found, found["error"] + log.read_text() + found["journal"]
    return found


def _trees() -> tuple[Path, Path]:
    """Name where the cgroup2 tree may be: alone, or beside those of version 1."""
    return Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")


@contextmanager
def _cgroup(tree: Path) -> Iterator[Path]:
    """Make a cgroup for the machine, and remove it with all that it made below."""
    group = tree / f"clerkd-machine-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        for _ in range(50):
            for place, _folders, _files in os.walk(group, topdown=False):
                with suppress(OSError):  # a process of it is still on its way out
                    Path(place).rmdir()
            if not group.exists():
                break
            time.sleep(0.1)


def _boot(folder: Path, group: Path) -> str:
    """Run the machine until it switches itself off; give what it said before systemd took over."""
    packages = sysconfig.get_path("purelib")
    enter = ["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', str(group)]
    machine = ["bash", str(Path(__file__).with_name("machine.sh")), str(folder), str(PROJECT), packages, sys.executable]
    output = folder / "machine.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [*enter, "unshare", *NAMESPACES, *machine], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _step_aside(process, folder, group)
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # with it goes process 1 of the machine, and with that everything in it
            process.wait()
    return output.read_text(encoding="utf-8", errors="replace")


def _step_aside(process: subprocess.Popen[bytes], folder: Path, group: Path) -> None:
    """Take unshare itself out of the cgroup once its child is in the machine: the root must be empty for systemd."""
    latest = time.monotonic() + 20
    while not (folder / "stage").exists() and process.poll() is None and time.monotonic() < latest:
        time.sleep(0.02)
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    own = next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")
    with suppress(OSError):
        (group.parent / own / "cgroup.procs").write_text(str(process.pid), encoding="utf-8")


def test_sysusers_and_tmpfiles_make_user_and_directories_at_boot(seen: dict[str, Any]) -> None:
    """The config is for the service to read, the secrets are root's alone."""
    assert seen["directories"] == ["750 root clerkd", "700 root root"]


def test_the_one_command_checks_as_the_service_before_the_first_start(seen: dict[str, Any]) -> None:
    """``clerkd-as-service check`` reads the credentials, signs in, and finds everything in order."""
    check = seen["check before"]
    assert check["exit"] == 0, check
    lines = check["out"].splitlines()
    assert all(line.startswith("ok") for line in lines), lines
    assert len(lines) == 6


def test_the_one_command_works_beside_the_running_service(seen: dict[str, Any]) -> None:
    """It sees the service's own session, and disturbs nothing."""
    assert seen["check beside"]["exit"] == 0, seen["check beside"]
    assert "can be resumed" in seen["check beside"]["out"]


def test_the_one_command_hands_on_the_exit_code(seen: dict[str, Any]) -> None:
    """A config that cannot be read gives 2, with the reason."""
    assert seen["check of a bad config"]["exit"] == 2
    assert "employee.name" in seen["check of a bad config"]["err"]


def test_the_service_says_that_it_is_ready(seen: dict[str, Any]) -> None:
    """``systemctl start`` returns only once READY=1 has come."""
    assert seen["start"]["exit"] == 0, seen["start"]
    ready = seen["ready"]
    assert (ready["Type"], ready["ActiveState"], ready["SubState"]) == ("notify", "active", "running")


def test_a_mail_is_worked_under_the_walls_of_the_unit(seen: dict[str, Any]) -> None:
    """The daemon fetches it by a name that DNS resolves, the CLI decides on it, a draft is stored."""
    (entry,) = seen["log"]
    assert (entry["subject"], entry["state"], entry["category"]) == ("Opening hours", "done", "question")
    assert [(action["kind"], action["state"]) for action in entry["actions"]] == [("draft", "sent")]
    assert seen["drafts"] == 1
    assert {"imap.example", "model.example"} <= set(seen["names asked for"])


def test_the_status_line_tells_what_it_does(seen: dict[str, Any]) -> None:
    """``systemctl status`` shows the daemon's own words."""
    assert 'Status: "1 done, 0 waiting, 0 for a person"' in seen["status"]["out"]


def test_the_watchdog_is_fed(seen: dict[str, Any]) -> None:
    """The daemon spoke to systemd again after it had become ready."""
    assert seen["watchdog"]["WatchdogUSec"] == "15min"
    assert int(seen["watchdog"]["WatchdogTimestampMonotonic"]) > int(seen["watchdog"]["ActiveEnterTimestampMonotonic"])


def test_no_process_of_the_service_holds_a_privilege(seen: dict[str, Any]) -> None:
    """The kernel says of daemon, reader and CLI: own user, no capability, no new privilege, filtered calls, no core."""
    programs = [process["program"] for process in seen["processes"]]
    for part in ("clerkd run", "daemon.mail.worker", "_bundled/claude"):
        assert [part in program for program in programs].count(True) == 1, programs
    assert len(programs) == 3
    for process in seen["processes"]:
        assert "0" not in process["Uid"].split()
        assert {int(process[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        assert (process["NoNewPrivs"], process["Seccomp"], process["core"]) == ("1", "2", "0")
        assert process["own user namespace"] is True


def test_what_the_service_keeps_is_its_own_alone(seen: dict[str, Any]) -> None:
    """Nobody else can read the state directory or anything in it."""
    lines = seen["state"]["out"].splitlines()
    assert lines[0] == "700 clerkd /var/lib/clerkd"
    assert all(line.startswith(("600 clerkd ", "700 clerkd ")) for line in lines), lines


def test_it_stops_cleanly(seen: dict[str, Any]) -> None:
    """SIGTERM ends daemon and CLI well before the unit's limit, with success."""
    assert seen["stop"]["exit"] == 0
    assert seen["stop seconds"] < 20
    stopped = seen["stopped"]
    assert (stopped["ActiveState"], stopped["Result"], stopped["ExecMainStatus"]) == ("inactive", "success", "0")


def test_the_next_start_resumes_the_session(seen: dict[str, Any]) -> None:
    """Under the walls, too, the second mail is a turn of the same session, which remembers the first one."""
    second, first = seen["log again"]
    assert second["session"] == first["session"]
    assert "earlier mail 'Opening hours'" in second["summary"]


@pytest.mark.parametrize(
    ("attempt", "outcomes"),
    [
        ("write into /etc", ["EROFS"]),
        ("write into /usr", ["EROFS"]),
        ("write into /opt/clerkd", ["EROFS"]),
        ("write into /var/lib", ["EROFS"]),
        ("write into /run", REFUSED),
        ("write into /etc/clerkd", REFUSED),
        ("list /root", ["EACCES"]),
        ("list /home", ["EACCES"]),
        ("list /tmp", ["0 entries"]),
        ("read the credentials at their source", ["EACCES"]),
        ("see other users' processes", ["0 seen"]),
        ("read /proc/meminfo", ["ENOENT"]),
        ("write into /proc/sys", ["ENOENT"]),
        ("open a device", ["EPERM"]),
        ("see /dev/fuse", ["ENOENT"]),
        ("make a socket for netlink", ["EAFNOSUPPORT"]),
        ("make a socket for packets", ["EAFNOSUPPORT"]),
        ("make a namespace", ["EPERM"]),
        ("mount", ["EPERM"]),
        ("trace a process", ["EPERM"]),
        ("change the owner", ["EPERM"]),
        ("become root", ["EPERM"]),
        ("raise the priority", ["EPERM"]),
        ("schedule in real time", ["EPERM"]),
        ("change the personality", ["EPERM"]),
        ("use the keyring", ["EPERM"]),
        ("set up io_uring", ["EPERM"]),
        ("set the host name", ["EPERM"]),
        ("set the clock", ["EPERM"]),
        ("read the kernel's log", ["EPERM"]),
        ("set the set-user-id bit", ["EPERM"]),
    ],
)
def test_under_the_walls_it_cannot(seen: dict[str, Any], attempt: str, outcomes: list[str]) -> None:
    """A program started with everything that the unit says about walls is refused."""
    assert seen["probe"][attempt] in outcomes


@pytest.mark.parametrize(
    "attempt",
    [
        "write into the state directory",
        "write into /tmp",
        "run a program from the state directory",
        "run memory that was written",
        "make a socket for IPv6",
        "send over loopback",
    ],
)
def test_under_the_walls_it_still_can(seen: dict[str, Any], attempt: str) -> None:
    """What daemon and CLI need is allowed: state, the starter script in it, compiled code, connections."""
    assert seen["probe"][attempt] == "ok"


def test_it_is_the_unit_that_refuses(seen: dict[str, Any]) -> None:
    """Outside of the service, in the same machine, the same attempts go through."""
    assert set(seen["probe without walls"].values()) == {"ok"}
    assert len(seen["probe without walls"]) > 3


def test_a_killed_daemon_takes_its_cli_with_it_and_is_started_again(seen: dict[str, Any]) -> None:
    """After SIGKILL nothing of the service is left, and systemd waits to start it anew."""
    assert (seen["killed"]["Result"], seen["killed"]["SubState"]) == ("signal", "auto-restart")
    assert seen["left after the kill"] == []


def test_a_missing_credential_fails_the_start(seen: dict[str, Any]) -> None:
    """The service is not started at all by systemd 252 (status 243), which is why the optional line is a comment."""
    assert seen["start without a credential"]["exit"] != 0
    assert seen["without a credential"]["ExecMainStatus"] == "243"


def test_a_bad_config_fails_the_start_once(seen: dict[str, Any]) -> None:
    """Exit code 2 leaves the service failed, with no restart pending."""
    found = seen["with a bad config"]
    assert (found["ExecMainStatus"], found["ActiveState"], found["NRestarts"]) == ("2", "failed", "0")


def test_a_watchdog_without_patience_is_refused(seen: dict[str, Any]) -> None:
    """With WatchdogSec= below the longest silence the daemon does not start, and says why."""
    assert seen["with an impatient watchdog"]["ExecMainStatus"] == "2"
    assert "WatchdogSec= of the unit is 60 s" in seen["journal"]


def test_the_pages_do_not_start_before_somebody_may_sign_in(seen: dict[str, Any]) -> None:
    """The unit stays down, and the journal says what to do."""
    assert "Result=exit-code" in seen["pages' end without a user"]
    assert "ExecMainStatus=2" in seen["pages' end without a user"]
    assert "clerkd web user add NAME --role reviewer" in seen["journal"]


def test_the_pages_are_served_under_their_own_unit(seen: dict[str, Any]) -> None:
    """Beside the service, to whoever signs in; a stop ends them in good order."""
    assert seen["user added"]["exit"] == 0, seen["user added"]
    assert seen["pages served"]
    assert "Waiting for a person" in seen["waiting page"]
    assert "At work." in seen["waiting page"]
    assert seen["pages' stop"]["exit"] == 0


def test_the_pages_have_no_privilege(seen: dict[str, Any]) -> None:
    """Neither has the process in which they read mails."""
    assert seen["pages' processes"]
    for process in seen["pages' processes"]:
        assert {process[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}, process["program"]
        assert (process["NoNewPrivs"], process["Seccomp"]) == ("1", "2"), process["program"]
