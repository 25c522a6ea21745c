"""The transcripts in a session store: another machine goes on; what fails is shown, caught up with, or waited for."""

import asyncio
import json
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from daemon import app
from daemon.agent.store.base import Place
from daemon.agent.store.kinds import store_of
from daemon.errors import FatalError
from daemon.judgement.states import OrderState, SessionState, TurnState
from daemon.premises import is_held
from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body
from knowledge import service, sessions, turns
from knowledge.database import Database
from knowledge.tables import AgentSession
from tests import databases
from tests.bed import (
    Bed,
    end,
    is_through,
    mail,
    prompts_in_transcript,
    settled_prompts,
    stored,
    subjects_in_last_request,
    wait_for,
)
from tests.conftest import need

PEOPLE = ("Ada Quill <ada@quill.example>", "Bo Tern <bo@tern.example>", "Cy Vane <cy@vane.example>")


def deliver(bed: Bed, *subjects: str) -> None:
    """Deliver mails of several people."""
    for subject in subjects:
        bed.server.deliver(mail(subject, sender=PEOPLE[len(subject) % 3]))


def live(bed: Bed) -> AgentSession:
    """Give the live session."""
    found = sessions.live(bed.db, SessionState.LIVE)
    assert found
    return found


def keep_in(bed: Bed, store: str) -> None:
    """Configure a session store, by its lines in the config."""
    bed.sections["session"] = f"{bed.sections.get('session', '')}\n[session.store]\n{store}"


def redis_at(port: int, *, required: bool = False) -> str:
    """Write the config of a Redis that may be away."""
    secret = f'{{ command = ["printf", "{databases.PASSWORD}"] }}'
    lines = (f'url = "redis://127.0.0.1:{port}/0"', f"required = {str(required).lower()}", "timeout_seconds = 1")
    return "\n".join([*lines, f"password = {secret}"])


def work(bed: Bed, count: int) -> list[str]:
    """Work until so many messages are through and the store has all of it; give the events' names."""
    return [event["event"] for event in bed.run(lambda db: is_through(db, count) and sessions.unmirrored(db) == [])]


def settled(bed: Bed, row: AgentSession) -> bytes:
    """Give what is settled of a session's transcript."""
    return app.engine_of(bed.settings).transcript(row.id).read_bytes()[: row.head_offset]


def other_machine(bed: Bed, root: Path) -> Bed:
    """Set up another machine with a backup of the knowledge database, and nothing else of the first one's disk."""
    state = root / "state"
    state.mkdir(parents=True, mode=0o700)
    with sqlite3.connect(bed.state.database) as original, sqlite3.connect(state / "knowledge.db") as backup:
        original.backup(backup)
    original.close()
    backup.close()
    return Bed(root, bed.server, bed.model, bed.faults, dict(bed.sections))


@pytest.fixture
def redis() -> Iterator[ExitStack]:
    """Give a stack to run Redis on."""
    need(databases.REDIS, "redis is not installed (Debian: redis-server)")
    with ExitStack() as stack:
        yield stack


