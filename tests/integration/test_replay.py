"""Logged messages put again to forks of the session: real engine, real forks, and nothing done in a mailbox."""

import asyncio
import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from daemon import app, runs
from daemon.agent import forks, transcript
from daemon.agent.session import EngineError, Session
from daemon.agent.transcript import Head
from daemon.judgement.states import MessageState, OrderState, SessionState, TurnState
from daemon.premises import is_held
from daemon.rehearsal import rules
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import Answer, Body, StandIn, tool_use
from daemon.settings import load_variant
from daemon.steps.trials import Wanted
from knowledge import decisions, replays, service, sessions, turns
from knowledge.database import Database
from knowledge.replays import Selection
from knowledge.tables import Case, Replay, ReplayTurn
from tests.bed import PASSWORD, USER, Bed, end, is_through, mail, wait_for
from tests.faults import Faults

LONG = "When do you open? " * 900
MARK = re.compile(r"mail-[0-9a-f]{16}")
PEOPLE = ("Ada Quill <ada@quill.example>", "Bo Tern <bo@tern.example>")
ALL = Selection(ids=tuple(range(1, 20)))
TABLES_OF_REPLAYS = ("replays", "replay_turns")


def deliver(bed: Bed, count: int, body: str = "When do you open?", first: int = 0) -> None:
    """Deliver mails of two people: of each, the later ones belong to the same case."""
    for number in range(first, first + count):
        bed.server.deliver(
            mail("Re: Hours" if number > 1 else "Hours", f"{body} ({number})", PEOPLE[number % 2],
                 Message_ID=f"<{number}@quill.example>")
        )  # fmt: skip


def variant(bed: Bed, text: str, name: str = "other") -> Path:
    """Write a variant's file."""
    path = bed.root / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def replay(bed: Bed, *texts: str, wanted: Wanted | None = None) -> list[ReplayTurn]:
    """Replay all messages, or those that are wanted, with one variant for each text; give what came of each turn."""
    files = [variant(bed, text, f"v{number}") for number, text in enumerate(texts or ("",))]
    variants = {path.stem: load_variant(bed.config, path) for path in files}
    row = runs.replay_logged(bed.settings, bed.db, variants, wanted or Wanted(ALL, parallel=2), lambda _words: None)
    return [turn for turn, _message in replays.results(bed.db, row.id or 0)]


@pytest.mark.exhaustive
def test_a_variant_has_an_autonomy_of_its_own(bed: Bed) -> None:
    """What the employee would not have done under it is told."""
    deliver(bed, 1)
    bed.work(1)
    (same, strict) = replay(bed, "", '[autonomy]\nreply = "never"')
    assert (same.agrees, same.changes) == (True, [])
    assert (strict.agrees, strict.changes) == (False, ["actions: draft -> reply (refused)"])


def openings(seen: Sequence[Body]) -> dict[str, str]:
    """Give, by the number of its message, the request that opened its turn, without its cache marks and its mark."""
    found: dict[str, str] = {}
    for body in seen:
        users = [message for message in body["messages"] if message["role"] == "user"]
        number = re.search(r"\[message (\d+)\] \[case", text_of(users[-1]))
        if number and "tool_result" not in json.dumps(users[-1]):
            request = {"model": body["model"], "system": body["system"][1:], "tools": body["tools"],
                       "messages": [(message["role"], text_of(message)) for message in body["messages"]]}  # fmt: skip
            words = json.dumps(request, sort_keys=True).replace(', "cache_control": {"type": "ephemeral"}', "")
            found.setdefault(number[1], MARK.sub("MARK", words.replace('"cache_control": {"type": "ephemeral"}, ', "")))
    return found


def text_of(message: dict[str, Any]) -> str:
    """Give a message's text, and what it calls or brings back, however the engine writes it."""
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    told = [part.get("text") or json.dumps([part.get("input"), part.get("content")]) for part in parts]
    return "\n".join(told).replace("<system-reminder>\n", "").replace("\n</system-reminder>", "")


