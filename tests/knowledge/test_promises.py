"""Promises with a date: which of them are due, how they come up, and how they end."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from sqlmodel import select

from knowledge import ledger, promises, rollbacks, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.promises import Closing
from knowledge.tables import AgentSession, Message, Promise, Turn
from knowledge.turns import Conclusion
from tests.knowledge.rows import (
    DECIDE,
    NOW,
    after,
    closed,
    decision_row,
    dump,
    live,
    opened,
    screened,
    stored,
)
from tests.knowledge.test_rollbacks import back

DUE = date(2026, 11, 3)
BY_A_PERSON = Closing("open", after(9), words="a person said so")


def promise_row(message: Message, **changes: Any) -> Promise:
    """Make the row of an open promise that was made in this message."""
    values: dict[str, Any] = {
        "case_id": message.case_id,
        "message_id": message.id,
        "by": "them",
        "what": "send the photos",
        "due": DUE,
        "comes_up_at": NOW,
        "state": "open",
        "made_at": NOW,
    }
    return Promise(**{**values, **changes})


def promised(db: Database, message: Message, **changes: Any) -> Promise:
    """Write down a promise that was made in this message."""
    row = promise_row(message, **changes)
    with db.write() as session:
        session.add(row)
    return row


def reminder(promise: Promise, made_in: Message) -> Message:
    """Make the message of clerkd's own with which a promise comes up, in the place that it has there."""
    return Message(
        mailbox=made_in.mailbox,
        folder="(promises)",
        uidvalidity=0,
        uid=promise.id or 0,
        sha256=made_in.sha256,
        size=made_in.size,
        message_id=made_in.message_id,
        subject="its day has come",
        sender_name="clerkd",
        person_id=made_in.person_id,
        case_id=promise.case_id,
        about_id=made_in.id,
        words="its day has come",
        received_at=NOW,
        state="received",
        updated_at=NOW,
    )


def reminded(db: Database, promise: Promise, made_in: Message) -> int:
    """Let a promise come up, and give the number of the message."""
    return promises.remind(db, promise, reminder(promise, made_in), "open")


def decided(
    db: Database, uid: int, session: AgentSession, *made: str, settled: Mapping[int, str] | None = None
) -> tuple[Message, Turn, list[Promise]]:
    """Work a mail of case 1 as far as its decision, which makes promises of these sides and settles others."""
    message = screened(db, uid, case=1 if uid > 1 else None)
    turn = closed(opened(db, message, session), head_offset=uid * 100, context_tokens=uid)
    rows = [promise_row(message, by=side) for side in made]
    concluded = Conclusion(decision_row(message, turn_id=turn.id), (), rows, settled or {}, "open")
    turns.settle(db, turn, open_state="open", held_by=session, concluded=concluded, step=DECIDE, now=NOW)
    return message, turn, rows


def states(db: Database) -> list[str]:
    """Give the states of all promises, in their order."""
    return [row.state for row in everything(db)]


def everything(db: Database) -> list[Promise]:
    """Give all promises, in their order."""
    with db.read() as session:
        return list(session.exec(select(Promise).order_by("id")))


def ids(rows: list[Promise]) -> list[int | None]:
    """Give the numbers of promises."""
    return [row.id for row in rows]


@pytest.fixture
def mail(db: Database) -> Message:
    """Take in the mail of case 1 in which things are promised."""
    return screened(db, 1)


# What is promised


def test_a_case_lists_its_own_promises_the_soonest_due_first(db: Database, mail: Message) -> None:
    """Of those for the same day, the one that was made first."""
    other = screened(db, 2)
    for day in (5, 4, 4):
        promised(db, mail, due=date(2026, 11, day))
    promised(db, other)
    assert ids(promises.of_case(db, 1)) == [2, 3, 1]
    assert ids(promises.of_case(db, other.case_id or 0)) == [4]
    assert promises.of_case(db, 99) == []


