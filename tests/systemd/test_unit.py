"""The unit and its companions, as systemd's own tools read them."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from daemon import app
from daemon.cli import USAGE_EXIT
from daemon.settings import load
from tests.systemd.need import PROJECT, UNIT, UNITS, directive, directives, need, need_tools, run

MOST_EXPOSURE = 1.5


@pytest.fixture(params=[UNIT.name, "clerkd-web.service"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Copy a unit with a program that is there: verify looks for it."""
    need_tools("systemd-analyze")
    copy = tmp_path / str(request.param)
    program = directive("ExecStart").split()[0]
    text = (UNITS / copy.name).read_text(encoding="utf-8")
    assert program in text
    copy.write_text(text.replace(program, "/bin/true"), encoding="utf-8")
    return copy


def test_systemd_has_no_complaint_about_the_unit(unit: Path) -> None:
    """``systemd-analyze verify`` exits with 0 and says nothing."""
    done = run("systemd-analyze", "verify", "--recursive-errors=no", unit)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_misspelt_directive_would_be_noticed(unit: Path) -> None:
    """The verification above is no formality: an unknown key is named."""
    unit.write_text(unit.read_text(encoding="utf-8").replace("ProtectHome=", "ProtectHomes="), encoding="utf-8")
    assert "ProtectHomes" in run("systemd-analyze", "verify", "--recursive-errors=no", unit).stdout


def test_the_unit_exposes_little(unit: Path) -> None:
    """The overall exposure that ``systemd-analyze security`` computes stays at or below 1.5 of 10."""
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    found = re.search(rf"Overall exposure level for {re.escape(unit.name)}: ([0-9.]+)", done.stdout)
    assert found, done.stdout
    assert float(found[1]) <= MOST_EXPOSURE


def test_the_users_file_is_understood() -> None:
    """``systemd-sysusers`` would make the user and the group of the unit."""
    need_tools("systemd-sysusers")
    done = run("systemd-sysusers", "--dry-run", UNITS / "clerkd.sysusers")
    assert done.returncode == 0, done.stdout
    assert directive("User") == directive("Group") == "clerkd"


def test_the_directories_are_made_with_their_owners_and_modes(tmp_path: Path) -> None:
    """In an empty root, users and directories come out as the unit needs them, and the secrets are root's alone."""
    need_tools("systemd-sysusers", "systemd-tmpfiles")
    need(given=os.geteuid() == 0, what="root")
    (tmp_path / "etc").mkdir()
    users = run("systemd-sysusers", f"--root={tmp_path}", UNITS / "clerkd.sysusers")
    assert users.returncode == 0, users.stdout
    made = run("systemd-tmpfiles", "--create", f"--root={tmp_path}", UNITS / "clerkd.tmpfiles")
    assert made.returncode == 0, made.stdout
    fields = next(line for line in (tmp_path / "etc/group").read_text().splitlines() if line.startswith("clerkd:"))
    group = int(fields.split(":")[2])
    for name, mode, owner in (("clerkd", 0o750, (0, group)), ("clerkd/credentials", 0o700, (0, 0))):
        found = (tmp_path / "etc" / name).stat()
        assert (found.st_mode & 0o7777, (found.st_uid, found.st_gid)) == (mode, owner)


def test_the_times_of_the_unit_suit_the_delivered_config(tmp_path: Path) -> None:
    """The watchdog is more patient than the longest silence, and the stop longer than the turn at hand may take."""
    config = tmp_path / "clerkd.toml"
    config.write_text((PROJECT / "config/clerkd.toml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "employee.md").write_text("Answer kindly.", encoding="utf-8")
    settings = load(config)
    minutes = re.fullmatch(r"(\d+)min", directive("WatchdogSec"))
    assert minutes
    assert int(minutes[1]) * 60 > app._longest_silence(settings)
    assert int(directive("TimeoutStopSec")) > settings.service.stop_seconds


def test_the_unit_loads_every_credential_that_the_delivered_config_names() -> None:
    """Each required credential has its line, and the optional one is there to be uncommented."""
    config = tomllib.loads((PROJECT / "config/clerkd.toml").read_text(encoding="utf-8"))
    named = {config["mailbox"]["password"]["credential"], config["model"]["api_key"]["credential"]}
    loaded = [value for name, value in directives() if name == "LoadCredential"]
    assert sorted(loaded) == sorted(f"{name}:/etc/clerkd/credentials/{name}" for name in named)
    assert "\n#LoadCredential=smtp-password:/etc/clerkd/credentials/smtp-password\n" in UNIT.read_text(encoding="utf-8")


def test_a_bad_config_is_not_tried_again_and_again() -> None:
    """The exit code for what a person must mend is the one that prevents a restart."""
    assert directive("RestartPreventExitStatus") == str(USAGE_EXIT)