def dumped(bed: Bed) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of all tables but those of the replays."""
    with bed.db.engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        return {
            str(table): [tuple(row) for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"')]
            for table in tables
            if table not in TABLES_OF_REPLAYS
        }


def all_reading(body: Body) -> Answer:
    """Call every reading tool for each mail, then decide as the stand-in does."""
    users = [message for message in body["messages"] if message["role"] == "user"]
    if "<<<mail-" in text_of(users[-1]) and "tool_result" not in json.dumps(users[-1]):
        calls: dict[str, dict[str, Any]] = {
            "look_at_case": {},
            "search_decisions": {"words": ""},
            "list_open_matters": {"page": 1},
        }
        return Answer(tuple(tool_use(f"mcp__clerkd__{name}", arguments) for name, arguments in calls.items()))
    return rules.decide(body)


def read_by_tools(seen: Sequence[Body]) -> dict[str, list[str]]:
    """Give what the reading tools told, by the number of the message at hand."""
    found: dict[str, list[str]] = {}
    for body in seen:
        users = [message for message in body["messages"] if message["role"] == "user"]
        results = [
            part for part in users[-1]["content"] if isinstance(part, dict) and part.get("type") == "tool_result"
        ]
        if len(results) == 3:
            number = re.search(r"\[message (\d+)\] \[case", text_of(users[-2]))
            assert number
            found[number[1]] = [json.dumps(part["content"]) for part in results]
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work four mails of two people in two cases, once for the tests that leave the state as it is."""
    faults = Faults()
    with MailServer(USER, PASSWORD) as server, StandIn(rules.decide, wrap=faults.around) as model:
        bed = Bed(tmp_path_factory.mktemp("replay"), server, model, faults)
        deliver(bed, 4)
        bed.work(4)
        yield bed
        bed.close()


@pytest.fixture
def worked(shared: Bed) -> Iterator[Bed]:
    """Give the bed with four mails as it was; the test may only replay them."""
    seen, before = list(shared.model.seen), dumped(shared)
    yield shared
    shared.model.seen[:], shared.model.rules, shared.sections = seen, rules.decide, {}
    shared.faults.always, shared.faults.most = None, 0
    assert dumped(shared) == before


@pytest.fixture
def own(bed: Bed) -> Bed:
    """Work the same four mails for a test that goes on from there."""
    deliver(bed, 4)
    bed.work(4)
    return bed


def test_a_fork_under_the_same_config_asks_the_model_what_was_asked_then(worked: Bed) -> None:
    """Orders, tools, conversation and prompt are those of then, to the letter: only the mail's mark is new."""
    then = openings(worked.model.seen)
    worked.model.seen.clear()
    rows = replay(worked)
    assert openings(worked.model.seen) == then
    assert [row.agrees for row in rows] == [True] * 4


@pytest.mark.exhaustive
def test_a_fork_behind_a_compaction_and_a_rotation_is_the_session_as_it_stood_then(bed: Bed) -> None:
    """Mails before a compaction, behind it, and in a successor: each is asked as it was."""
    bed.sections["session"] = (
        "compact_at_tokens = 10000\nrotate_at_tokens = 19000\nhandover_tokens = 1000\nmost_messages = 6"
    )
    deliver(bed, 8, LONG)
    bed.work(8)
    chain = sessions.chain(bed.db)
    assert len(chain) > 1
    then = openings(bed.model.seen)
    bed.model.seen.clear()
    replay(bed)
    assert openings(bed.model.seen) == then


@pytest.mark.exhaustive
def test_a_fork_is_told_of_the_senders_other_cases_as_they_were(bed: Bed) -> None:
    """A case that was open then, and one that has come since; how each stands today is not told."""
    for subject in ("Hours", "Pump", "Boat"):
        bed.server.deliver(mail(subject))
    bed.work(3)
    then = openings(bed.model.seen)
    assert "Other open cases of the sender" in then["2"]
    with bed.db.write() as session:
        session.connection().execute(update(Case).values(state="closed"))
    bed.model.seen.clear()
    replay(bed)
    assert openings(bed.model.seen) == then


@pytest.mark.exhaustive
def test_the_tools_tell_what_they_told_then(bed: Bed) -> None:
    """No later message, decision or case is seen, and nothing of then is missing."""
    bed.model.rules = all_reading
    for number in range(3):
        deliver(bed, 1, first=number)
        bed.work(number + 1)
    then = read_by_tools(bed.model.seen)
    assert len(then) == 3
    bed.model.seen.clear()
    replay(bed)
    assert read_by_tools(bed.model.seen) == then


def test_a_variant_has_its_own_orders_model_and_categories(worked: Bed) -> None:
    """The engine would go on with the first orders of a session: a fork takes the variant's."""
    (worked.root / "terse.md").write_text("Be terse.", encoding="utf-8")
    worked.model.seen.clear()
    text = '[employee]\norders = "terse.md"\ncategories = ["question", "fish"]\n[model]\nname = "claude-opus-5"'
    rows = replay(worked, text, wanted=Wanted(Selection(ids=(3,)), 1))
    body = worked.model.seen[0]
    assert body["model"] == "claude-opus-5"
    assert "Be terse." in json.dumps(body["system"])
    assert "Answer kindly." not in json.dumps(body)
    assert '"fish"' in json.dumps(body["tools"])
    assert rows[0].model == "claude-opus-5"


