"""``clerkd specialist list``, and where else a handoff is shown."""

import json
import shutil
from collections.abc import Iterator

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from knowledge import handoffs
from knowledge.tables import Handoff
from tests.bed import PASSWORD, USER, Bed, mail
from tests.cli import answers
from tests.faults import Faults
from tests.integration.test_specialists import OWED, staff

REPORT = "The stand-in's rules, as a specialist, have read 'Invoice'."


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work one mail that is handed over."""
    with StandIn(decide) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("handed"), server, model, Faults())
        staff(bed)
        server.deliver(mail("Invoice", OWED))
        bed.work(1)
        yield bed
        bed.close()


def only(bed: Bed) -> Handoff:
    """Give the one handoff."""
    (row,) = handoffs.of_message(bed.db, 1)
    return row


def test_the_list_adds_up_what_each_specialist_did(worked: Bed) -> None:
    """Handoffs, reports, dollars and seconds, with what is configured."""
    (line,) = answers.records("specialist", worked, "list")
    row = only(worked)
    assert line == {
        "specialist": "billing", "configured": True, "model": "claude-haiku-4-5", "when": "Invoices and payments.",
        "tools": ["look_at_case", "search_decisions", "recall"], "mcp": [], "context": "mail", "to": None,
        "handoffs": 1, "reports": 1, "open": 0, "cost_usd": round(row.cost_usd, 6), "seconds": row.seconds,
    }  # fmt: skip
    assert f"billing claude-haiku-4-5 1 1 0 {row.cost_usd:.4f} {row.seconds:.1f} Invoices" in answers.said(
        "specialist", worked, "list"
    )


def test_one_that_is_not_configured_any_more_keeps_its_figures(worked: Bed) -> None:
    """What it has cost does not go with its file."""
    place = worked.root / "specialists" / "billing.md"
    text = place.read_text(encoding="utf-8")
    place.unlink()
    try:
        (line,) = answers.records("specialist", worked, "list")
        assert (line["configured"], line["handoffs"], line["model"]) == (False, 1, None)
        assert "(not configured any more)" in answers.said("specialist", worked, "list")
    finally:
        place.write_text(text, encoding="utf-8")


def test_a_company_without_specialists_is_told_so(worked: Bed, tmp_path_factory: pytest.TempPathFactory) -> None:
    """And which key would change that."""
    place = tmp_path_factory.mktemp("nobody")
    bed = Bed(place, worked.server, worked.model, Faults())
    bed.prepare()
    assert answers.said("specialist", bed, "list") == "There is no specialist; see employee.specialists."
    assert answers.records("specialist", bed, "list") == []


def test_a_file_that_is_wrong_is_named(worked: Bed, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As by every command that reads the config."""
    bed = Bed(tmp_path_factory.mktemp("wrong"), worked.server, worked.model, Faults())
    staff(bed, "steps = 0")
    shown = bed.clerkd("specialist", "list", "--config", str(bed.config))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "specialists/billing.md: steps: Input should be greater than or equal to 1 (found 0)" in shown.stderr
    shutil.rmtree(bed.root)


def test_a_word_that_is_no_command_is_refused(worked: Bed) -> None:
    """With what there is."""
    assert "No such command 'show'" in answers.refused("specialist", worked, "show")


def test_log_show_tells_all_about_a_handoff(worked: Bed) -> None:
    """Why, brief, report, model, tools, tokens, dollars, seconds, transcript."""
    row, shown = only(worked), answers.said("log", worked, "show", "1")
    for words in (
        f"handoff {row.id}, in turn {row.turn_id}, to billing (reported)",
        "why: Stand-in rule",
        "What does your field say to the mail 'Invoice'?",
        f"report: {REPORT}",
        "model claude-haiku-4-5, tools mcp__clerkd__look_at_case",
        f"tokens: {row.input_tokens} in, {row.output_tokens} out, 0 more read from the cache, 0 written to it; ",
        f"${row.cost_usd:.4f}; {row.seconds:.2f} s",
    ):
        assert words in shown
    (record,) = answers.records("log", worked, "show", "1")
    assert [each["report"] for each in record["handoffs"]] == [REPORT]


def test_case_show_tells_of_the_handoffs_of_its_mails(worked: Bed) -> None:
    """In a line each."""
    row = only(worked)
    shown = answers.said("case", worked, "show", "1")
    assert f"handoff {row.id}, of message 1 to billing, reported, ${row.cost_usd:.4f}" in shown
    (record,) = answers.records("case", worked, "show", "1")
    assert json.dumps(record["handoffs"]).count(REPORT) == 1
