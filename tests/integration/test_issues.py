"""Something that several senders share: proposed by a turn, named by a person, recognised by later turns."""

import json

import pytest

from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body
from knowledge import issues, sessions
from tests.bed import Bed, mail

DOWN = "Your shop is down, error 503. My secret number is 774411."
SENDERS = [f"{name} <{name.lower()}@{name.lower()}.example>" for name in ("Ada", "Bo", "Cy", "Di")]
NAME = "The shop answers with error 503"


def report(bed: Bed, *numbers: int) -> list[str]:
    """Have these senders' outages worked, one after the other; give the prompts."""
    for number in numbers:
        bed.server.deliver(mail(f"Help {number}", DOWN, sender=SENDERS[number]))
        bed.work(number + 1)
    return [entry.turn.prompt for entry in bed.entries if entry.turn]


def told(prompt: str) -> str:
    """Give what stands above the mail."""
    return prompt.partition("<<<mail-")[0]


@pytest.mark.exhaustive
def test_a_second_sender_is_linked_to_the_issue_that_the_first_one_brought_up(bed: Bed) -> None:
    """Their turn sees category, age and count, and not a word of the first one's."""
    prompts = report(bed, 0, 1)
    (found,) = issues.find(bed.db, 10)
    assert (found.cases, found.senders, found.issue.category) == (2, 2, "outage")
    assert "[issue" not in told(prompts[0])
    assert f"[issue 1] outage, since {found.issue.opened_at:%Y-%m-%d %H:%M} UTC, 1 case(s): (its name" in told(
        prompts[1]
    )
    assert "Something is down" not in told(prompts[1])
    assert "774411" not in told(prompts[1])


@pytest.mark.exhaustive
def test_a_name_is_told_once_a_person_has_confirmed_it(bed: Bed) -> None:
    """In their words."""
    report(bed, 0)
    assert bed.clerkd("issue", "confirm", "1", NAME, "--config", str(bed.config)).returncode == 0
    prompts = report(bed, 1)
    assert f'1 case(s): "{NAME}"' in told(prompts[1])


@pytest.mark.exhaustive
def test_after_a_rotation_the_fourth_senders_outage_is_recognised_as_the_same(bed: Bed) -> None:
    """The new session knows it from the knowledge database alone: three cases, and the confirmed name."""
    report(bed, 0, 1, 2)
    assert bed.clerkd("issue", "confirm", "1", NAME, "--config", str(bed.config)).returncode == 0
    assert bed.clerkd("session", "rotate", "--config", str(bed.config)).returncode == 0
    prompts = report(bed, 3)
    first, last = bed.entries[0].turn, bed.entries[3].turn
    assert first
    assert last
    assert first.session_id != last.session_id
    assert "[issue 1] outage, since" in told(prompts[3])
    assert f'3 case(s): "{NAME}"' in told(prompts[3])
    (found,) = issues.find(bed.db, 10)
    assert (found.cases, found.senders) == (4, 4)
    assert sessions.get(bed.db, last.session_id)


@pytest.mark.exhaustive
def test_what_is_closed_is_told_no_more_and_a_new_outage_is_another(bed: Bed) -> None:
    """The next sender proposes anew."""
    report(bed, 0)
    assert bed.clerkd("issue", "close", "1", "--config", str(bed.config)).returncode == 0
    assert "[issue" not in told(report(bed, 1)[1])
    assert [item.issue.id for item in issues.find(bed.db, 10)] == [2]
    assert {item.issue.id for item in issues.find(bed.db, 10, closed=True)} == {1, 2}


@pytest.mark.exhaustive
def test_a_number_that_was_not_told_is_refused_in_words(bed: Bed) -> None:
    """A model that has been taken over links nothing that is not open."""

    def guess(body: Body) -> Answer:
        answer = rules.decide(body)
        for block in answer.blocks:
            if (
                block["type"] == "tool_use"
                and block["name"] == rules.DECIDE
                and "is no open issue" not in json.dumps(body)
            ):
                block["input"]["issue"] = 7
                block["input"].pop("propose_issue", None)
        return answer

    bed.model.rules = guess
    report(bed, 0)
    assert "issue: 7 is no open issue; open: none" in json.dumps(bed.model.seen[-1]["messages"])
    assert bed.entries[0].decision


@pytest.mark.exhaustive
def test_a_rollback_unlinks_what_its_turns_linked(bed: Bed) -> None:
    """An issue that no standing decision links is told to nobody."""
    report(bed, 0, 1)
    done = bed.clerkd("session", "rollback", "2", "--config", str(bed.config))
    assert done.returncode == 0
    assert [(item.cases, item.senders) for item in issues.find(bed.db, 10)] == [(1, 1)]
    done = bed.clerkd("session", "rollback", "1", "--config", str(bed.config))
    assert done.returncode == 0
    assert issues.find(bed.db, 10, closed=True) == []
