"""How cases change after they were opened: merged, split, moved between their states; and how they are listed."""

from datetime import datetime
from typing import Any

import pytest
from sqlmodel import col, select

from knowledge import cases, ledger, promises, screenings
from knowledge.cases import SUBJECT, Placing, Trace
from knowledge.database import Database
from knowledge.people import Acquaintance
from knowledge.screenings import Screened
from knowledge.tables import Case, CaseNote, Message
from tests.knowledge.rows import NOW, SCREEN, after, findings, live, placing, screened, stored
from tests.knowledge.test_promises import promised, reminded
from tests.knowledge.test_screenings import requeued

ALL = ("open", "waiting for us", "waiting for them", "closed", "reopened")
ADA = "ada@quill.example"


def case(db: Database, number: int) -> Case:
    """Give a case that is there."""
    found = cases.get(db, number)
    assert found
    return found


def stands(db: Database, number: int, state: str) -> None:
    """Let a case stand so."""
    with db.write() as session:
        session.get_one(Case, number).state = state


def merge(db: Database, kept: int, other: int) -> Case:
    """Make one case of two, and give it."""
    with db.write() as session:
        cases.merge(session, session.get_one(Case, kept), session.get_one(Case, other), "closed")
    return case(db, kept)


def split(db: Database, number: int, *messages: Message) -> Case:
    """Take messages out of a case, and give the one that they are in now."""
    with db.write() as session:
        fresh = cases.split(session, session.get_one(Case, number), messages).id
    return case(db, fresh or 0)


def note(db: Database, case_id: int, text: str, name: str) -> None:
    """Note something on a case, as a session does for its successor."""
    with db.write() as session:
        session.add(CaseNote(session_id=name, case_id=case_id, text=text, noted_at=NOW))


def notes(db: Database) -> list[tuple[str, int, str]]:
    """Give all that sessions noted."""
    with db.read() as session:
        rows = session.exec(select(CaseNote).order_by(col(CaseNote.session_id), col(CaseNote.case_id)))
        return [(row.session_id, row.case_id, row.text) for row in rows]


def messages_of(db: Database, number: int) -> list[int | None]:
    """Give the numbers of a case's messages."""
    return [row.id for row in ledger.of_case(db, number)]


def promises_of(db: Database, number: int) -> list[int | None]:
    """Give the numbers of a case's promises."""
    return [row.id for row in promises.of_case(db, number)]


def found(db: Database, *states: str, person: int | None = None, limit: int = 9) -> list[int | None]:
    """Give the numbers of the cases that are found."""
    return [item.case.id for item in cases.find(db, states or ALL, person, "open", limit)]


def wrote(db: Database, uid: int, address: str, **changes: Any) -> Message:
    """Take in a mail of somebody's."""
    return screened(db, uid, sender_address=address, sender=Acquaintance(address), **changes)


# Merging


def test_a_merged_case_holds_the_messages_and_promises_of_both(db: Database) -> None:
    """Those that are clerkd's own, and promises that were closed, too; a third case keeps its own."""
    first, second, third = (screened(db, uid) for uid in (1, 2, 3))
    own = reminded(db, promised(db, second), second)
    promised(db, second, state="kept")
    promised(db, first)
    promised(db, third)
    merge(db, 1, 2)
    assert (messages_of(db, 1), messages_of(db, 2), messages_of(db, 3)) == ([1, 2, own], [], [3])
    assert (promises_of(db, 1), promises_of(db, 2), promises_of(db, 3)) == ([1, 2, 3], [], [4])


def test_the_case_that_was_merged_says_into_which(db: Database) -> None:
    """It is kept, so that its number still leads somewhere; the other one is as before."""
    screened(db, 1)
    screened(db, 2)
    kept = merge(db, 2, 1)
    assert (kept.merged_into, kept.subject, kept.subject_key, kept.state) == (None, "Mail 2", "mail 2", "open")
    assert (case(db, 1).merged_into, case(db, 1).subject) == (2, "Mail 1")


@pytest.mark.parametrize(("kept", "other"), [(1, 2), (2, 1)])
def test_a_merged_case_begins_and_ends_with_either(db: Database, kept: int, other: int) -> None:
    """The earliest beginning and the last change, whichever case is kept."""
    screened(db, 1, now=after(10))
    screened(db, 2, now=after(5))
    screened(db, 3, now=after(20), case=2)
    row = merge(db, kept, other)
    assert (row.opened_at, row.updated_at) == (after(5), after(20))


