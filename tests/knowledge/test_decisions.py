"""The decision log as it is read."""

from datetime import datetime
from typing import Any

import pytest

from knowledge import decisions, index, keys, turns
from knowledge.database import Database
from knowledge.decisions import Entry, Filter
from knowledge.keys import Kind
from knowledge.tables import Message
from knowledge.turns import Step
from tests.knowledge.rows import (
    NOW,
    action_row,
    after,
    closed,
    filed,
    findings,
    live,
    opened,
    received,
    screened,
    settle,
)


def uids(db: Database, **wanted: Any) -> list[int]:
    """List the uids of the log's entries."""
    return [entry.message.uid for entry in decisions.log(db, Filter(**wanted))]


def decided(db: Database, uid: int, mail: dict[str, Any] | None = None, **changes: Any) -> Message:
    """Receive a mail and decide on it; ``mail`` is what stands in it."""
    message = received(db, uid)
    filed(db, message, found=findings(uid, **(mail or {})), **changes)
    return message


def held(db: Database, uid: int, reason: str, at: datetime = NOW) -> Message:
    """Receive a mail and hold it."""
    message = received(db, uid)
    turns.step(db, message.id or 0, Step("received", "held", reason), [], at)
    return message


# The log


def test_the_log_begins_with_the_newest_decision(db: Database) -> None:
    """What was decided last stands first, whenever it was received."""
    first, second = received(db, 1), received(db, 2)
    filed(db, second, decided_at=after(0))
    filed(db, first, decided_at=after(60))
    assert uids(db) == [1, 2]


def test_a_clock_that_is_set_back_does_not_change_the_order(db: Database) -> None:
    """Entries stand as they were written; the filter by time goes by what the clock said."""
    for uid, seconds in ((1, 60), (2, 120), (3, 0), (4, 90)):
        decided(db, uid, decided_at=after(seconds))
    assert (uids(db), uids(db, since=after(60))) == ([4, 3, 2, 1], [4, 2, 1])


def test_a_message_without_a_decision_stands_at_its_last_change(db: Database) -> None:
    """What was held is in its place between the decisions."""
    decided(db, 1, decided_at=after(0))
    held(db, 2, "look at it", after(60))
    decided(db, 3, decided_at=after(120))
    assert uids(db) == [3, 2, 1]


def test_a_message_that_nothing_is_known_of_is_not_in_the_log(db: Database) -> None:
    """What was only received has no entry."""
    received(db, 1)
    assert uids(db) == []


def test_an_entry_holds_all_that_belongs_to_its_message(db: Database) -> None:
    """Message, decision, turn and actions, in order."""
    message, session = screened(db, 1), live(db)
    turn = closed(opened(db, message, session))
    settle(db, turn, session, message, action_row(message), action_row(message, ordinal=1, kind="flag"))
    (entry,) = decisions.log(db, Filter())
    assert entry.decision
    assert entry.turn
    assert (entry.decision.turn_id, entry.turn.id, [action.kind for action in entry.actions]) == (
        1,
        1,
        ["draft", "flag"],
    )


def test_an_entry_holds_no_other_message_s_actions(db: Database) -> None:
    """Each entry has its own."""
    for uid in (1, 2):
        message = received(db, uid)
        filed(db, message, action_row(message, rule=f"rule {uid}"))
    assert [[action.rule for action in entry.actions] for entry in decisions.log(db, Filter())] == [
        ["rule 2"],
        ["rule 1"],
    ]


@pytest.mark.parametrize(("seconds", "found"), [(0, [2, 1]), (60, [2]), (61, [])])
def test_it_filters_by_time(db: Database, seconds: int, found: list[int]) -> None:
    """From that moment on, it included."""
    decided(db, 1, decided_at=after(0))
    decided(db, 2, decided_at=after(60))
    assert uids(db, since=after(seconds)) == found


def test_it_filters_what_was_held_by_time_too(db: Database) -> None:
    """Without a decision the last change counts."""
    held(db, 1, "look at it", after(60))
    assert (uids(db, since=after(60)), uids(db, since=after(61))) == ([1], [])


@pytest.mark.parametrize(("category", "found"), [("question", [1]), ("order", [2]), ("Question", []), ("quest", [])])
def test_it_filters_by_category(db: Database, category: str, found: list[int]) -> None:
    """A category is meant to the letter."""
    decided(db, 1)
    decided(db, 2, category="order")
    assert uids(db, category=category) == found


@pytest.mark.parametrize(
    ("person", "found"),
    [
        ("ada@quill.example", [1]),
        ("ADA@quill", [1]),
        ("Quill", [2, 1]),
        ("quill.example", [2, 1]),
        ("@quill.example", [2, 1]),
        ("example", [3, 2, 1]),
        ("bo t", [3]),
        ("Böö", []),
        ("lärs", [3]),
        ("nobody", []),
        ("uill", []),
        ("a_a@quill", []),
        ("b_o@", [2]),
        ("100%", [3]),
        ("%", []),
        (" ", [3, 2, 1]),
    ],
)
def test_it_filters_by_person(db: Database, person: str, found: list[int]) -> None:
    """By how the words of name and address begin, and each of their parts; neither case nor accents count."""
    decided(db, 1)
    decided(db, 2, {"sender_address": "b_o@quill.example", "sender_name": "Bo"})
    decided(db, 3, {"sender_address": "bo@tern.example", "sender_name": "Lars Bo Tern 100%"})
    assert uids(db, person=person) == found


