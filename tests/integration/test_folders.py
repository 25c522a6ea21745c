"""A specialist works on the case's folder: kept with the turn, gone without it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.agent.specialists import allowed
from daemon.judgement.folder import LONGEST_FILE
from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body, text, tool_use
from knowledge import folders
from tests.bed import Bed, mail
from tests.integration.test_specialists import OWED, as_specialist, handing, of_specialist, staff, worked

WRITE, EDIT, READ, LIST = (f"mcp__clerkd__{name}" for name in ("write_file", "edit_file", "read_file", "list_files"))
PLAN = {"name": "plan.md", "text": "first\n"}


def calling(*calls: tuple[str, dict[str, Any]]) -> Callable[[Body], Answer]:
    """Give a specialist that makes these calls, one after the other, and then reports."""

    def answer(body: Body) -> Answer:
        done = sum(message["role"] == "user" and "tool_result" in json.dumps(message) for message in body["messages"])
        return Answer((tool_use(*calls[done]),)) if done < len(calls) else Answer((text("Done."),))

    return as_specialist(answer)


def names(bed: Bed) -> dict[str, str]:
    """Give the files of case 1."""
    return {file.name: file.text for file in folders.of_case(bed.db, 1)}


def answers(bed: Bed) -> str:
    """Give what the specialist's last request holds."""
    return json.dumps(of_specialist(bed)[-1]["messages"])


def reply(bed: Bed) -> None:
    """Have another mail of the case worked."""
    first = bed.entries[0].message.message_id
    bed.server.deliver(mail("Re: Invoice", f"{OWED} Please hurry.", In_Reply_To=first, References=first))
    bed.work(2)


@pytest.mark.exhaustive
def test_what_a_specialist_writes_is_kept_with_its_turn_and_is_there_the_next_time(bed: Bed) -> None:
    """Every version is kept; the newest is the file."""
    staff(bed, "workspace = true")
    bed.model.rules = calling((WRITE, PLAN), (EDIT, {"name": "plan.md", "old": "first", "new": "second"}))
    (row,) = worked(bed)
    assert row.tools == [WRITE, EDIT]
    assert names(bed) == {"plan.md": "second\n"}
    again = calling((READ, {"name": "plan.md"}), (WRITE, {"name": "b.md", "text": "-"}), (LIST, {}))
    bed.model.rules = lambda body: (again if rules.OF_SPECIALIST in json.dumps(body["system"]) else to_billing)(body)
    reply(bed)
    assert "second" in answers(bed)
    assert "b.md (1 characters)" in answers(bed)
    assert names(bed) == {"b.md": "-", "plan.md": "second\n"}
    assert [file.turn_id for file in folders.versions(bed.db, 1)] == [1, 2]


to_billing = handing({"subagent_type": "billing"})


@pytest.mark.exhaustive
def test_what_a_turn_that_does_not_settle_wrote_is_gone(bed: Bed) -> None:
    """It was in memory alone."""
    staff(bed, "workspace = true")
    writes = calling((WRITE, PLAN))
    spoilt: list[Body] = []

    def once(body: Body) -> Answer:
        if not spoilt and rules.OF_SPECIALIST not in json.dumps(body["system"]) and "Done." in json.dumps(body):
            spoilt.append(body)
            bed.faults.coming = [529]
            return Answer((tool_use(rules.CASE, {}),))
        return (rules.decide if spoilt else writes)(body)

    bed.model.rules = once
    rows = worked(bed)
    assert [row.tools for row in rows] == [[WRITE], ["mcp__clerkd__look_at_case"]]
    assert names(bed) == {}
    assert folders.versions(bed.db, 1) == []


@pytest.mark.exhaustive
def test_the_longest_file_is_read_back_whole(bed: Bed) -> None:
    """The engine shows only the beginning of what is much longer, and writes the rest to its disk."""
    staff(bed, "workspace = true")
    long = "\n".join(f"{number:>5} line" for number in range(3_600))
    bed.model.rules = calling((WRITE, {"name": "a", "text": long}), (READ, {"name": "a"}))
    worked(bed)
    assert len(long) > LONGEST_FILE * 0.98
    assert " 3599 line" in answers(bed)
    assert "persisted-output" not in answers(bed)