@pytest.mark.parametrize(
    ("wanted", "numbers"), [(None, [1, 2, 3]), (["open"], [1]), (["kept", "dropped"], [2, 3]), ([], [])]
)
def test_a_case_lists_its_promises_in_the_states_that_are_asked_for(
    db: Database, mail: Message, wanted: list[str] | None, numbers: list[int]
) -> None:
    """No states at all is not the same as all states."""
    for state in ("open", "kept", "dropped"):
        promised(db, mail, state=state)
    assert ids(promises.of_case(db, 1, wanted)) == numbers


def test_the_promises_in_a_state_are_listed_over_all_cases(db: Database, mail: Message) -> None:
    """The soonest due first, with or without their words."""
    promised(db, mail, due=date(2026, 11, 9))
    promised(db, screened(db, 2))
    promised(db, mail, state="kept")
    assert ids(promises.in_state(db, "open")) == [2, 1]
    assert sorted(promises.numbers(db, "open")) == [1, 2]
    assert promises.numbers(db, "dropped") == []


def test_a_decision_s_promises_are_tied_to_it_and_to_its_case(db: Database) -> None:
    """In the transaction that settles the turn."""
    _message, turn, (row,) = decided(db, 1, live(db), "us")
    assert (row.case_id, row.decision_id, row.state) == (1, 1, "open")
    assert ids(promises.of_case(db, 1)) == [row.id]
    assert turn.id == 1


# What is due


def test_what_is_due_longest_comes_first(db: Database, mail: Message) -> None:
    """With the message in which it was made; of those due at the same time the one that was made first."""
    second = screened(db, 2)
    promised(db, mail, comes_up_at=after(-5))
    promised(db, second, comes_up_at=after(-10))
    promised(db, second, comes_up_at=after(-10))
    found = promises.due(db, "open", NOW)
    assert found
    assert (found[0].id, found[1].id) == (2, second.id)


@pytest.mark.parametrize(("at", "is_due"), [(-1, False), (0, True), (1, True)])
def test_nothing_is_due_before_its_time(db: Database, mail: Message, at: int, is_due: bool) -> None:  # noqa: FBT001
    """It is due from that very moment on."""
    promised(db, mail)
    assert bool(promises.due(db, "open", after(at))) is is_due


def test_what_has_come_up_is_not_due_again(db: Database, mail: Message) -> None:
    """The next one is, until there is none."""
    first, second = promised(db, mail), promised(db, mail, comes_up_at=after(1))
    numbers = []
    for _ in range(2):
        found = promises.due(db, "open", after(5))
        assert found
        numbers.append(found[0].id)
        reminded(db, *found)
    assert numbers == [first.id, second.id]
    assert promises.due(db, "open", after(5)) is None


@pytest.mark.parametrize("state", ["kept", "dropped", "withdrawn"])
def test_what_is_settled_is_not_due(db: Database, mail: Message, state: str) -> None:
    """Whatever became of it."""
    promised(db, mail, state=state)
    assert promises.due(db, "open", NOW) is None


# Reminding


def test_a_reminder_is_put_on_the_ledger_and_tied_to_its_promise(db: Database, mail: Message) -> None:
    """Both or neither; the promise stays open."""
    row, other = promised(db, mail), promised(db, mail)
    number = reminded(db, row, mail)
    own = stored(db, number)
    assert (own.about_id, own.case_id, own.state, own.words) == (1, 1, "received", "its day has come")
    assert [each.reminder_id for each in everything(db)] == [number, None]
    assert states(db) == ["open", "open"]
    found = promises.of_reminder(db, number)
    assert found
    assert found.id == row.id
    assert promises.of_reminder(db, mail.id or 0) is None
    assert other.id == 2


def test_a_reminder_has_the_bytes_of_the_mail_that_it_is_about(db: Database, mail: Message) -> None:
    """They are what its draft answers."""
    number = reminded(db, promised(db, mail), mail)
    assert ledger.raw_mail(db, stored(db, number)) == ledger.raw_mail(db, mail)


