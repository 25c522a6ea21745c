"""The session kept within its bounds: compacted in place, or rotated to a successor that knows what binds."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from daemon import loop
from daemon.clock import utc_now
from daemon.judgement.states import OrderState, SessionState, UpkeepKind, UpkeepState
from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body, text, tool_use
from daemon.steps.orders import WITHOUT_NOTES
from knowledge import service, sessions, turns, upkeeps
from knowledge.database import Database
from knowledge.tables import AgentSession, Condition, Turn, Upkeep
from tests.bed import Bed, is_through, mail, prompts_in_transcript, settled_prompts, subjects_in_last_request

LONG = "When do you open? " * 900  # 16,200 characters: about 4,000 of the stand-in's tokens
SMALL = "compact_at_tokens = 12000\nrotate_at_tokens = 20000\nhandover_tokens = 1000"
PEOPLE = ("Ada Quill <ada@quill.example>", "Bo Tern <bo@tern.example>", "Cy Vane <cy@vane.example>")


@pytest.fixture
def small(bed: Bed) -> Bed:
    """Lay a bed whose session is compacted early."""
    bed.sections["session"] = SMALL
    return bed


def deliver(bed: Bed, count: int, body: str = LONG, start: int = 0) -> None:
    """Deliver mails of several people on matters of their own."""
    for number in range(start, start + count):
        bed.server.deliver(mail(f"Matter {number}", body, sender=PEOPLE[number % 3]))


def live(bed: Bed) -> AgentSession:
    """Give the live session."""
    found = sessions.live(bed.db, SessionState.LIVE)
    assert found
    return found


def kept(bed: Bed) -> list[Upkeep]:
    """List all upkeeps, the oldest first."""
    return [row for session in reversed(sessions.chain(bed.db)) for row in upkeeps.of_session(bed.db, session.id)]


def turn_of(bed: Bed, index: int) -> Turn:
    """Give the turn that decided the message."""
    found = bed.entries[index].turn
    assert found
    return found


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Pick events."""
    return [event for event in events if event["event"] == name]


def without_upkeep(db: Database, count: int) -> bool:
    """Say whether all is through, the session's upkeep included."""
    return is_through(db, count) and not service.orders(db, OrderState.WAITING)


def order(bed: Bed, kind: str) -> None:
    """Leave an order as the command does."""
    service.leave_order(bed.db, kind, "", OrderState.WAITING, bed.entries[0].message.received_at)


@pytest.mark.exhaustive
def test_a_session_is_compacted_between_two_mails_and_goes_on(small: Bed) -> None:
    """Under its id, with a context that was measured before and after, and without the mails that it summed up."""
    deliver(small, 6)
    events = small.work(6)
    first = kept(small)[0]
    assert (first.kind, first.state) == ("compact", UpkeepState.DONE)
    assert first.tokens_before >= 12_000
    assert (first.tokens_after or 0) < first.tokens_before / 2
    assert {entry.turn.session_id for entry in small.entries if entry.turn} == {live(small).id}
    assert "Matter 0" not in subjects_in_last_request(small)
    assert prompts_in_transcript(small) == settled_prompts(small)
    told = named(events, "session_compacted")[0]
    assert (told["tokens_before"], told["tokens_after"]) == (first.tokens_before, first.tokens_after)


@pytest.mark.exhaustive
def test_the_context_stays_within_its_bound_however_many_mails_come(small: Bed) -> None:
    """One mail may carry it over the bound; then it is compacted before the next."""
    deliver(small, 10)
    small.work(10)
    contexts = [turn_of(small, index).context_tokens for index in range(10)]
    assert max(contexts) < 12_000 + 6_000
    assert len([row for row in kept(small) if row.state == UpkeepState.DONE]) >= 2


@pytest.mark.exhaustive
def test_a_compacted_session_is_resumed_behind_its_summary(small: Bed) -> None:
    """A restart finds the head that the compaction has moved."""
    deliver(small, 3)
    small.work(3)
    assert kept(small)[-1].kind == "compact"
    before = live(small).id
    deliver(small, 1, start=3)
    events = small.work(4)
    assert named(events, "session_resumed")[0]["session"] == before
    assert subjects_in_last_request(small) == ["Matter 3"]