def test_what_a_session_noted_on_the_other_case_is_taken_over(db: Database) -> None:
    """Where it noted something on the kept one, that stands; a third case's notes stay."""
    for uid in (1, 2, 3):
        screened(db, uid)
    for name in ("one", "two"):
        live(db, name)
    note(db, 1, "She waits.", "one")
    note(db, 2, "He waits.", "one")
    note(db, 2, "They wait.", "two")
    note(db, 3, "Nobody waits.", "two")
    merge(db, 1, 2)
    assert notes(db) == [("one", 1, "She waits."), ("two", 1, "They wait."), ("two", 3, "Nobody waits.")]


def test_a_closed_case_that_takes_over_an_unsettled_one_is_not_closed(db: Database) -> None:
    """Whatever is left to do in the other one would be seen by nobody."""
    screened(db, 1)
    promised(db, screened(db, 2))
    stands(db, 1, "closed")
    stands(db, 2, "waiting for us")
    assert merge(db, 1, 2).state != "closed"


def test_mails_of_either_subject_come_to_the_merged_case(db: Database) -> None:
    """A person has said that they are one matter: by the ids of both, and by the subject of the one kept."""
    screened(db, 1)
    screened(db, 2)
    merge(db, 1, 2)
    for trace in (Trace(("<2@quill.example>",), "", "", ""), Trace((), "", "mail 1", ADA)):
        assert [relative.case for relative in cases.relatives(db, trace, 99)] == [1]


# Splitting


def test_a_split_takes_messages_with_what_was_promised_in_them(db: Database) -> None:
    """And with clerkd's own messages about them; all else stays."""
    mails = [screened(db, 1), screened(db, 2, case=1), screened(db, 3, case=1)]
    first, second = promised(db, mails[0]), promised(db, mails[1])
    closed = promised(db, mails[1], state="kept")
    stays, goes = reminded(db, first, mails[0]), reminded(db, second, mails[1])
    fresh = split(db, 1, mails[1])
    assert messages_of(db, 1) == [1, 3, stays]
    assert messages_of(db, fresh.id or 0) == [2, goes]
    assert (promises_of(db, 1), promises_of(db, fresh.id or 0)) == ([first.id], [second.id, closed.id])


def test_a_split_case_has_the_subject_of_its_first_mail(db: Database) -> None:
    """In whichever order they were named; its state is that of the case from which it was taken."""
    mails = [screened(db, 1), *(screened(db, uid, case=1) for uid in (2, 3))]
    stands(db, 1, "waiting for them")
    fresh = split(db, 1, mails[2], mails[1])
    assert (fresh.subject, fresh.state, fresh.merged_into) == ("Mail 2", "waiting for them", None)
    assert (case(db, 1).subject, case(db, 1).state) == ("Mail 1", "waiting for them")


def test_a_split_case_begins_and_ends_with_its_mails(db: Database) -> None:
    """They may have come in any order."""
    mails = [screened(db, uid, case=1 if uid > 1 else None, now=after(at)) for uid, at in enumerate((0, 30, 20), 1)]
    fresh = split(db, 1, *mails[1:])
    assert (fresh.opened_at, fresh.updated_at) == (after(20), after(30))
    assert case(db, 1).opened_at == NOW


def test_notes_stay_with_the_case_from_which_mails_are_taken(db: Database) -> None:
    """Nobody knows of which mails they tell."""
    screened(db, 1)
    second = screened(db, 2, case=1)
    live(db)
    note(db, 1, "She waits.", "one")
    split(db, 1, second)
    assert notes(db) == [("one", 1, "She waits.")]


def test_mails_of_the_old_subject_go_on_to_the_case_that_had_it_first(db: Database) -> None:
    """Those that answer a mail which was taken out follow it."""
    screened(db, 1)
    second = screened(db, 2, case=1)
    fresh = split(db, 1, second)
    by_subject = cases.relatives(db, Trace((), "", "mail 1", ADA), 99)
    assert [(relative.case, relative.by) for relative in by_subject] == [(1, SUBJECT)]
    by_id = cases.relatives(db, Trace(("<2@quill.example>",), "", "", ""), 99)
    assert [relative.case for relative in by_id] == [fresh.id]


def test_a_split_undoes_a_merge(db: Database) -> None:
    """Each mail is with what was promised in it again, though under a new number."""
    first, second = screened(db, 1), screened(db, 2)
    promised(db, first)
    promised(db, second)
    merge(db, 1, 2)
    fresh = split(db, 1, stored(db, second.id))
    assert (messages_of(db, 1), messages_of(db, fresh.id or 0)) == ([1], [2])
    assert (promises_of(db, 1), promises_of(db, fresh.id or 0)) == ([1], [2])
    assert (case(db, 2).merged_into, found(db)) == (1, [fresh.id, 1])


# Placing


def placed(db: Database, number: int, at: datetime = NOW) -> int:
    """Place a message that was to be put into this case."""
    with db.write() as session:
        return cases.place(session, Placing(number, "Other", "other", "it answers"), at)