def test_the_engine_would_go_on_with_the_first_orders_of_a_copied_session(worked: Bed, tmp_path: Path) -> None:
    """The fact that a fork leans on: only without the snapshots in its transcript does it take other orders."""
    turn = turns.in_state(worked.db, TurnState.SETTLED)[0]
    engine = app.engine_of(worked.settings)
    copy = replace(engine, home=tmp_path, orders="Be somebody else.")
    path = copy.transcript(turn.session_id)
    path.parent.mkdir(parents=True)
    path.write_bytes(engine.transcript(turn.session_id).read_bytes()[: turn.head_offset])

    async def ask() -> None:
        session = Session(copy, app.desk_of(worked.settings))
        await session.open(turn.session_id, Head(turn.head_uuid or "", turn.head_offset or 0))
        async for _message in session.put("6cdb6a4c-4d07-4a93-9d6c-3f4c1f1f7f10", "Hello?"):
            pass
        await session.close()

    worked.model.seen.clear()
    asyncio.run(ask())
    assert "Answer kindly." in json.dumps(worked.model.seen[0]["system"])
    assert "somebody else" not in json.dumps(worked.model.seen[0])


def test_what_differs_is_told_with_the_reason(worked: Bed) -> None:
    """Category, priority and actions count for the agreement."""

    def strict(body: Body) -> Answer:
        answer = rules.decide(body)
        for block in answer.blocks:
            if block["type"] == "tool_use" and block["name"] == rules.DECIDE:
                block["input"].update(category="complaint", priority="high", reason="It sounds angry.",
                                      actions=[{"kind": "escalate", "question": "What now?"}])  # fmt: skip
        return answer

    worked.model.rules = strict
    (row,) = replay(worked, wanted=Wanted(Selection(ids=(1,)), 1))
    assert row.agrees is False
    assert row.changes == ["category: question -> complaint", "priority: normal -> high", "actions: draft -> escalate"]
    assert (row.reason, row.actions, row.category) == ("It sounds angry.", ["escalate"], "complaint")
    assert row.cost_usd
    assert row.input_tokens
    assert row.seconds