@pytest.mark.exhaustive
def test_a_compaction_costs_and_counts_in_the_caps(small: Bed) -> None:
    """Its dollars are those of its tokens, and what is spent includes them."""
    deliver(small, 4)
    small.work(4)
    rows = kept(small)
    row, upkeep = rows[0], sum(each.cost_usd or 0 for each in rows)
    prices = small.settings.model.price_list
    assert (row.cost_usd or 0) >= row.tokens_before * prices.input / 2e6
    alone = sum(turn_of(small, index).cost_usd or 0 for index in range(4))
    assert turns.spent_since(small.db, row.started_at.replace(year=2020)) == pytest.approx(alone + upkeep)


def frees_nothing(body: Body) -> Answer:
    """Decide as the stand-in does, but sum up at greater length than what is summed up."""
    users = [message for message in body["messages"] if message["role"] == "user"]
    if rules.TO_SUM_UP in rules._text_of(users[-1]):
        return Answer((text(f"<analysis>-</analysis><summary>{'It went on. ' * 6000}</summary>"),))
    return rules.decide(body)


@pytest.mark.exhaustive
def test_a_compaction_that_frees_too_little_is_followed_by_a_rotation(small: Bed) -> None:
    """Before the next mail: else it would be compacted for ever."""
    small.model.rules = frees_nothing
    deliver(small, 4)
    small.work(4)
    first, second = kept(small)[:2]
    assert (first.kind, second.kind) == ("compact", "rotate")
    assert "freed" in second.why
    assert len({entry.turn.session_id for entry in small.entries if entry.turn}) > 1


@pytest.mark.exhaustive
def test_a_compaction_that_fails_leaves_the_session_as_it_was(small: Bed) -> None:
    """The mails go on in the whole conversation, a person is told, and it is not tried again at once."""
    small.sections["retry"] = "longest_pause_seconds = 600"
    small.faults.poison, small.faults.always = rules.TO_SUM_UP, 400
    deliver(small, 4)
    events = small.work(4)
    failed = kept(small)
    assert [(row.kind, row.state) for row in failed] == [("compact", UpkeepState.FAILED)]
    assert [event["part"] for event in named(events, "paused")] == ["session"]
    assert subjects_in_last_request(small) == ["Matter 0", "Matter 1", "Matter 2", "Matter 3"]
    assert prompts_in_transcript(small) == settled_prompts(small)


@pytest.mark.exhaustive
def test_a_session_is_rotated_after_its_most_messages(bed: Bed) -> None:
    """Each mail is decided once, each session has its share, and the chain says who followed whom and why."""
    bed.sections["session"] = "most_messages = 2"
    deliver(bed, 5, "When do you open?")
    bed.work(5)
    chain = list(reversed(sessions.chain(bed.db)))
    assert [sessions.standing(bed.db, row.id, "settled")[0] for row in chain] == [2, 2, 1]
    assert [row.predecessor for row in chain] == [None, chain[0].id, chain[1].id]
    assert chain[0].end_reason == "messages: 2 of 2"
    assert len(bed.entries) == 5


@pytest.mark.exhaustive
def test_a_successor_is_told_what_binds_and_what_is_open(bed: Bed) -> None:
    """A held mail, an escalated one, the open cases, and the old session's notes, marked as unverified."""
    bed.sections["session"] = "most_messages = 2"
    bed.sections["mailbox"] = "largest_mail = 4096"
    bed.server.deliver(mail("Too large", "x" * 6000))
    bed.server.deliver(mail("The shop is down", "URGENT: error 503", sender=PEOPLE[1]))
    deliver(bed, 2, "When do you open?")
    bed.work(4)
    prompt = turn_of(bed, 3).prompt
    head = prompt[: prompt.index("[message 4] [case")]
    assert "[message 1] [case 1] held since" in head
    assert "[message 2] [case 2] escalated since" in head
    assert 'question: "Matter 0"' in head
    assert "unverified" in head
    assert '[case 3] "The stand-in\'s rules note nothing of their own."' in head