@pytest.mark.parametrize(("state", "found"), [("decided", [1]), ("held", [2]), ("done", []), ("hel", [])])
def test_it_filters_by_state(db: Database, state: str, found: list[int]) -> None:
    """A state is meant to the letter."""
    decided(db, 1)
    held(db, 2, "look at it")
    assert uids(db, state=state) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("grinder", [1]),
        ("GRINDER", [1]),
        ("grind", [1]),
        ("rinder", []),
        ("urgent", [2]),
        ("policy", [3]),
        ("refund", [4]),
        ("ambiguous", [5]),
        ("grinder urgent", []),
        ("late urgent", [2]),
        ("nothing", []),
        ("Q-1042", [6]),
        ("1042", [6]),
        ("%1042!", [6]),
        ("ada@quill.example", [6]),
        ("quill", [6]),
        ("naive", [6]),
        ("会議", [6]),
        ("%", []),
        ("", [6, 5, 4, 3, 2, 1]),
    ],
)
def test_it_searches_for_words(db: Database, words: str, found: list[int]) -> None:
    """For each there must be one that begins so, in subject, summary, reasons or category."""
    decided(db, 1, {"subject": "The Grinder"})
    decided(db, 2, summary="It is late and urgent.")
    decided(db, 3, reason="Our policy.")
    decided(db, 4, category="refund")
    held(db, 5, "the sender is ambiguous")
    decided(
        db, 6, {"subject": "Naïve: Q-1042 東京で会議", "sender_address": "bo@tern.example"}, reason="ada@quill.example"
    )
    assert uids(db, search=words) == found


def test_a_search_cannot_become_a_statement(db: Database) -> None:
    """Quotation marks are no words, and what stands in them is."""
    decided(db, 1)
    assert uids(db, search="' UNION '1'='1") == []
    assert uids(db, search="'%' MAIL; --") == [1]


@pytest.mark.parametrize(("limit", "found"), [(1, [3]), (2, [3, 2]), (50, [3, 2, 1])])
def test_it_gives_no_more_entries_than_the_limit(db: Database, limit: int, found: list[int]) -> None:
    """The newest are given."""
    for uid in (1, 2, 3):
        decided(db, uid, decided_at=after(uid))
    assert uids(db, limit=limit) == found


def test_the_limit_counts_messages_and_not_their_actions(db: Database) -> None:
    """Three actions do not make three entries."""
    for uid in (1, 2):
        message = received(db, uid)
        filed(db, message, *(action_row(message, ordinal=ordinal) for ordinal in range(3)))
    assert uids(db, limit=2) == [2, 1]


def test_all_filters_hold_together(db: Database) -> None:
    """An entry must pass each of them."""
    decided(db, 1, {"subject": "Grinder"}, category="order")
    decided(db, 2, {"subject": "Grinder"})
    decided(db, 3, {"subject": "Hours"}, category="order")
    assert uids(db, category="order", search="grinder", person="ada", state="decided", since=NOW) == [1]


def test_what_a_message_is_held_for_is_found_as_long_as_it_is(db: Database) -> None:
    """Words that it has no longer do not lead to it, those that it has now do."""
    message = held(db, 1, "look at the attachment")
    turns.step(db, message.id or 0, Step("held", "failed", "too large"), [], after(60))
    assert (uids(db, search="attachment"), uids(db, search="large")) == ([], [1])


def test_a_message_that_is_queued_again_leaves_the_log(db: Database) -> None:
    """Nothing is concluded of it."""
    message = held(db, 1, "look at it")
    turns.step(db, message.id or 0, Step("held", "screened"), [], after(60))
    assert uids(db) == uids(db, search="look") == []


def test_a_decision_stays_in_its_place_whatever_becomes_of_it(db: Database) -> None:
    """Its state is the one that it is in now."""
    for uid in (1, 2):
        decided(db, uid)
    turns.step(db, 1, Step("decided", "held", "the folder is gone"), [], after(60))
    assert uids(db) == [2, 1]
    assert (uids(db, state="held"), uids(db, state="decided"), uids(db, search="folder")) == ([1], [2], [1])


def test_the_index_is_not_asked_in_vain_for_states_that_have_passed(db: Database) -> None:
    """Each message was in most states once: they would all have to be looked at."""
    decided(db, 1)
    turns.step(db, 1, Step("decided", "done"), [], after(60))
    with db.read() as session:
        asked = [[keys.same(Kind.STATE, state)] for state in ("decided", "done")]
        assert [list(index.candidates(session, ranges, 0)) for ranges in asked] == [[], [1]]


# What has changed


def changed(db: Database, since: int, **wanted: Any) -> list[int]:
    """List the uids of the entries that have changed."""
    return [entry.message.uid for entry in decisions.changes(db, Filter(**wanted), since)[0]]


