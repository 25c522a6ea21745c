"""Handoffs to a person, on the command line: one that she has answered, and one that she has not."""

import json
from collections.abc import Iterator

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from knowledge import handoffs
from knowledge.tables import Action, Handoff
from tests.bed import PASSWORD, USER, Bed, mail
from tests.cli import answers
from tests.faults import Faults
from tests.integration.test_answers import OWED, answer, engage

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Hand two mails to Alice; she answers the first."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("asked"), server, model, faults)
        engage(bed)
        server.deliver(OWED)
        server.deliver(mail("Refund", "Is it refunded?", "Bo Tern <bo@tern.example>"))
        bed.work(2)
        server.deliver(answer(letter_of(bed, 1).own_message_id))
        bed.work(4)
        yield bed
        bed.close()


def letter_of(bed: Bed, number: int) -> Action:
    """Give the letter of a handoff."""
    with bed.db.read() as session:
        return session.get_one(Action, session.get_one(Handoff, number).letter_id)


def test_log_show_tells_how_she_was_asked(worked: Bed) -> None:
    """By which action, and the letter as a mail program would show it, with what is enclosed; no model, no dollars."""
    shown = answers.said("log", worked, "show", "2").replace("│", "")
    assert "handoff 2, in turn 2, to books (open)" in shown
    assert f"letter: action {letter_of(worked, 2).id}, comes up on 20" in shown
    assert "To: alice@harbourpine.example" in shown
    assert "Subject: [case 2] Refund" in shown
    assert "Enclosed: message-2.eml" in shown
    assert "What it asks of you: Is it paid?" in shown
    assert "model ," not in shown
    done = answers.said("log", worked, "show", "1").replace("│", "")
    assert "report: Yes, paid on 2026-11-20." in done
    assert "the report came in as message 4" in done


def test_log_show_gives_all_of_it_as_json(worked: Bed) -> None:
    """What it waits for, and when it comes up."""
    (record,) = answers.records("log", worked, "show", "2")
    (handoff,) = record["handoffs"]
    seen = {name: handoff[name] for name in ("state", "awaits", "letter_id", "reminder_id", "report_id", "cost_usd")}
    assert seen == {
        "state": "open", "awaits": "answer", "letter_id": letter_of(worked, 2).id, "reminder_id": None,
        "report_id": None, "cost_usd": 0.0,
    }  # fmt: skip
    assert handoff["comes_up_at"]


def test_the_log_says_by_which_rule_her_mail_was_filed(worked: Bed) -> None:
    """And that it is a report."""
    (line,) = [record for record in answers.records("log", worked, "--category", "report") if record["message"] == 3]
    assert (line["rule"], line["summary"]) == ("answer", "A specialist's mail: it answers our letter on handoff 1.")


def test_case_show_tells_of_the_handoff(worked: Bed) -> None:
    """In a line, with the letter in place of what it cost."""
    number = letter_of(worked, 2).id
    shown = answers.said("case", worked, "show", "2")
    assert f"handoff 2, of message 2 to books, open, letter: action {number}, comes up on " in shown
    done = answers.said("case", worked, "show", "1")
    assert "handoff 1, of message 1 to books, reported, came in as message 4, letter: action" in done


def test_the_list_of_specialists_gives_her_address(worked: Bed) -> None:
    """Where others have a model."""
    (line,) = answers.records("specialist", worked, "list")
    assert (line["to"], line["model"], line["handoffs"], line["reports"], line["open"]) == (
        "alice@harbourpine.example",
        "",
        2,
        1,
        1,
    )
    assert "books alice@harbourpine.example 2 1 1 0.0000 0.0 Whether" in answers.said("specialist", worked, "list")


def test_status_counts_what_she_has_not_answered(worked: Bed) -> None:
    """It is no trouble, and not forgotten."""
    shown = worked.clerkd("status", "--config", str(worked.config))
    assert "handoffs: 1 whose report is still to come" in shown.stdout


def test_check_says_where_her_answers_count(worked: Bed) -> None:
    """In the mailboxes whose border server vouches for senders."""
    shown = answers.said("check", worked)
    assert "ok specialist books: alice@harbourpine.example; an answer counts that comes into support@" in shown


def test_read_shows_what_an_answer_would_be_taken_for(worked: Bed) -> None:
    """Without changing anything."""
    path = worked.root / "answer.eml"
    path.write_bytes(answer(letter_of(worked, 2).own_message_id, "Refunded."))
    found = json.loads(worked.clerkd("read", str(path), "--json", "--config", str(worked.config)).stdout)
    assert (found["verdict"], found["rule"], found["case"], found["reason"]) == (
        "taken as a report",
        "answer",
        2,
        "it answers our letter on handoff 2",
    )
    assert handoffs.get(worked.db, 2)[0].state == "open"


def test_without_a_border_server_neither_run_nor_check_starts(worked: Bed) -> None:
    """The error names the file, the key, and what is missing."""
    path = worked.root / "bare.toml"
    lines = worked.config.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith("authserv_")), encoding="utf-8")
    for word in ("run", "check"):
        shown = worked.clerkd(word, "--config", str(path))
        assert (shown.returncode, "Traceback" in shown.stderr) == (2, False)
        said = " ".join(shown.stderr.split())
        assert f"{worked.root}/specialists/books.md: to: an answer counts only where the border server" in said
        assert "give mailbox.authserv_id" in said