@pytest.fixture(
    params=["sqlite", *(pytest.param(kind, marks=pytest.mark.exhaustive) for kind in ("postgresql", "redis", "s3"))]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Run a store of each kind, and give its lines in the config."""
    (tmp_path / "store-password").write_text(databases.PASSWORD, encoding="utf-8")
    secret = f'{{ file = "{tmp_path}/store-password" }}'
    with ExitStack() as stack:
        match request.param:
            case "sqlite":
                yield f'url = "sqlite:///{tmp_path}/transcripts.db"'
            case "postgresql":
                need(databases.POSTGRES, "postgresql is not installed (Debian: postgresql)")
                yield f'url = "{stack.enter_context(databases.postgres())}"\npassword = {secret}'
            case "redis":
                need(databases.REDIS, "redis is not installed (Debian: redis-server)")
                yield f'url = "{stack.enter_context(databases.redis())}"\npassword = {secret}'
            case _:
                endpoint = stack.enter_context(databases.s3())
                keys = f'region = "us-east-1"\naccess_key = "k"\nsecret_key = {secret}\nendpoint = "{endpoint}"'
                yield f'url = "s3://{databases.BUCKET}/clerkd"\n{keys}'


def test_another_machine_goes_on_with_the_conversation(bed: Bed, store: str, tmp_path: Path) -> None:
    """The first one's disk is gone; with a backup of the knowledge database, the session is the same one."""
    keep_in(bed, store)
    deliver(bed, "First", "Second")
    work(bed, 2)
    before = live(bed)
    assert stored(bed, before.id) == settled(bed, before)
    other = other_machine(bed, tmp_path / "other")
    shutil.rmtree(bed.state.root)
    deliver(other, "Third")
    assert "session_fetched" in work(other, 3)
    assert live(other).id == before.id
    assert subjects_in_last_request(other) == ["First", "Second", "Third"]
    assert prompts_in_transcript(other) == settled_prompts(other)
    assert stored(other, before.id) == settled(other, live(other))


@pytest.mark.exhaustive
def test_a_dropped_turn_never_reaches_the_store(bed: Bed, tmp_path: Path) -> None:
    """What is copied is what is settled: else the other machine would know a mail that was never decided."""
    keep_in(bed, f'url = "sqlite:///{tmp_path}/transcripts.db"\nrequired = true')
    bed.faults.coming = ["ok", "ok", "cut"]
    deliver(bed, "First", "Second")
    work(bed, 2)
    assert len(turns.in_state(bed.db, TurnState.DROPPED)) == 1
    assert stored(bed, live(bed).id) == settled(bed, live(bed))


@pytest.mark.exhaustive
def test_compactions_rotations_and_rollbacks_are_copied_too(bed: Bed, tmp_path: Path) -> None:
    """Each session of the chain as it stands; a rollback on a machine without transcripts brings them back."""
    bounds = ("compact_at_tokens = 10000", "rotate_at_tokens = 19000", "handover_tokens = 1000", "most_messages = 3")
    bed.sections["session"] = "\n".join(bounds)
    keep_in(bed, f'url = "sqlite:///{tmp_path}/transcripts.db"')
    for number in range(5):
        bed.server.deliver(mail(f"Mail {number}", "When do you open? " * 900, PEOPLE[number % 3]))
    work(bed, 5)
    chain = sessions.chain(bed.db)
    assert len(chain) > 1
    for row in chain:
        assert stored(bed, row.id) == (settled(bed, row) if row.head_uuid else b"")
    shutil.rmtree(bed.state.agent)
    order = service.leave_order(bed.db, "roll back", "2", OrderState.WAITING, bed.entries[0].message.received_at)

    def is_done(db: Database) -> bool:
        row = service.order(db, order)
        return row is not None and row.state != OrderState.WAITING and sessions.unmirrored(db) == []

    bed.run(is_done)
    closed = service.order(bed.db, order)
    assert closed
    assert closed.state == OrderState.DONE, closed.outcome
    assert live(bed).id == chain[-1].id
    assert stored(bed, live(bed).id) == settled(bed, live(bed))


@pytest.mark.exhaustive
def test_a_store_that_is_away_is_shown_and_caught_up_with(bed: Bed, redis: ExitStack) -> None:
    """The work goes on meanwhile; a store that comes back empty gets everything."""
    port = databases.free_port()
    keep_in(bed, redis_at(port))
    deliver(bed, "First", "Second")
    bed.work(2)
    assert [row.mirrored_offset for row in sessions.unmirrored(bed.db)] == [0]
    (condition,) = [row for row in service.conditions(bed.db) if row.part == "store"]
    assert condition.paused
    assert "the session store cannot be used" in condition.reason
    redis.enter_context(databases.redis(port))
    events = work(bed, 2)
    assert "paused" not in events
    assert stored(bed, live(bed).id) == settled(bed, live(bed))


@pytest.mark.exhaustive
def test_no_turn_begins_while_a_required_store_is_away(bed: Bed, redis: ExitStack) -> None:
    """It would not settle: nothing is asked, nothing is paid, and it goes on by itself."""
    port = databases.free_port()
    keep_in(bed, redis_at(port, required=True))
    deliver(bed, "First")

    def is_paused_twice(db: Database) -> bool:
        return any(row.part == "store" and row.tries > 1 for row in service.conditions(db))

    bed.run(is_paused_twice)
    assert bed.model.seen == []
    assert bed.state_of(1) == "screened"
    redis.enter_context(databases.redis(port))
    work(bed, 1)
    assert [entry.message.attempts for entry in bed.entries] == [1]
    assert stored(bed, live(bed).id) == settled(bed, live(bed))


@pytest.mark.exhaustive
def test_a_turn_does_not_settle_without_a_required_store(bed: Bed, redis: ExitStack) -> None:
    """The store goes away during the turn: it is dropped, charged, counted against nobody, and asked again later."""
    port = databases.free_port()
    keep_in(bed, redis_at(port, required=True))
    server = ExitStack()
    server.enter_context(databases.redis(port))

    def breaking(body: Body) -> Answer:
        server.close()
        return rules.decide(body)

    bed.model.rules = breaking
    deliver(bed, "First")
    bed.run(lambda db: len(turns.in_state(db, TurnState.DROPPED)) == 1)
    (dropped,) = turns.in_state(bed.db, TurnState.DROPPED)
    assert dropped.failure == "the turn did not reach the session store"
    assert dropped.cost_usd
    assert turns.in_state(bed.db, TurnState.SETTLED) == []
    bed.model.rules = rules.decide
    redis.enter_context(databases.redis(port))
    work(bed, 1)
    assert [entry.message.attempts for entry in bed.entries] == [1]
    assert subjects_in_last_request(bed) == ["First"]
    assert stored(bed, live(bed).id) == settled(bed, live(bed))


@pytest.mark.exhaustive
def test_a_daemon_that_no_longer_holds_the_session_settles_nothing_more(bed: Bed, tmp_path: Path) -> None:
    """It was thought dead: another one has gone on meanwhile; its work stops, and says why, until a person decides."""
    keep_in(bed, f'url = "sqlite:///{tmp_path}/transcripts.db"\nrequired = true')
    deliver(bed, "First")
    process = bed.start()
    wait_for(lambda: bed.through(1) and sessions.unmirrored(bed.db) == [], what="the first mail")
    other = other_machine(bed, tmp_path / "other")
    deliver(other, "Second")
    other.sections["service"] = ""
    process.send_signal(19)  # SIGSTOP: the other one works alone for a while
    work(other, 2)
    copied = stored(other, live(other).id)
    process.send_signal(18)

    def is_taken() -> bool:
        return any(row.part == "store" and row.kind == "taken" for row in service.conditions(bed.db))

    wait_for(is_taken, what="the refusal")
    assert end(process) == 0
    assert len(turns.in_state(bed.db, TurnState.SETTLED)) == 1
    assert stored(other, live(other).id) == copied
    shown = bed.clerkd("status", "--config", str(bed.config))
    assert bed.clerkd("check", "--config", str(bed.config)).stdout.count("session store") == 1
    assert shown.returncode == 1


@pytest.mark.exhaustive
def test_a_machine_that_lost_the_session_goes_on_with_it_at_a_persons_word_alone(bed: Bed, tmp_path: Path) -> None:
    """Its restart is refused and works nothing; `clerkd session take` gives it back, and the other one is refused."""
    keep_in(bed, f'url = "sqlite:///{tmp_path}/transcripts.db"\nrequired = true')
    deliver(bed, "First")
    work(bed, 1)
    other = other_machine(bed, tmp_path / "other")
    deliver(other, "Second")
    work(other, 2)

    def is_taken(db: Database) -> bool:
        return any(row.part == "store" and row.kind == "taken" for row in service.conditions(db))

    bed.run(is_taken)
    assert len(turns.in_state(bed.db, TurnState.SETTLED)) == 1
    said = bed.clerkd("session", "take", "--config", str(bed.config))
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("this clerkd takes the session over in the session store with its next copy")
    work(bed, 2)
    assert len(turns.in_state(bed.db, TurnState.SETTLED)) == 2
    assert stored(bed, live(bed).id) == settled(bed, live(bed))
    other.run(is_taken)


@pytest.mark.exhaustive
def test_where_there_is_no_store_nothing_can_be_taken(bed: Bed) -> None:
    """The command says so."""
    bed.prepare()
    said = bed.clerkd("session", "take", "--config", str(bed.config))
    assert (said.returncode, said.stdout) == (2, "")
    assert "there is no session store in the config: nothing can be taken over" in said.stderr


@pytest.mark.exhaustive
def test_a_store_that_lags_behind_sets_the_other_machine_back_to_what_it_has(bed: Bed, tmp_path: Path) -> None:
    """The last turn is briefed, as after a power loss, and no mail is worked twice."""
    keep_in(bed, f'url = "sqlite:///{tmp_path}/transcripts.db"')
    deliver(bed, "First")
    work(bed, 1)
    lagging = dict(bed.sections)
    bed.sections["session"] = ""
    deliver(bed, "Second")
    bed.work(2)
    other = other_machine(bed, tmp_path / "other")
    other.sections = lagging
    deliver(other, "Third")
    assert "session_set_back" in work(other, 3)
    assert subjects_in_last_request(other) == ["First", "Third"]
    prompt = other.entries[2].turn.prompt if other.entries[2].turn else ""
    assert "Second -> question" in prompt
    assert stored(other, live(other).id) == settled(other, live(other))


@pytest.mark.exhaustive
@pytest.mark.parametrize("required", ["false", "true"])
def test_a_turn_that_ends_after_the_wish_to_stop_is_copied(bed: Bed, tmp_path: Path, required: str) -> None:
    """The machine may never start again: the store is there until the last worker is through, and takes its turn."""
    keep_in(bed, f'url = "sqlite:///{tmp_path}/transcripts.db"\nrequired = {required}')
    process = bed.start()
    wait_for(lambda: is_held(bed.state), what="the start")
    bed.faults.always = "slow"
    deliver(bed, "First")
    wait_for(lambda: bed.faults.under_way == 1, what="the turn")
    assert end(process) == 0, bed.log_text
    assert len(turns.in_state(bed.db, TurnState.SETTLED)) == 1
    assert sessions.unmirrored(bed.db) == []
    assert stored(bed, live(bed).id) == settled(bed, live(bed))


@pytest.mark.exhaustive
def test_a_session_is_not_given_up_because_the_store_is_away(bed: Bed, redis: ExitStack, tmp_path: Path) -> None:
    """On a machine without the transcript nobody knows yet: the work waits, and goes on in the same conversation."""
    port = databases.free_port()
    keep_in(bed, redis_at(port))
    server = ExitStack()
    server.enter_context(databases.redis(port))
    deliver(bed, "First")
    work(bed, 1)
    copied = stored(bed, live(bed).id)
    server.close()
    other = other_machine(bed, tmp_path / "other")
    deliver(other, "Second")

    def is_paused_twice(db: Database) -> bool:
        return any(row.part == "model" and row.tries > 1 for row in service.conditions(db))

    assert "session_lost" not in [event["event"] for event in other.run(is_paused_twice)]
    redis.enter_context(databases.redis(port))
    put_back(other, live(bed).id, copied)
    work(other, 2)
    assert live(other).id == live(bed).id
    assert subjects_in_last_request(other) == ["First", "Second"]


def put_back(bed: Bed, session: str, transcript: bytes) -> None:
    """Give a store that came back empty what it had."""

    async def write() -> None:
        wanted = bed.settings.session.store
        assert wanted
        store = store_of(wanted)
        await store.add(Place(app.project_of(bed.settings), session), transcript.decode().splitlines())
        await store.close()

    asyncio.run(write())


@pytest.mark.exhaustive
def test_no_turn_is_paid_for_while_a_required_store_can_only_be_read(bed: Bed, redis: ExitStack) -> None:
    """It would be dropped, again and again: what is asked of the store before a turn is a write."""
    port = databases.free_port()
    keep_in(bed, redis_at(port, required=True))
    redis.enter_context(databases.redis(port))
    deliver(bed, "First")
    work(bed, 1)
    client = Redis.from_url(f"redis://127.0.0.1:{port}/0", password=databases.PASSWORD)
    client.config_set("maxmemory", 1)
    asked = len(bed.model.seen)
    deliver(bed, "Second")

    def is_paused_often(db: Database) -> bool:
        return any(row.part == "store" and row.tries > 2 for row in service.conditions(db))

    bed.run(is_paused_often)
    assert len(bed.model.seen) <= asked + 2  # at most the one turn in which it was found out
    client.config_set("maxmemory", 0)
    client.close()
    work(bed, 2)
    assert stored(bed, live(bed).id) == settled(bed, live(bed))


@pytest.mark.exhaustive
def test_a_transcript_that_cannot_be_copied_keeps_no_other_from_it(bed: Bed, tmp_path: Path) -> None:
    """An ended session's was cut short by a power loss: it is told once, and the live one is copied."""
    bed.sections["session"] = "most_messages = 1"
    deliver(bed, "First", "Second")
    bed.work(2)
    ended = sessions.chain(bed.db)[-1]
    path = app.engine_of(bed.settings).transcript(ended.id)
    path.write_bytes(path.read_bytes()[:100])
    keep_in(bed, f'url = "sqlite:///{tmp_path}/transcripts.db"')
    deliver(bed, "Third")
    events = [
        event["event"]
        for event in bed.run(lambda db: is_through(db, 3) and [row.id for row in sessions.unmirrored(db)] == [ended.id])
    ]
    assert events.count("session_not_mirrored") == 1
    assert "paused" not in events


@pytest.mark.exhaustive
@pytest.mark.usefixtures("redis")
def test_a_rollback_says_that_the_store_is_away(bed: Bed) -> None:
    """The transcript may be there: to rotate would throw the conversation away for a blip."""
    port = databases.free_port()
    keep_in(bed, redis_at(port))
    server = ExitStack()
    server.enter_context(databases.redis(port))
    deliver(bed, "First", "Second")
    work(bed, 2)
    server.close()
    shutil.rmtree(bed.state.agent)
    order = service.leave_order(bed.db, "roll back", "2", OrderState.WAITING, bed.entries[0].message.received_at)
    bed.run(lambda db: (service.order(db, order) or service.orders(db, "")[0]).state != OrderState.WAITING)
    closed = service.order(bed.db, order)
    assert closed
    assert closed.state == OrderState.REFUSED
    assert "is not here, and the session store cannot be used" in closed.outcome
    assert closed.outcome.endswith("try again")


def test_the_service_says_which_client_is_missing(bed: Bed) -> None:
    """Redis and S3 are extras."""
    for url, extra in (("redis://127.0.0.1:6379/0", "redis"), ("s3://bucket", "s3")):
        keep_in(bed, f'url = "{url}"')
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, f"daemon.agent.store.{extra}", None)
            with pytest.raises(FatalError, match=re.escape(f"pip install 'clerkd[{extra}]'")):
                app.mirror_of(bed.settings)
        bed.sections.clear()


