"""``clerkd log verify`` and ``clerkd log export``."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from knowledge import chain
from knowledge.database import Database
from tests.bed import PASSWORD, USER, Bed, mail
from tests.faults import Faults


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work two mails, one with a subject that a table program would take for a formula."""
    with StandIn(decide) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("chain"), server, model, Faults())
        server.deliver(mail("=cmd|' /C calc'!A0"))
        server.deliver(mail("Hours | **and** [more](x)"))
        bed.work(2)
        yield bed
        bed.close()


@pytest.fixture
def worked(finished: Bed, tmp_path: Path) -> Iterator[Bed]:
    """Give a copy of it that a test may tamper with."""
    shutil.copytree(finished.root / "state", tmp_path / "state")
    bed = Bed(tmp_path, finished.server, finished.model, Faults())
    assert bed.config
    yield bed
    bed.close()


def run(bed: Bed, *arguments: str) -> tuple[int, str, str]:
    """Give exit code, output and errors of a ``clerkd log`` command."""
    done = bed.clerkd("log", *arguments, "--config", str(bed.root / "clerkd.toml"))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_a_log_that_nobody_touched_holds(worked: Bed) -> None:
    """It says how many links there are and which hash they end with; an older head is met."""
    end = chain.head(worked.db)
    assert end
    code, out, _ = run(worked, "verify", "--head", end.hash)
    assert (code, out) == (0, f"the chain holds: {end.number} link(s), head {end.hash}\n")


def test_an_edited_row_is_named(worked: Bed) -> None:
    """And the exit code says it to programs."""
    with worked.db.write() as session:
        session.connection().execute(text("UPDATE decisions SET summary = 'x' WHERE id = 1"))
    code, out, _ = run(worked, "verify")
    assert (code, out) == (1, "decision 1: its row was changed\nthe chain does not hold: 1 finding(s)\n")


def test_a_cut_off_end_is_found_by_an_older_head(worked: Bed) -> None:
    """From the journal's event."""
    code, out, _ = run(worked, "verify", "--head", "ab" * 32)
    assert code == 1
    assert "the chain's end was cut off" in out


def test_a_head_that_is_no_hash_is_refused(worked: Bed) -> None:
    """Before anything is looked at."""
    code, _, err = run(worked, "verify", "--head", "5f0c")
    assert code == 2
    assert "--head '5f0c' is no hash: give the 64 hex digits of an event `chain_head`" in " ".join(err.split())


def test_the_head_goes_to_the_journal(finished: Bed, tmp_path: Path) -> None:
    """At the start, and at every hour's tick."""
    shutil.copytree(finished.root / "state", tmp_path / "state")
    bed = Bed(tmp_path, finished.server, finished.model, Faults())
    end = chain.head(Database(bed.state.database))
    assert end
    bed.server.deliver(mail("One more"))
    events = bed.work(3)
    told = [event for event in events if event["event"] == "chain_head"]
    assert [(event["links"], event["head"]) for event in told] == [(end.number, end.hash)]


def test_the_log_is_exported_as_json_lines(worked: Bed) -> None:
    """One object a message, the newest first."""
    code, out, _ = run(worked, "export")
    assert code == 0
    assert [json.loads(line)["message"] for line in out.splitlines()] == [2, 1]


def test_no_cell_of_the_csv_is_a_formula(worked: Bed) -> None:
    """A table program would carry out what a stranger wrote."""
    code, out, _ = run(worked, "export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["message"] for row in rows] == ["2", "1"]
    assert rows[1]["subject"] == "'=cmd|' /C calc'!A0"
    assert rows[1]["actions"] == "draft (sent)"


def test_nothing_in_a_cell_of_the_markdown_ends_it(worked: Bed) -> None:
    """Every row has as many cells as the heading."""
    code, out, _ = run(worked, "export", "--format", "md", "--since", "1d")
    lines = out.splitlines()
    assert code == 0
    assert {line.replace("\\|", "").count("|") for line in lines} == {lines[0].count("|")}
    assert "Hours \\| \\*\\*and\\*\\* \\[more\\](x)" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "xml"], "--format 'xml' is not known: give one of jsonl, csv, md"),
        (["--since", "soon"], "--since 'soon' is no time"),
    ],
)
def test_wrong_input_is_refused_in_words(worked: Bed, arguments: list[str], said: str) -> None:
    """With what there is instead."""
    code, _, err = run(worked, "export", *arguments)
    assert code == 2
    assert said in " ".join(err.split())