@pytest.mark.parametrize(
    "uid",
    [
        pytest.param(1, id="in the same place"),
        pytest.param(99, id="in another place"),
    ],
)
def test_what_has_come_up_does_not_come_up_again(db: Database, mail: Message, uid: int) -> None:
    """Two who found it due at the same time put one message on the ledger: nothing is written of the second."""
    row = promised(db, mail)
    reminded(db, row, mail)
    again, before = reminder(row, mail), dump(db)
    again.uid = uid
    with pytest.raises(FenceError):
        promises.remind(db, row, again, "open")
    assert dump(db) == before


@pytest.mark.parametrize("state", ["kept", "dropped", "withdrawn"])
def test_what_was_settled_meanwhile_does_not_come_up(db: Database, mail: Message, state: str) -> None:
    """Nothing is written: neither the message nor the tie."""
    row = promised(db, mail)
    with db.write() as session:
        promises.settle(session, 1, {row.id or 0: state}, BY_A_PERSON)
    before = dump(db)
    with pytest.raises(FenceError, match="promise 1"):
        reminded(db, row, mail)
    assert dump(db) == before


# Settling


def test_what_is_settled_says_how_when_and_by_which_turn(db: Database) -> None:
    """Those that are not named stay open."""
    session = live(db)
    _message, _turn, (kept, left, dropped) = decided(db, 1, session, "us", "us", "them")
    _message, turn, _none = decided(db, 2, session, settled={kept.id or 0: "kept", dropped.id or 0: "dropped"})
    rows = everything(db)
    assert [row.state for row in rows] == ["kept", "open", "dropped"]
    assert [row.closed_by for row in rows] == [turn.id, None, turn.id]
    assert [row.closed_at for row in rows] == [NOW, None, NOW]
    assert {row.closing for row in rows} == {""}
    assert left.id == 2


def test_another_case_s_promise_cannot_be_settled(db: Database, mail: Message) -> None:
    """Whatever number a decision names, it reaches no other matter."""
    promised(db, screened(db, 2))
    before = dump(db)
    with db.write() as session:
        promises.settle(session, mail.case_id or 0, {1: "dropped", 99: "kept"}, BY_A_PERSON)
    assert dump(db) == before


def test_what_was_closed_before_stays_as_it_is(db: Database, mail: Message) -> None:
    """The first word counts, whoever said it."""
    promised(db, mail)
    for at, state in ((1, "kept"), (2, "dropped")):
        with db.write() as session:
            promises.settle(session, 1, {1: state}, Closing("open", after(at), words=state))
    (row,) = everything(db)
    assert (row.state, row.closed_at, row.closing) == ("kept", after(1), "kept")


def test_a_closed_case_waits_for_none_of_its_promises(db: Database, mail: Message) -> None:
    """Those that were closed before, and those of other cases, stay as they are."""
    promised(db, mail)
    promised(db, mail, by="us")
    promised(db, mail, state="kept")
    promised(db, screened(db, 2))
    with db.write() as session:
        promises.close_of_case(session, 1, "dropped", BY_A_PERSON)
    rows = everything(db)
    assert [row.state for row in rows] == ["dropped", "dropped", "kept", "open"]
    assert [row.closing for row in rows] == ["a person said so", "a person said so", "", ""]
    assert [row.closed_at for row in rows] == [after(9), after(9), None, None]


@pytest.mark.parametrize(("side", "left"), [("us", ["dropped", "open"]), ("them", ["open", "dropped"])])
def test_one_side_s_promises_end_with_the_decision_that_made_them(db: Database, side: str, left: list[str]) -> None:
    """The other side's stand, and so do all that other decisions made, or that were closed before."""
    session = live(db)
    _message, _turn, made = decided(db, 1, session, "us", "them", "us", "them")
    decided(db, 2, session, "us", "them", settled={row.id or 0: "kept" for row in made[2:]})
    with db.write() as rows:
        promises.close_of_decision(rows, 1, side, "dropped", BY_A_PERSON)
    assert states(db) == [*left, "kept", "kept", "open", "open"]