def test_a_mail_for_a_merged_case_lands_in_the_one_that_was_kept(db: Database) -> None:
    """However often that one was merged since; it alone is touched."""
    for uid in (1, 2, 3):
        screened(db, uid)
    merge(db, 2, 3)
    assert placed(db, 3, after(5)) == 2
    merge(db, 1, 2)
    assert placed(db, 3, after(60)) == placed(db, 2, after(60)) == 1
    assert [case(db, number).updated_at for number in (1, 2, 3)] == [after(60), after(5), NOW]


def test_a_mail_that_is_screened_after_the_merge_is_in_the_kept_case(db: Database) -> None:
    """It was read before, and its case chosen then."""
    for uid in (1, 2):
        screened(db, uid)
    merge(db, 1, 2)
    assert screened(db, 3, case=2).case_id == 1


def test_a_requeued_mail_whose_case_is_merged_while_it_is_read_is_in_the_kept_case(db: Database) -> None:
    """It keeps its case, but not one that is no more."""
    screened(db, 1)
    row = requeued(db, screened(db, 2))
    merge(db, 1, 2)
    screenings.write(db, row, Screened(findings(2), placing(2), SCREEN), NOW)
    assert stored(db, row.id).case_id == 1


# Listing


def test_cases_are_found_by_their_states(db: Database) -> None:
    """One, several, all or none of them."""
    for uid, state in enumerate(ALL, 1):
        screened(db, uid)
        stands(db, uid, state)
    assert found(db, "closed") == [4]
    assert found(db, "open", "reopened") == [5, 1]
    assert found(db) == [5, 4, 3, 2, 1]
    assert cases.find(db, (), None, "open", 9) == []


def test_cases_are_found_by_whoever_wrote_in_them(db: Database) -> None:
    """Each once, however much they wrote; nobody's where the number leads nowhere."""
    wrote(db, 1, ADA)
    wrote(db, 2, "bo@tern.example", case=1)
    wrote(db, 3, "bo@tern.example", case=1)
    wrote(db, 4, "bo@tern.example")
    assert found(db, person=1) == [1]
    assert found(db, person=2) == [2, 1]
    assert found(db, "closed", person=2) == []
    assert found(db, person=99) == []


def test_a_case_comes_with_the_numbers_of_its_mails_and_open_promises(db: Database) -> None:
    """Clerkd's own messages are no mails, and what is settled is not open."""
    first = screened(db, 1)
    screened(db, 2, case=1)
    reminded(db, promised(db, first), first)
    promised(db, first)
    promised(db, first, state="kept")
    promised(db, screened(db, 3), state="dropped")
    assert [(item.case.id, item.messages, item.promises) for item in cases.find(db, ALL, None, "open", 9)] == [
        (2, 1, 0),
        (1, 2, 2),
    ]


def test_the_last_touched_cases_come_first_and_at_most_so_many(db: Database) -> None:
    """Of those touched at the same time, the newest."""
    for uid in (1, 2, 3):
        screened(db, uid)
    screened(db, 4, case=1, now=after(5))
    assert found(db) == [1, 3, 2]
    assert found(db, limit=2) == [1, 3]


def test_a_merged_case_is_not_found(db: Database) -> None:
    """Its mails are, with the case that they are in now."""
    wrote(db, 1, ADA)
    wrote(db, 2, "bo@tern.example")
    merge(db, 1, 2)
    assert found(db) == [1]
    assert found(db, person=2) == [1]
    assert cases.find(db, ALL, None, "open", 9)[0].messages == 2


def test_a_case_that_is_not_there_is_none(db: Database) -> None:
    """Whoever asks says so in their own words."""
    assert cases.get(db, 1) is None


def test_a_case_needs_a_person_while_one_of_its_messages_does(db: Database) -> None:
    """Those of other cases do not count."""
    screened(db, 1)
    second = screened(db, 2)
    with db.write() as session:
        ledger.move(session, second.id or 0, source="screened", target="held", now=NOW)
    assert [cases.needs_a_person(db, number, ["held", "failed"]) for number in (1, 2)] == [False, True]
    assert not cases.needs_a_person(db, 2, ["failed"])


# Moving


@pytest.mark.parametrize(
    ("state", "becomes"), [("closed", "reopened"), ("waiting for them", "waiting for us"), ("open", "open")]
)
def test_a_case_moves_from_its_state_to_where_the_moves_say(db: Database, state: str, becomes: str) -> None:
    """From a state of which they say nothing it does not move; nor does any other case."""
    for uid in (1, 2):
        screened(db, uid)
        stands(db, uid, state)
    with db.write() as session:
        cases.move(session, 1, {"closed": "reopened", "waiting for them": "waiting for us"})
    assert [case(db, number).state for number in (1, 2)] == [becomes, state]
