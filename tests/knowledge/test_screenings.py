"""What the reading of a mail found, and what follows from it: written together or not at all."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from knowledge import actions, decisions, feedback, ledger, screenings
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.people import Acquaintance
from knowledge.screenings import Found, Screened
from knowledge.tables import Case, Feedback, Message, Person, PersonAddress
from knowledge.turns import Conclusion, Step
from tests.knowledge.rows import (
    FILE,
    NOW,
    SCREEN,
    action_row,
    after,
    decision_row,
    dump,
    findings,
    placing,
    received,
    screened,
    stored,
)

HOLD = Step("received", "held", "the sender is ambiguous")
AGAIN = Step("screened", "received")


def screening(row: Message, step: Step = SCREEN, **changes: Any) -> Screened:
    """Make what is written of a message, which opens a case."""
    return Screened(**{"found": findings(row.uid), "placing": placing(row.uid), "step": step, **changes})


def requeued(db: Database, row: Message) -> Message:
    """Put a message that was screened back to where it was received."""
    with db.write() as session:
        ledger.move(session, row.id or 0, source=AGAIN.source, target=AGAIN.target, now=NOW)
    return stored(db, row.id)


def people(db: Database) -> list[tuple[str, str]]:
    """List address and name of everybody who is known."""
    with db.read() as session:
        known = session.exec(select(PersonAddress, Person).where(col(Person.id) == PersonAddress.person_id))
        return [(address.address, person.name) for address, person in known]


# What was found


def test_it_describes_a_message(db: Database) -> None:
    """All that was read in the mail is in its row."""
    row = received(db, 1)
    found = Found(
        message_id="<real@quill.example>",
        subject="Hours",
        sender_address="ada@quill.example",
        sender_name="Ada Quill",
        correspondents=("ada@quill.example", "bo@tern.example"),
        conversation="AdabcD",
        authenticity="dmarc=pass",
        removed=("hidden text",),
        sender=Acquaintance("ada@quill.example", "Ada Quill"),
    )
    screenings.write(db, row, screening(row, found=found), after(5))
    read = stored(db, row.id)
    assert read.model_dump(exclude={"received_at", "sha256", "size"}) == {
        **row.model_dump(exclude={"received_at", "sha256", "size"}),
        "message_id": "<real@quill.example>",
        "subject": "Hours",
        "sender_address": "ada@quill.example",
        "sender_name": "Ada Quill",
        "correspondents": ["ada@quill.example", "bo@tern.example"],
        "conversation": "AdabcD",
        "authenticity": "dmarc=pass",
        "removed": ["hidden text"],
        "placement": "it answers nothing",
        "person_id": 1,
        "case_id": 1,
        "state": "screened",
        "updated_at": after(5),
    }


def test_it_describes_no_other_message(db: Database) -> None:
    """Its neighbours stay unread."""
    other = received(db, 1)
    screened(db, 2)
    assert stored(db, other.id) == other


def test_a_mail_that_could_not_be_read_keeps_the_message_id_that_was_seen_at_its_receipt(db: Database) -> None:
    """A rescan still recognises it."""
    row = received(db, 1)
    screenings.write(db, row, screening(row, HOLD, found=Found()), NOW)
    assert stored(db, row.id).message_id == "<1@quill.example>"


def test_a_message_that_is_held_says_why(db: Database) -> None:
    """The reason is that of the step."""
    row = received(db, 1)
    screenings.write(db, row, screening(row, HOLD), NOW)
    held = stored(db, row.id)
    assert (held.state, held.reason) == ("held", "the sender is ambiguous")


# What follows from it


def test_a_message_for_the_model_has_no_decision(db: Database) -> None:
    """It waits for one."""
    entry = decisions.of_message(db, screened(db, 1).id or 0)
    assert entry
    assert (entry.decision, entry.actions) == (None, ())


def test_a_message_that_was_filed_has_the_rule_s_decision_with_its_actions(db: Database) -> None:
    """From an action one finds what was decided."""
    row = received(db, 1)
    filing = screening(row, FILE, concluded=Conclusion(decision_row(row, rule="bounce"), [action_row(row)]))
    screenings.write(db, row, filing, NOW)
    entry = decisions.of_message(db, row.id or 0)
    assert entry
    assert entry.decision
    assert (entry.message.state, entry.decision.rule, [action.decision_id for action in entry.actions]) == (
        "decided",
        "bounce",
        [entry.decision.id],
    )


def test_a_message_that_is_held_has_its_actions_without_a_decision(db: Database) -> None:
    """A person sees the hold in the mailbox itself."""
    row = received(db, 1)
    screenings.write(db, row, screening(row, HOLD, actions=[action_row(row, kind="escalate")]), NOW)
    assert [(action.kind, action.decision_id) for action in actions.of_message(db, row.id or 0)] == [("escalate", None)]


def test_feedback_on_an_earlier_action_is_written_with_it(db: Database) -> None:
    """A bounce is tied to the mail that bounced."""
    first = received(db, 1)
    screenings.write(
        db, first, screening(first, FILE, concluded=Conclusion(decision_row(first), [action_row(first)])), NOW
    )
    second = received(db, 2)
    bounced = Feedback(action_id=1, kind="bounced", detail="no such user", noted_at=NOW)
    screenings.write(db, second, screening(second, feedback=[bounced]), NOW)
    assert [note.detail for note in feedback.of_message(db, first.id or 0)] == ["no such user"]


def test_a_message_that_was_moved_meanwhile_is_not_described(db: Database) -> None:
    """The fence comes first: no person, no case, no action is written."""
    row = received(db, 1)
    before = dump(db)
    late = screening(row, Step("asking", "screened"), actions=[action_row(row)])
    with pytest.raises(FenceError, match=r"^message 1: it was changed by somebody else meanwhile$"):
        screenings.write(db, row, late, NOW)
    assert dump(db) == before


def test_a_screening_that_fails_writes_nothing(db: Database) -> None:
    """Feedback on an action that does not exist takes back all that was written before it."""
    row = received(db, 1)
    before = dump(db)
    loose = screening(row, actions=[action_row(row)], feedback=[Feedback(action_id=99, kind="bounced", noted_at=NOW)])
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        screenings.write(db, row, loose, NOW)
    assert dump(db) == before


# Its case


def test_it_gives_the_case_that_was_opened(db: Database) -> None:
    """Two first mails are two cases."""
    rows = [received(db, uid) for uid in (1, 2)]
    assert [screenings.write(db, row, screening(row), NOW) for row in rows] == [1, 2]


def test_a_case_is_as_old_as_its_mail_and_not_as_its_reading(db: Database) -> None:
    """Mail that lay for a week does not look fresh."""
    row = received(db, 1, received_at=after(5))
    case_id = screenings.write(db, row, screening(row), after(60))
    with db.read() as session:
        assert session.get_one(Case, case_id).opened_at == after(5)


def test_it_gives_the_case_that_was_joined(db: Database) -> None:
    """The judgement said which."""
    first, row = screened(db, 1), received(db, 2)
    assert screenings.write(db, row, screening(row, placing=placing(2, first.case_id)), NOW) == first.case_id


def test_a_message_that_is_screened_again_stays_in_its_case(db: Database) -> None:
    """A person who puts it to the model again does not tear its matter apart."""
    screened(db, 1)
    again = requeued(db, screened(db, 2))
    assert screenings.write(db, again, screening(again, placing=placing(2, 1)), NOW) == again.case_id == 2


def test_a_message_that_is_screened_again_opens_no_second_case(db: Database) -> None:
    """There is nothing new to open."""
    again = requeued(db, screened(db, 1))
    screenings.write(db, again, screening(again), NOW)
    assert len(dump(db)["cases"]) == 1


def test_a_message_that_is_screened_again_is_described_anew(db: Database) -> None:
    """A newer program may read more in it."""
    again = requeued(db, screened(db, 1, subject="H?urs"))
    screenings.write(db, again, screening(again, found=findings(1, subject="Hours")), NOW)
    assert stored(db, again.id).subject == "Hours"


# People


def test_a_person_is_known_by_the_address(db: Database) -> None:
    """Two mails from one address are one person's."""
    assert screened(db, 1).person_id == screened(db, 2, sender_name="A. Quill").person_id