# Taking back


def test_a_rollback_withdraws_what_its_turns_promised(db: Database) -> None:
    """What earlier turns promised stands."""
    session = live(db)
    decided(db, 1, session, "us")
    _message, second, _rows = decided(db, 2, session, "us", "them")
    with db.write() as rows:
        promises.withdraw(rows, [second.id or 0], "withdrawn", BY_A_PERSON)
    found = everything(db)
    assert [row.state for row in found] == ["open", "withdrawn", "withdrawn"]
    assert [row.closing for row in found] == ["", "a person said so", "a person said so"]
    assert [row.closed_by for row in found] == [None, None, None]


def test_a_rollback_opens_again_what_its_turns_settled(db: Database) -> None:
    """As if nobody had said anything of it; what others settled stays settled."""
    session = live(db)
    decided(db, 1, session, "us", "us", "us")
    decided(db, 2, session, settled={1: "kept"})
    _message, third, _rows = decided(db, 3, session, settled={2: "dropped"})
    with db.write() as rows:
        promises.settle(rows, 1, {3: "dropped"}, BY_A_PERSON)
    with db.write() as rows:
        promises.reopen(rows, [third.id or 0], "open")
        promises.withdraw(rows, [third.id or 0], "withdrawn", BY_A_PERSON)
    found = everything(db)
    assert [row.state for row in found] == ["kept", "open", "dropped"]
    assert (found[1].closed_at, found[1].closed_by, found[1].closing) == (None, None, "")


@pytest.mark.parametrize(
    "few",
    [
        pytest.param(500, id="in one share"),
        pytest.param(1, id="in shares"),
    ],
)
def test_what_undone_turns_both_made_and_settled_is_withdrawn(
    db: Database, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """However many turns are rolled back: they are shared out in statements, and all of them are undone."""
    monkeypatch.setattr(rollbacks, "FEW", few)
    session = live(db)
    _message, first, (row,) = decided(db, 1, session, "them")
    decided(db, 2, session, settled={row.id or 0: "kept"})
    back(db, first)
    assert states(db) == ["withdrawn"]


def test_what_comes_up_again_after_a_rollback_has_its_message_still(db: Database, mail: Message) -> None:
    """It does not come up twice: the message that brought it up is held, and a person has it worked again."""
    row = promised(db, mail)
    number = reminded(db, row, mail)
    session = live(db)
    turns.step(db, number, turns.Step("received", "screened"), [], NOW)
    turn = closed(opened(db, stored(db, number), session), head_offset=100)
    concluded = Conclusion(
        decision_row(stored(db, number), turn_id=turn.id), settled={row.id or 0: "kept"}, open_promise="open"
    )
    turns.settle(db, turn, open_state="open", held_by=session, concluded=concluded, step=DECIDE, now=NOW)
    assert states(db) == ["kept"]
    back(db, turn)
    assert states(db) == ["open"]
    assert promises.due(db, "open", after(5)) is None
    assert stored(db, number).state == "held"


# Counting


def test_reminders_are_counted_since_the_case_s_last_mail(db: Database, mail: Message) -> None:
    """A mail sets the count back; another case's are not counted."""
    other = screened(db, 2)
    counts = [promises.reminders_since_mail(db, 1)]
    for _ in range(2):
        reminded(db, promised(db, mail), mail)
        counts.append(promises.reminders_since_mail(db, 1))
    reminded(db, promised(db, other), other)
    counts.append(promises.reminders_since_mail(db, 1))
    screened(db, 3, case=1)
    counts.append(promises.reminders_since_mail(db, 1))
    reminded(db, promised(db, mail), mail)
    counts.append(promises.reminders_since_mail(db, 1))
    assert counts == [0, 1, 2, 2, 0, 1]
    assert promises.reminders_since_mail(db, 99) == 0