@pytest.mark.exhaustive
def test_the_tool_shows_what_the_handover_had_no_room_for(bed: Bed) -> None:
    """Every held mail is within reach, in clerkd's words alone."""
    bed.sections["session"] = "most_messages = 2\nhandover_tokens = 200"
    bed.sections["mailbox"] = "largest_mail = 4096"
    for number in range(12):
        bed.server.deliver(mail(f"Secret {number}", "x" * 6000))
    deliver(bed, 3, "When do you open?")
    pages: list[str] = []

    def looks(body: Body) -> Answer:
        """Look at the open matters before deciding, as the handover suggests."""
        said = json.dumps(body["messages"])
        if "the tool `list_open_matters` shows them" not in said:
            return rules.decide(body)
        if "(page 1 of 1)" in said:
            pages.append(said[said.rindex("tool_result") :])
            return rules.decide(body)
        return Answer((tool_use("mcp__clerkd__list_open_matters", {"page": 1}),))

    bed.model.rules = looks
    bed.work(15)
    assert "[message 1]" not in turn_of(bed, 14).prompt
    assert all(f"[message {number}]" in pages[0] for number in range(1, 13))
    assert "Secret" not in pages[0]


@pytest.mark.exhaustive
def test_a_rotation_whose_notes_fail_is_put_off_once_and_then_done_without_them(bed: Bed) -> None:
    """Each try that broke off without a word of its cost is charged with all that was reserved."""
    bed.sections["session"] = "most_messages = 2"
    bed.faults.poison, bed.faults.always = "This conversation ends here", 400
    deliver(bed, 2, "When do you open?")
    bed.run(lambda db: len(sessions.chain(db)) == 2)
    assert [(row.kind, row.state) for row in kept(bed)] == [
        ("rotate", UpkeepState.FAILED),
        ("rotate", UpkeepState.DONE),
    ]
    assert "no notes were taken: the model's answer was an error (400)" in kept(bed)[0].failure
    assert [row.cost_usd for row in kept(bed)] == [0.5, 0.5]
    assert upkeeps.notes_of(bed.db, sessions.chain(bed.db)[-1].id) == []
    assert "Matter 1" in live(bed).handover