@pytest.mark.exhaustive
def test_nothing_is_done_in_the_mailbox_and_nothing_else_is_written(
    worked: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hand that acts is not even made; ledger, session and transcript stay as they are."""

    def never(*_arguments: object) -> None:
        message = "a replay must not reach for a mailbox"
        raise AssertionError(message)

    monkeypatch.setattr(app, "effects_of", never)
    monkeypatch.setattr(app, "source_of", never)
    live = sessions.live(worked.db, SessionState.LIVE)
    assert live
    transcript = app.engine_of(worked.settings).transcript(live.id)
    before = (dumped(worked), worked.mails_in("Drafts"), worked.mails_in("INBOX"), transcript.read_bytes())
    replay(worked, wanted=Wanted(Selection(ids=(1, 2)), 1))
    assert (dumped(worked), worked.mails_in("Drafts"), worked.mails_in("INBOX"), transcript.read_bytes()) == before


def test_forks_are_cleared_away(worked: Bed) -> None:
    """A fork holds people's mail."""
    replay(worked, wanted=Wanted(Selection(ids=(2,)), 1))
    assert list((worked.state.agent / "forks").iterdir()) == []


@pytest.mark.exhaustive
def test_forks_are_kept_where_they_are_wanted_and_for_their_owner_alone(own: Bed) -> None:
    """A later replay and a start of the service leave them alone, too."""
    replay(own, wanted=Wanted(Selection(ids=(2,)), 1, keep=True))
    replay(own, wanted=Wanted(Selection(ids=(1,)), 1))
    own.work(4)
    (kept,) = (own.state.agent / "forks").glob("*/*/claude/projects/*/*.jsonl")
    assert kept.stat().st_mode & 0o077 == 0
    assert "(1)" in kept.read_text(encoding="utf-8")


@pytest.mark.exhaustive
def test_forks_ask_the_model_side_by_side(worked: Bed) -> None:
    """With two at a time, both wait for the model at the same time; with one, never."""
    for parallel in (1, 2):
        worked.faults.coming, worked.faults.most = ["slow"] * 2, 0
        replay(worked, wanted=Wanted(Selection(ids=(1, 2)), parallel))
        assert worked.faults.most == parallel


@pytest.mark.exhaustive
def test_the_live_session_is_forked_as_it_is_now(own: Bed) -> None:
    """The fork knows the later mails; the session itself does not grow."""
    own.model.seen.clear()
    replay(own, wanted=Wanted(Selection(ids=(1,)), 1, of_live_session=True))
    words = json.dumps(own.model.seen[0]["messages"])
    assert words.count("Subject: Hours") == 3  # the first two mails, and the first again
    assert words.count("Subject: Re: Hours") == 2
    own.model.seen.clear()
    deliver(own, 1, first=4)
    own.work(5)
    assert json.dumps(own.model.seen[0]["messages"]).count("Subject: ") == 5


@pytest.mark.exhaustive
def test_a_replay_goes_on_while_the_service_is_at_work(own: Bed) -> None:
    """Both wait for the model at the same time; the service works its mail and the replay its own."""
    process = own.start()
    wait_for(lambda: is_held(own.state), what="the start of the service")
    own.faults.always = "slow"
    deliver(own, 1, first=4)
    wait_for(lambda: own.faults.under_way == 1, what="the service's turn")
    rows = replay(own, wanted=Wanted(Selection(ids=(3,)), 1))
    assert own.faults.most == 2
    wait_for(lambda: own.through(5))
    assert end(process) == 0
    assert [row.agrees for row in rows] == [True]


@pytest.mark.exhaustive
def test_a_held_message_without_a_decision_is_put_again(bed: Bed) -> None:
    """It differs whatever is decided, and the fork is the session as it stood before its last try."""
    bed.faults.poison, bed.faults.always = "cannot be answered", 400
    deliver(bed, 1)
    bed.server.deliver(mail("Poison", "This cannot be answered", PEOPLE[1]))
    bed.work(2)
    assert bed.state_of(2) == MessageState.FAILED
    bed.faults.poison, bed.faults.always = "", None
    rows = replay(bed)
    assert [(row.agrees, row.changes) for row in rows] == [(True, []), (False, ["it was logged without a decision"])]


@pytest.mark.exhaustive
def test_a_message_that_was_rolled_back_is_left_out(own: Bed) -> None:
    """Its place in the conversation is gone; on the live session it can be tried."""
    number = service.leave_order(own.db, "roll back", "3", OrderState.WAITING, own.entries[0].message.received_at)
    own.run(lambda db: (service.order(db, number) or service.orders(db, "")[0]).state == OrderState.DONE)
    assert [row.message_id for row in replay(own)] == [1, 2]
    (live,) = replay(own, wanted=Wanted(Selection(ids=(4,)), 1, of_live_session=True))
    assert live.message_id == 4


@pytest.mark.exhaustive
def test_a_fork_whose_transcript_is_gone_says_so_and_costs_nothing(own: Bed) -> None:
    """A message at a session's very beginning needs no transcript."""
    live = sessions.live(own.db, SessionState.LIVE)
    assert live
    app.engine_of(own.settings).transcript(live.id).unlink()
    first, second = replay(own, wanted=Wanted(Selection(ids=(1, 2)), 1))
    assert first.agrees is True
    assert (second.agrees, second.cost_usd) == (None, 0.0)
    assert "does not hold any more what was before the message" in second.failure


@pytest.mark.exhaustive
def test_a_turn_that_could_break_a_cap_is_not_put(worked: Bed) -> None:
    """What a replay costs counts in the caps, and the service's next turn keeps its place in them."""
    since = worked.entries[0].message.received_at.replace(year=2000)
    spent = turns.spent_since(worked.db, since)
    worked.sections["limits"] = f"dollars_per_turn = 0.02\ndollars_per_day = {spent + 0.046:f}"
    rows = replay(worked, wanted=Wanted(ALL, 1))
    assert rows[0].agrees is True
    assert rows[-1].failure == "not put: it could break limits.dollars_per_day"
    assert rows[-1].cost_usd == 0.0
    total = turns.spent_since(worked.db, since)
    assert total == pytest.approx(spent + sum(row.cost_usd or 0 for row in rows))
    assert total + 0.02 <= spent + 0.046


@pytest.mark.exhaustive
def test_the_service_waits_a_while_only_for_what_a_replay_holds(own: Bed) -> None:
    """Most of what is reserved comes back: it would be wrong to pause until the cap's window ends."""
    turn = turns.in_state(own.db, TurnState.SETTLED)[0]
    spent = turns.spent_since(own.db, turn.started_at.replace(year=2000))
    own.sections["limits"] = f"dollars_per_turn = 0.5\ndollars_per_day = {spent + 0.6:f}"
    row = replays.begin(own.db, Replay(of_live_session=False, place="held", wanted=1, variants=["v"],
                                       started_at=turn.started_at))  # fmt: skip
    held = ReplayTurn(replay_id=row.id or 0, message_id=1, session_id=turn.session_id, variant="v", model="m",
                      state=TurnState.OPEN, reserved_usd=0.5, started_at=turn.started_at)  # fmt: skip
    deliver(own, 1, first=4)
    held = replays.open_turn(own.db, [], lambda: held)

    def is_paused(db: Database) -> bool:
        return any(row.paused and "a replay or a specialist holds" in row.reason for row in service.conditions(db))

    place = own.state.agent / "forks" / "held"
    place.mkdir()
    descriptor = os.open(place / "lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        own.run(is_paused)
        held.cost_usd, held.state = 0.01, TurnState.SETTLED
        replays.close_turn(own.db, held, TurnState.OPEN)
        own.work(5)
    finally:
        os.close(descriptor)


def test_a_turn_that_fails_is_not_judged_and_its_charge_is_kept(worked: Bed) -> None:
    """An error of the API says nothing of the variant."""
    worked.faults.always = 500
    (row,) = replay(worked, wanted=Wanted(Selection(ids=(1,)), 1))
    assert (row.state, row.agrees, row.failure) == (TurnState.DROPPED, None, "the API is not available (HTTP 500)")
    assert row.cost_usd == row.reserved_usd


@pytest.mark.exhaustive
def test_what_a_replay_left_open_is_closed_at_the_next_start(own: Bed) -> None:
    """Its process has ended: its forks are cleared away, its charge is kept."""
    replay(own, wanted=Wanted(Selection(ids=(1,)), 1))
    (row,) = replays.newest(own.db)
    with own.db.write() as session:
        session.connection().execute(update(ReplayTurn).values(state=TurnState.OPEN, cost_usd=None))
        session.connection().execute(update(Replay).values(ended_at=None))
    place = own.state.agent / "forks" / row.place
    place.mkdir()
    (place / "mail.jsonl").write_text("a mail", encoding="utf-8")
    own.work(4)
    ((closed, _message),) = replays.results(own.db, row.id or 0)
    assert (closed.state, closed.cost_usd, closed.failure) == (TurnState.DROPPED, 0.5, "the replay ended during it")
    assert replays.newest(own.db)[0].ended_at
    assert not place.exists()


@pytest.mark.exhaustive
def test_leftovers_that_cannot_be_cleared_away_do_not_keep_the_service_from_starting(
    own: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root has replayed once, for one: it is told, and the work goes on."""

    def refuse(_home: Path) -> list[str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(forks, "clear", refuse)
    deliver(own, 1, first=4)
    assert "replays_not_cleared" in [event["event"] for event in own.work(5)]


def test_a_turn_that_was_paid_for_is_charged_though_its_engine_ends_badly(
    worked: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model said counts: the engine is only ended afterwards."""
    abandon = Session.abandon

    async def badly(session: Session) -> None:
        await abandon(session)
        message = "it did not let go"
        raise EngineError(message)

    monkeypatch.setattr(Session, "abandon", badly)
    (row,) = replay(worked, wanted=Wanted(Selection(ids=(1,)), 1))
    assert row.agrees is True
    assert row.cost_usd


@pytest.mark.exhaustive
def test_one_fork_that_stumbles_does_not_end_the_others(worked: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours is one line in the table."""
    forking = transcript.fork

    def stumbling(source: Path, head: Head, target: Path) -> Head:
        if "/2-" in str(target):
            raise ZeroDivisionError
        return forking(source, head, target)

    monkeypatch.setattr(transcript, "fork", stumbling)
    rows = replay(worked, wanted=Wanted(Selection(ids=(2, 3)), 1))
    assert [row.agrees for row in rows] == [None, True]
    assert rows[0].failure == "clerkd stumbled over it (ZeroDivisionError); please report this"
    assert rows[0].cost_usd == rows[0].reserved_usd


@pytest.mark.exhaustive
def test_what_is_done_with_every_mail_is_no_part_of_the_comparison(bed: Bed) -> None:
    """The model has no part in it, and the config may have changed since."""
    bed.sections["mailbox"] = 'handled_flag = "$Clerkd"'
    deliver(bed, 1)
    bed.work(1)
    bed.sections["mailbox"] = ""
    (row,) = replay(bed)
    assert row.agrees is True


def test_the_decision_log_shows_no_replay(worked: Bed) -> None:
    """What a fork decided is no decision."""
    before = [entry.decision for entry in worked.entries]
    replay(worked, wanted=Wanted(Selection(ids=(1,)), 1))
    assert [entry.decision for entry in worked.entries] == before
    assert is_through(worked.db, 4)
    assert decisions.turns_of(worked.db, 1) == [turns.in_state(worked.db, TurnState.SETTLED)[0]]
