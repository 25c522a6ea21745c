"""``clerkd demo``: what a newcomer sees first."""

import json
import mailbox
from pathlib import Path

import pytest

from daemon.rehearsal.mails import SAMPLE, read
from tests.bed import Bed, mail

FIELDS = {"message", "message_id", "subject", "from", "state", "category", "actions", "session", "turn"}


@pytest.mark.exhaustive
def test_the_demo_prints_one_object_a_mail_and_nothing_else(bed: Bed) -> None:
    """With --json, every line is an object with the promised fields; all mails are through in one session."""
    shown = bed.clerkd("demo", "--json")
    assert shown.returncode == 0, shown.stderr
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(records) == len(list(SAMPLE.glob("*.eml"))) >= 25
    assert all(set(record) == FIELDS for record in records)
    assert {record["state"] for record in records} == {"done", "escalated"}
    assert len({record["session"] for record in records if record["session"]}) == 1
    assert {"question", "complaint", "invoice", "outage", "automated", "suspicious"} <= {r["category"] for r in records}
    assert shown.stderr == ""


@pytest.mark.exhaustive
def test_the_demo_shows_progress_the_log_and_what_to_do_next_and_names_the_stand_in(bed: Bed) -> None:
    """On a terminal: a word on the stand-in, a line a mail, the table, and the next commands."""
    shown = bed.clerkd("demo").stdout
    assert "stand-in" in shown.splitlines()[1]
    assert "28/28" in shown
    assert "Category" in shown
    assert "clerkd init" in shown


def _eml(root: Path) -> Path:
    path = root / "one.eml"
    path.write_bytes(mail("Only one"))
    return path


def _folder(root: Path) -> Path:
    (root / "mails" / "deep").mkdir(parents=True)
    (root / "mails" / "deep" / "one.eml").write_bytes(mail("Only one"))
    return root / "mails"


def _maildir(root: Path) -> Path:
    box = mailbox.Maildir(root / "Maildir")
    box.add(mail("Only one"))
    return root / "Maildir"


def _mbox(root: Path) -> Path:
    box = mailbox.mbox(root / "archive.mbox")
    box.add(mail("Only one"))
    box.close()
    return root / "archive.mbox"


@pytest.mark.parametrize("make", [_eml, _folder, _maildir, _mbox])
def test_the_demo_reads_every_kind_of_archive(tmp_path: Path, make: object) -> None:
    """An .eml file, a folder of them, a Maildir and an mbox give the same mail."""
    assert callable(make)
    (raw,) = read(make(tmp_path))
    assert b"Subject: Only one\r\n" in raw


@pytest.mark.exhaustive
def test_the_demo_works_the_users_own_mail(bed: Bed) -> None:
    """With --mail, the user's mails are worked instead of the sample."""
    shown = bed.clerkd("demo", "--json", "--mail", str(_eml(bed.root)))
    (record,) = [json.loads(line) for line in shown.stdout.splitlines()]
    assert (record["subject"], record["actions"]) == ("Only one", ["draft"])


@pytest.mark.exhaustive
def test_the_demo_keeps_its_state_where_that_is_asked_and_goes_on_in_its_session(bed: Bed) -> None:
    """With --state, the log can be read afterwards, and a second rehearsal resumes the session."""
    state, other = bed.root / "kept", bed.root / "other.eml"
    other.write_bytes(mail("Another", sender="bo@tern.example"))
    first = json.loads(bed.clerkd("demo", "--json", "--mail", str(_eml(bed.root)), "--state", str(state)).stdout)
    second = json.loads(bed.clerkd("demo", "--json", "--mail", str(other), "--state", str(state)).stdout)
    assert (first["message"], second["message"]) == (1, 2)
    assert first["session"] == second["session"]
    assert "Only one" in bed.clerkd("log", "--config", str(state / "clerkd.toml")).stdout


def test_the_demo_refuses_live_without_a_key(bed: Bed) -> None:
    """The error names the variable."""
    shown = bed.clerkd("demo", "--live")
    assert shown.returncode == 2
    assert "ANTHROPIC_API_KEY" in shown.stderr


@pytest.mark.parametrize(("make", "told"), [(False, "there is no such file"), (True, "no mail found")])
def test_the_demo_says_where_it_found_no_mail(bed: Bed, make: bool, told: str) -> None:  # noqa: FBT001 - a table's column
    """A missing path, and a folder without mail, are told apart."""
    path = bed.root / "nothing"
    if make:
        path.mkdir()
    shown = bed.clerkd("demo", "--mail", str(path))
    assert shown.returncode == 2
    assert told in shown.stderr