@pytest.mark.exhaustive
def test_a_rotation_that_would_lose_something_is_not_done(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ledger owes what neither the handover nor the tool tells, the session goes on and a person is told."""
    monkeypatch.setattr("daemon.steps.upkeep.owed", lambda _house: ["[message 999]"])
    bed.sections["session"] = "most_messages = 2"
    bed.sections["retry"] = "longest_pause_seconds = 600"
    deliver(bed, 3, "When do you open?")
    events = bed.work(3)
    assert [(row.kind, row.state) for row in kept(bed)] == [("rotate", UpkeepState.FAILED)]
    assert "the handover does not reach [message 999]" in kept(bed)[0].failure
    assert [event["part"] for event in named(events, "paused")] == ["session"]
    assert subjects_in_last_request(bed) == ["Matter 0", "Matter 1", "Matter 2"]


@pytest.mark.exhaustive
def test_the_command_to_compact_holds_no_word_of_a_mail(small: Bed) -> None:
    """It names the open cases by number and category: what a sender wrote would count as an instruction there."""
    deliver(small, 4)
    small.work(4)
    asked = [json.dumps(body["messages"]) for body in small.model.seen if rules.TO_SUM_UP in json.dumps(body)]
    command = asked[0].rpartition("Additional Instructions:")[2]
    assert "[case 1]" in command
    assert "question" in command
    assert "Matter" not in command


@pytest.mark.exhaustive
def test_an_upkeep_that_clerkd_stumbles_over_does_not_keep_the_mail_waiting(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed as failed, and not tried again at once."""

    def stumble(_house: object) -> None:
        message = "a mistake of ours"
        raise ValueError(message)

    monkeypatch.setattr("daemon.steps.upkeep.owed", stumble)
    bed.sections["session"] = "most_messages = 2"
    bed.sections["retry"] = "longest_pause_seconds = 600"
    deliver(bed, 4, "When do you open?")
    events = bed.work(4)
    assert [row.state for row in kept(bed)] == [UpkeepState.FAILED]
    assert "clerkd stumbled over it (ValueError)" in kept(bed)[0].failure
    assert len(named(events, "stumbled")) == 1


@pytest.mark.exhaustive
def test_a_stop_breaks_an_upkeep_off_and_its_order_waits(bed: Bed) -> None:
    """Nobody is told of a failure; at the next start it is carried out."""
    bed.sections["service"] = "stop_seconds = 1"
    deliver(bed, 2)
    bed.work(2)
    order(bed, "compact")
    bed.faults.poison, bed.faults.always = rules.TO_SUM_UP, "silence"
    calls = bed.faults.calls
    events = bed.run(lambda _db: bed.faults.calls > calls)
    assert kept(bed)[0].failure == "the service was stopped during it"
    assert named(events, "paused") == []
    waiting = service.order(bed.db, 1)
    assert waiting
    assert waiting.state == OrderState.WAITING
    bed.faults.poison = bed.faults.always = ""
    bed.run(lambda db: without_upkeep(db, 2))
    done = service.order(bed.db, 1)
    assert done
    assert done.state == OrderState.DONE


def test_no_upkeep_is_begun_that_could_break_a_cap(bed: Bed) -> None:
    """It waits with the mails for the next day."""
    bed.sections["session"] = "most_messages = 1"
    bed.sections["limits"] = "dollars_per_turn = 0.5\ndollars_per_day = 0.5"
    deliver(bed, 1, "When do you open?")
    bed.run(lambda db: is_through(db, 1) and any(row.paused for row in service.conditions(db)))
    assert kept(bed) == []


def test_an_upkeep_that_is_dearer_than_a_turn_breaks_no_cap_either(bed: Bed) -> None:
    """The next turn has its place in the day still, and is taken; what reads all of the context again has none."""
    bed.sections["session"] = "most_messages = 1"
    bed.sections["limits"] = "dollars_per_turn = 0.03\ndollars_per_day = 0.08"
    deliver(bed, 2, "When do you open?")
    events = bed.work(2)
    assert kept(bed) == []
    (told,) = named(events, "paused")
    assert (told["part"], told["kind"]) == ("session", "cap")


@pytest.mark.exhaustive
def test_an_order_for_an_upkeep_that_could_break_a_cap_is_refused_in_words(bed: Bed) -> None:
    """With the cap, and when its window ends."""
    bed.sections["limits"] = "dollars_per_turn = 0.03\ndollars_per_day = 0.08"
    deliver(bed, 1, "When do you open?")
    bed.work(1)
    service.leave_order(bed.db, "rotate", "", OrderState.WAITING, utc_now())
    bed.run(lambda db: bool(service.orders(db, OrderState.REFUSED)))
    (order,) = service.orders(bed.db, OrderState.REFUSED)
    assert order.outcome.startswith(
        "what keeps the session small could break limits.dollars_per_day; its window ends at "
    )


def test_a_session_that_the_engine_cannot_open_any_more_can_be_rotated_without_its_notes(bed: Bed) -> None:
    """The model is paused for it, and nothing else would have the mail worked again."""
    deliver(bed, 1, "When do you open?")
    bed.work(1)
    before = live(bed).id
    with bed.db.write() as session:
        session.merge(
            Condition(part="model", paused=True, kind="engine", reason="no", since=utc_now(), set_at=utc_now())
        )
    service.leave_order(bed.db, "rotate", WITHOUT_NOTES, OrderState.WAITING, utc_now())
    bed.run(lambda db: bool(service.orders(db, OrderState.DONE)))
    assert live(bed).predecessor == before
    assert [(row.kind, row.state, row.cost_usd) for row in kept(bed)] == [("rotate", "done", 0.0)]


@pytest.mark.exhaustive
def test_failed_compactions_do_not_hold_up_the_rotation_that_is_due(bed: Bed) -> None:
    """The pause after a failure is that of its kind: the session grows no further for it."""
    bed.sections["session"] = "most_messages = 2"
    deliver(bed, 1, "When do you open?")
    bed.work(1)
    row = Upkeep(session_id=live(bed).id, generation=live(bed).generation, kind=UpkeepKind.COMPACT, why="w",
                 state=UpkeepState.OPEN, model="m", reserved_usd=0.1, started_at=utc_now())  # fmt: skip
    row = upkeeps.begin(bed.db, row)
    row.state, row.ended_at, row.cost_usd, row.failure = UpkeepState.FAILED, utc_now(), 0.0, "no summary"
    upkeeps.failed(bed.db, row, None)
    deliver(bed, 1, "When do you open?", start=1)
    bed.run(lambda db: is_through(db, 2) and len(sessions.chain(db)) == 2)
    assert [each.kind for each in kept(bed)][-1] == UpkeepKind.ROTATE


def in_house(bed: Bed, count: int, act: Callable[[Bed], None]) -> list[dict[str, Any]]:
    """Work all mails, then leave an order, and run until it is closed."""
    done = False

    def until(db: Database) -> bool:
        nonlocal done
        if is_through(db, count) and not done:
            act(bed)
            done = True
        return done and without_upkeep(db, count)

    return bed.run(until)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("kind", "words"), [("compact", "is compacted"), ("rotate", "has ended")])