@pytest.mark.exhaustive
def test_a_rollback_gives_the_earlier_versions_back(bed: Bed) -> None:
    """And takes away what was written first by what is undone."""
    staff(bed, "workspace = true")
    bed.model.rules = calling((WRITE, PLAN))
    worked(bed)
    again = calling((WRITE, {**PLAN, "text": "spoilt"}), (WRITE, {"name": "b.md", "text": "-"}))
    bed.model.rules = lambda body: (again if rules.OF_SPECIALIST in json.dumps(body["system"]) else to_billing)(body)
    reply(bed)
    assert names(bed) == {"b.md": "-", "plan.md": "spoilt"}
    assert bed.clerkd("session", "rollback", "2", "--config", str(bed.config)).returncode == 0
    assert names(bed) == {"plan.md": "first\n"}
    listed = bed.clerkd("case", "files", "1", "--versions", "--json", "--config", str(bed.config)).stdout.splitlines()
    found = [json.loads(line) for line in listed]
    assert [(row["text"], bool(row["withdrawn_at"])) for row in found] == [
        ("first\n", False),
        ("spoilt", True),
        ("-", True),
    ]


@pytest.mark.exhaustive
def test_a_specialist_without_a_workspace_and_the_employee_itself_write_nothing(bed: Bed) -> None:
    """Only one of two specialists has it, so that the tools are there."""
    staff(bed, "workspace = true", name="technical")
    staff(bed)
    calls: tuple[tuple[str, dict[str, Any]], ...] = ((WRITE, PLAN), (LIST, {}))
    of_one = calling(*calls)

    def decide(body: Body) -> Answer:
        if rules.OF_SPECIALIST in json.dumps(body["system"]):
            return of_one(body)
        if "is not available here" in json.dumps(body["messages"]):
            return rules.decide(body) if "Done." in json.dumps(body["messages"]) else to_billing(body)
        return Answer(tuple(tool_use(*call) for call in calls))

    bed.model.rules = decide
    bed.server.deliver(mail("Invoice", OWED))
    bed.work(1)
    assert names(bed) == {}
    assert bed.state_of(1) == "done"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ((WRITE, {"name": "../evil", "text": "-"}), "is no name of a file"),
        ((WRITE, {"name": "a"}), "is a required property"),
        ((READ, {"name": "/etc/passwd"}), "There is no file '/etc/passwd' in this case's folder."),
        ((EDIT, {"name": "a", "old": "", "new": "-"}), "at least 1 character"),
    ],
)
@pytest.mark.exhaustive
def test_what_cannot_be_done_is_said_to_the_specialist(bed: Bed, call: tuple[str, dict[str, Any]], said: str) -> None:
    """In words, and nothing is written."""
    staff(bed, "workspace = true")
    bed.model.rules = calling(call)
    worked(bed)
    assert said in answers(bed)
    assert names(bed) == {}


@pytest.mark.exhaustive
def test_the_files_can_be_looked_at_and_written_out(bed: Bed, tmp_path: Path) -> None:
    """Into a new directory alone."""
    staff(bed, "workspace = true")
    bed.model.rules = calling((WRITE, PLAN))
    worked(bed)
    shown = bed.clerkd("case", "files", "1", "--config", str(bed.config))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "plan.md" in shown.stdout
    place = tmp_path / "out" / "case-1"
    assert bed.clerkd("case", "files", "1", "--to", str(place), "--config", str(bed.config)).returncode == 0
    assert (place / "plan.md").read_text() == "first\n"
    record = json.loads(bed.clerkd("case", "files", "1", "--json", "--config", str(bed.config)).stdout)
    assert (record["name"], record["text"], record["turn_id"]) == ("plan.md", "first\n", 1)
    again = bed.clerkd("case", "files", "1", "--to", str(place), "--config", str(bed.config))
    assert (again.returncode, again.stdout) == (2, "")
    assert "cannot be written: File exists" in again.stderr
    missing = bed.clerkd("case", "files", "9", "--config", str(bed.config))
    assert "there is no case 9; `clerkd case list` shows them" in missing.stderr


@pytest.mark.exhaustive
def test_without_a_workspace_the_tools_are_not_there(bed: Bed) -> None:
    """Nobody pays for their descriptions."""
    staff(bed)
    worked(bed)
    assert WRITE not in [each["name"] for each in bed.model.seen[0]["tools"]]
    assert allowed(()) == []