def test_only_what_has_changed_since_is_given_in_its_order(db: Database) -> None:
    """New entries and those whose state is another; each once."""
    for uid in (1, 2, 3):
        decided(db, uid)
    newest = decisions.newest_change(db)
    assert changed(db, newest) == []
    turns.step(db, 2, Step("decided", "done"), [], after(60))
    decided(db, 4, category="order")
    turns.step(db, 1, Step("decided", "done"), [], after(60))
    assert (changed(db, newest), changed(db, newest, category="order", search="mail")) == ([2, 4, 1], [4])


def test_what_has_changed_is_told_once(db: Database) -> None:
    """The next look begins where this one ended."""
    newest = decisions.newest_change(db)
    decided(db, 1)
    entries, newest = decisions.changes(db, Filter(), newest)
    assert ([entry.message.uid for entry in entries], changed(db, newest)) == ([1], [])


def test_what_left_the_log_is_no_change_to_show(db: Database) -> None:
    """A message that is queued again has no entry."""
    message, newest = held(db, 1, "look at it"), 0
    turns.step(db, message.id or 0, Step("held", "screened"), [], after(60))
    assert changed(db, newest) == []


# All of it


def test_all_of_the_log_comes_a_few_entries_at_a_time(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is, what was not asked for yet is not read."""
    monkeypatch.setattr(decisions, "TOGETHER", 2)
    read: list[int] = []
    fitting = decisions._fitting

    def reading(*arguments: Any) -> list[Entry]:
        found = fitting(*arguments)
        read.extend(entry.message.uid for entry in found)
        return found

    monkeypatch.setattr(decisions, "_fitting", reading)
    for uid in range(1, 6):
        decided(db, uid)
    entries = decisions.stream(db, Filter(limit=1))
    assert (next(entries).message.uid, read) == (5, [5, 4])
    assert [entry.message.uid for entry in entries] == [4, 3, 2, 1]


# One message, one case, one person


def test_everything_about_an_unknown_message_is_nothing(db: Database) -> None:
    """There is no entry for it."""
    assert decisions.of_message(db, 99) is None


def test_a_message_without_a_decision_has_an_entry_of_its_own(db: Database) -> None:
    """What was only received can be shown."""
    entry = decisions.of_message(db, received(db, 1).id or 0)
    assert entry
    assert (entry.decision, entry.turn, entry.actions) == (None, None, ())


def test_it_lists_all_turns_of_a_message(db: Database) -> None:
    """Dropped ones too, the oldest first."""
    message, session = screened(db, 1), live(db)
    dropped = closed(opened(db, message, session), "dropped")
    turns.drop(db, dropped, open_state="open", step=Step("asking", "screened"), actions=[], now=NOW)
    opened(db, message, session, attempt=2)
    assert [turn.state for turn in decisions.turns_of(db, message.id or 0)] == ["dropped", "open"]


@pytest.mark.parametrize(
    ("before", "limit", "found"), [(4, 10, [1, 2, 3]), (3, 10, [1, 2]), (4, 2, [2, 3]), (1, 10, [])]
)
def test_it_lists_the_case_s_messages_before_this_one(db: Database, before: int, limit: int, found: list[int]) -> None:
    """The nearest ones are kept, the oldest of them first."""
    first = screened(db, 1)
    for uid in (2, 3, 4):
        screened(db, uid, case=first.case_id)
    assert [entry.message.uid for entry in decisions.of_case(db, 1, before, limit)] == found


def test_it_lists_no_other_case_s_messages(db: Database) -> None:
    """Each case is apart."""
    for uid in (1, 2):
        screened(db, uid)
    assert [entry.message.uid for entry in decisions.of_case(db, 1, 99, 10)] == [1]


@pytest.mark.parametrize(
    ("words", "before", "limit", "found"),
    [
        ("", 9, 10, [3, 1]),
        ("grinder", 9, 10, [1]),
        ("GRIND", 9, 10, [1]),
        ("", 3, 10, [1]),
        ("", 9, 1, [3]),
        ("%", 9, 10, []),
    ],
)
def test_it_searches_a_person_s_earlier_messages_alone(
    db: Database, words: str, before: int, limit: int, found: list[int]
) -> None:
    """Another person's mail is never found, whatever is searched for."""
    decided(db, 1, {"subject": "The grinder"})
    decided(db, 2, {"subject": "The grinder", "sender_address": "bo@tern.example"})
    decided(db, 3)
    assert [entry.message.uid for entry in decisions.of_person(db, 1, before, words, limit)] == found


def test_it_says_since_when_a_person_is_known(db: Database) -> None:
    """The messages before this one are counted."""
    screened(db, 1)
    screened(db, 2, now=after(60))
    screened(db, 3, sender_address="bo@tern.example")
    assert decisions.acquaintance(db, 1, 2) == (1, NOW)


def test_nobody_is_known_since_never(db: Database) -> None:
    """A mail without a sender has no acquaintance."""
    assert decisions.acquaintance(db, None, 1) == (0, None)