def test_a_person_can_have_it_done_while_the_service_runs(bed: Bed, kind: str, words: str) -> None:
    """Between two mails, and the outcome is written to the order."""
    deliver(bed, 2)
    in_house(bed, 2, lambda bed: order(bed, kind))
    closed = service.order(bed.db, 1)
    assert closed
    assert closed.state == OrderState.DONE
    assert words in closed.outcome
    assert kept(bed)[0].why == "a person asked for it"


@pytest.mark.exhaustive
@pytest.mark.parametrize(("kind", "words"), [("compact", "tokens before"), ("rotate", "has ended")])
def test_a_command_does_it_where_no_service_runs(bed: Bed, kind: str, words: str) -> None:
    """It holds the state, starts the engine, and prints the outcome."""
    deliver(bed, 2)
    bed.work(2)
    done = bed.clerkd("session", kind, "--config", str(bed.config))
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout
    deliver(bed, 1, start=2)
    bed.work(3)
    assert len(bed.entries) == 3


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["compact", "rotate"])
def test_a_session_without_a_turn_cannot_be_compacted_or_rotated(bed: Bed, kind: str) -> None:
    """The refusal says why."""
    bed.work(0)
    done = bed.clerkd("session", kind, "--config", str(bed.config))
    assert done.returncode != 0
    assert "has had no turn yet" in done.stderr


@pytest.mark.exhaustive
def test_the_chain_is_shown_with_what_each_session_cost(bed: Bed) -> None:
    """As a table, as JSON, and one session alone by the beginning of its id."""
    bed.sections["session"] = "most_messages = 1"
    deliver(bed, 2, "When do you open?")
    bed.work(2)
    newest, oldest = sessions.chain(bed.db)[0], sessions.chain(bed.db)[-1]
    config = ("--config", str(bed.config))
    table = bed.clerkd("session", "list", *config).stdout
    assert newest.id[:8] in table
    assert "messages: 1 of 1" in table
    lines = bed.clerkd("session", "list", "--json", *config).stdout.splitlines()
    assert f'"session": "{newest.id}"' in lines[0]
    page = bed.clerkd("session", "show", oldest.id[:8], *config).stdout
    assert "rotate, done" in page
    assert "unverified" in page
    unknown = bed.clerkd("session", "show", "nothing", *config)
    assert unknown.returncode != 0
    assert "no session's id begins with 'nothing'" in unknown.stderr


@pytest.mark.exhaustive
def test_an_upkeep_cut_off_by_a_crash_is_closed_at_the_next_start_with_its_charge(bed: Bed) -> None:
    """The session goes on where it stood."""
    deliver(bed, 1, "When do you open?")
    bed.work(1)
    row = Upkeep(
        session_id=live(bed).id,
        generation=1,
        kind="compact",
        why="a test",
        state=UpkeepState.OPEN,
        model="m",
        reserved_usd=0.5,
        started_at=bed.entries[0].message.received_at,
    )
    upkeeps.begin(bed.db, row)
    deliver(bed, 1, "When do you open?", start=1)
    events = bed.work(2)
    assert named(events, "upkeep_failed")
    closed = kept(bed)[0]
    assert (closed.state, closed.cost_usd) == (UpkeepState.FAILED, 0.5)
    assert named(events, "session_resumed")


@pytest.mark.exhaustive
def test_the_session_is_looked_after_on_a_tick_too(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rest of the configured length ends it without a mail: at night, nobody writes."""
    monkeypatch.setattr(loop, "UPKEEP_SECONDS", 0.2)
    bed.sections["session"] = "most_idle_hours = 0.0001"  # 0.36 seconds
    deliver(bed, 1, "When do you open?")
    bed.run(lambda db: len(sessions.chain(db)) == 2)
    assert kept(bed)[0].why.startswith("nothing was put to it since")