def test_another_address_is_another_person(db: Database) -> None:
    """The same name does not make the same person."""
    assert screened(db, 1).person_id != screened(db, 2, sender_address="ada@evil.example").person_id


def test_nobody_is_no_person(db: Database) -> None:
    """A mail without a sender makes no acquaintance."""
    assert (screened(db, 1, sender_address="").person_id, people(db)) == (None, [])


def test_whoever_is_only_written_to_is_no_person(db: Database) -> None:
    """A stranger can name anybody as a recipient."""
    screened(db, 1, correspondents=("ada@quill.example", "bo@tern.example"))
    assert people(db) == [("ada@quill.example", "Ada Quill")]


@pytest.mark.parametrize(("name", "kept"), [("A. Quill", "A. Quill"), ("", "Ada Quill")])
def test_a_person_has_the_newest_name(db: Database, name: str, kept: str) -> None:
    """A mail without a name takes none away."""
    screened(db, 1)
    screened(db, 2, sender_name=name)
    assert people(db) == [("ada@quill.example", kept)]


def test_a_person_is_known_from_the_first_to_the_last_mail(db: Database) -> None:
    """Both times are kept."""
    screened(db, 1)
    screened(db, 2, now=after(60))
    with db.read() as session:
        person = session.get_one(Person, 1)
    assert (person.first_seen_at, person.last_seen_at) == (NOW, after(60))