@pytest.mark.exhaustive
def test_session_show_tells_how_far_the_copy_is(bed: Bed, tmp_path: Path) -> None:
    """In bytes of what is settled, on the terminal and as JSON."""
    keep_in(bed, f'url = "sqlite:///{tmp_path}/transcripts.db"')
    deliver(bed, "First")
    work(bed, 1)
    size = live(bed).head_offset
    shown = bed.clerkd("session", "show", live(bed).id, "--config", str(bed.config)).stdout
    assert f"the session store has {size} of its {size} bytes" in " ".join(shown.split())
    record = json.loads(bed.clerkd("session", "show", live(bed).id, "--json", "--config", str(bed.config)).stdout)
    assert (record["mirrored_bytes"], record["settled_bytes"]) == (size, size)


@pytest.mark.exhaustive
def test_check_tries_the_store_and_leaves_its_holder_alone(bed: Bed, redis: ExitStack) -> None:
    """It writes and reads beside the service's sessions; one that is away is told."""
    port = databases.free_port()
    keep_in(bed, redis_at(port))
    away = bed.clerkd("check", "--config", str(bed.config))
    assert "FAIL  session store: the session store cannot be used" in away.stdout
    redis.enter_context(databases.redis(port))
    deliver(bed, "First")
    process = bed.start()
    wait_for(lambda: bed.through(1) and sessions.unmirrored(bed.db) == [], what="the first mail")
    shown = bed.clerkd("check", "--config", str(bed.config))
    assert f"ok    session store: redis://127.0.0.1:{port}/0, not required" in shown.stdout
    deliver(bed, "Second")
    wait_for(lambda: bed.through(2) and sessions.unmirrored(bed.db) == [], what="the second mail")
    assert end(process) == 0
    assert stored(bed, live(bed).id) == settled(bed, live(bed))
