"""Handoffs that outlast their turn, on the command line: one whose report is in, and one whose report is to come."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from knowledge import handoffs
from knowledge.tables import Handoff
from tests.bed import PASSWORD, USER, Bed, mail
from tests.cli import answers
from tests.faults import Faults
from tests.integration.test_outlasting import PLEASE, at_work, engage, hold, staged

pytestmark = pytest.mark.exhaustive

REPORT = "The stand-in's rules, as a specialist, know 1 mail(s), the last 'Contract'."
LATER = "Bo Tern <bo@tern.example>"


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work two mails that are handed over; the service stops before the second report is in."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("handed"), server, model, faults)
        engage(bed, "dollars = 0.2")
        bed.model.rules = staged({})
        server.deliver(mail("Contract", PLEASE))
        bed.work(2)
        hold(bed)
        server.deliver(mail("Lease", "And our lease?", LATER))
        bed.run(lambda db: at_work(bed, db))
        yield bed
        bed.close()


def both(bed: Bed) -> list[Handoff]:
    """Give the two handoffs."""
    return [row for number in (1, 3) for row in handoffs.of_message(bed.db, number)]


def test_log_show_tells_where_the_report_came_in(worked: Bed) -> None:
    """And of one that is open, that it has none."""
    done, waits = both(worked)
    shown = answers.said("log", worked, "show", "1").replace("│", "")
    assert f"handoff {done.id}, in turn 1, to contracts (reported)" in shown
    assert f"report: {REPORT}" in " ".join(shown.split())
    assert "the report came in as message 2" in shown
    shown = answers.said("log", worked, "show", "3").replace("│", "")
    assert f"handoff {waits.id}, in turn 3, to contracts (open)" in shown
    assert "report: - " in shown


def test_log_show_gives_all_of_it_as_json(worked: Bed) -> None:
    """What it waits for, how often it was tried, and when."""
    (record,) = answers.records("log", worked, "show", "3")
    (handoff,) = record["handoffs"]
    seen: dict[str, Any] = {name: handoff[name] for name in ("state", "awaits", "report_id", "ended_at", "tries")}
    assert seen == {"state": "open", "awaits": "fork", "report_id": None, "ended_at": None, "tries": 0}


def test_case_show_tells_of_both(worked: Bed) -> None:
    """In a line each, with what they cost within the case's dollars."""
    done, waits = both(worked)
    line = f"handoff {done.id}, of message 1 to contracts, reported, came in as message 2, ${done.cost_usd:.4f}"
    assert line in answers.said("case", worked, "show", "1")
    line = f"handoff {waits.id}, of message 3 to contracts, open, $0.2000"
    assert line in answers.said("case", worked, "show", "2")
    (record,) = answers.records("case", worked, "show", "1")
    assert json.dumps(record["handoffs"]).count(REPORT) == 1


def test_the_list_of_specialists_counts_those_that_are_open(worked: Bed) -> None:
    """Beside all, and those that brought a report."""
    (line,) = answers.records("specialist", worked, "list")
    assert (line["context"], line["handoffs"], line["reports"], line["open"]) == ("session", 2, 1, 1)
    assert "contracts claude-haiku-4-5 2 1 1 " in answers.said("specialist", worked, "list")


def test_status_counts_those_that_are_open(worked: Bed) -> None:
    """They are no trouble, so nothing is said of them where there is none."""
    shown = worked.clerkd("status", "--config", str(worked.config))
    assert "handoffs: 1 whose report is still to come" in shown.stdout
    (record,) = [json.loads(worked.clerkd("status", "--json", "--config", str(worked.config)).stdout)]
    assert record["handoffs_open"] == 1
