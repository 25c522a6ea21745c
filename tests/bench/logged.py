"""A decision log that is made up, as large as is asked for, and written in bulk, past what a service does."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from sqlalchemy import Engine
from sqlmodel import SQLModel

from knowledge.tables import Action, AgentSession, Case, Decision, Message, Person, PersonAddress, RawMail, Turn

FIRST = datetime(2010, 11, 21, tzinfo=UTC)
BATCH = 10_000
SOUNDS = [first + last for first in "bdfghklmnprstvwz" for last in ("a", "e", "i", "o", "u", "an", "er", "ing", "on")]
CATEGORIES = {"newsletter": 25, "question": 22, "order": 18, "spam": 12, "invoice": 10, "complaint": 8, "refund": 4,
              "outage": 1}  # fmt: skip
RULES = {"newsletter", "spam"}  # filed without the model
STATES = {"done": 930, "escalated": 45, "held": 15, "decided": 8, "failed": 2}
PROMPT = "The mail stands between the marks. " * 30
Rows = list[tuple[Any, ...]]


class Log:
    """Makes the same log each time that it is asked for the same size."""

    def __init__(self, size: int) -> None:
        """Think up words, senders and categories."""
        self.size = size
        self._chance = random.Random(7)
        self.words = list(dict.fromkeys(self._word() for _ in range(60_000)))
        self._weights = list(accumulate(1 / (place + 2) for place in range(len(self.words))))
        self.domains = [f"{self._word()}.example" for _ in range(max(size // 200, 5))]
        self.people = [self._person() for _ in range(max(size // 25, 10))]
        self._activity = list(accumulate(1 / (place + 3) for place in range(len(self.people))))
        self._step = timedelta(days=16 * 365) / size

    def write(self, engine: Engine) -> None:
        """Write it into an empty database of this program's schema."""
        is_sqlite = engine.dialect.name == "sqlite"
        with engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            # Nobody looks up the references.
            raw.execute("PRAGMA foreign_keys=OFF" if is_sqlite else "SET session_replication_role = replica")
            raw.execute("BEGIN" if is_sqlite else "SELECT 1")
            for table, rows in self._rows():
                (_write if is_sqlite else _copy)(raw, table, rows)
            raw.commit()

    def at(self, number: int) -> datetime:
        """Say when a message was concluded."""
        return FIRST + number * self._step

    def said(self, count: int) -> str:
        """Say something, the words as common as words are."""
        return " ".join(self._chance.choices(self.words, cum_weights=self._weights, k=count))

    def _word(self) -> str:
        return "".join(self._chance.choices(SOUNDS, k=self._chance.choice((1, 2, 2, 3, 3, 4))))

    def _person(self) -> tuple[str, str]:
        first, last = self._word(), self._word()
        address = f"{first}.{last}{self._chance.randrange(100)}@{self._chance.choice(self.domains)}"
        return f"{first} {last}".title(), address

    def _rows(self) -> Iterator[tuple[type[SQLModel], Rows]]:
        yield RawMail, [("0" * 64, 1, b"x")]
        yield AgentSession, [_tuple(AgentSession(id="one", state="live", generation=1, model="m", orders_digest="d",
                                                 created_at=FIRST))]  # fmt: skip
        yield (
            Person,
            [
                _tuple(Person(id=number, name=name, first_seen_at=FIRST, last_seen_at=FIRST))
                for number, (name, _) in enumerate(self.people, start=1)
            ],
        )
        addresses = {address: number for number, (_, address) in enumerate(self.people, start=1)}
        yield PersonAddress, list(addresses.items())
        yield Case, [_tuple(Case(id=1, subject="", opened_at=FIRST, updated_at=FIRST))]
        for start in range(1, self.size + 1, BATCH):
            numbers = range(start, min(start + BATCH, self.size + 1))
            yield from self._batch(numbers)

    def _batch(self, numbers: Sequence[int]) -> Iterator[tuple[type[SQLModel], Rows]]:
        chance = self._chance
        categories = chance.choices(list(CATEGORIES), list(CATEGORIES.values()), k=len(numbers))
        states = chance.choices(list(STATES), list(STATES.values()), k=len(numbers))
        senders = chance.choices(range(len(self.people)), cum_weights=self._activity, k=len(numbers))
        found: dict[type[SQLModel], Rows] = {Message: [], Turn: [], Decision: [], Action: []}
        for number, category, state, sender in zip(numbers, categories, states, senders, strict=True):
            self._message(found, number, category, state, sender)
        yield from found.items()

    def _message(self, found: dict[type[SQLModel], Rows], number: int, category: str, state: str, sender: int) -> None:
        name, address = self.people[sender]
        now, undecided = _time(self.at(number)), state in {"held", "failed"} and number % 2
        order = f" {self._chance.choice('QRST')}-{self._chance.randrange(10_000, 10_000 + self.size)}"
        subject = self.said(self._chance.randrange(3, 8)) + (order if number % 3 == 0 else "")
        reason = f"{self.said(6)}" if state in {"held", "failed"} else ""
        message = {"id": number, "uid": number, "message_id": f"<{number}@mail.example>", "subject": subject,
                   "sender_address": address, "sender_name": name, "person_id": sender + 1, "case_id": 1,
                   "received_at": now, "state": state, "reason": reason, "updated_at": now}  # fmt: skip
        found[Message].append((*(MESSAGE | message).values(),))
        if undecided:
            return
        turn = None if category in RULES else number
        if turn:
            found[Turn].append((*(TURN | {"id": number, "message_id": number, "prompt_uuid": f"u{number}"}).values(),))
        decision = {"id": number, "message_id": number, "turn_id": turn, "category": category,
                    "summary": f"{self.said(14)}{order}.", "reason": self.said(12), "decided_at": now}  # fmt: skip
        found[Decision].append((*(DECISION | decision).values(),))
        action = {"id": number, "message_id": number, "decision_id": number, "created_at": now, "updated_at": now}
        found[Action].append((*(ACTION | action).values(),))


def _tuple(row: SQLModel) -> tuple[Any, ...]:
    return (*_plain(row).values(),)


def _plain(row: SQLModel) -> dict[str, Any]:
    """Give a row as both databases take it raw: times as text, lists as JSON."""
    values = {name: getattr(row, name) for name in type(row).model_fields}
    return {
        name: _time(value) if isinstance(value, datetime) else "[]" if isinstance(value, list) else value
        for name, value in values.items()
    }


def _time(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(" ", "microseconds")


def _write(raw: Any, table: type[SQLModel], rows: Rows) -> None:
    marks = ", ".join("?" * len(table.model_fields))
    raw.executemany(f"INSERT INTO {table.__tablename__} ({_names(table)}) VALUES ({marks})", rows)


def _names(table: type[SQLModel]) -> str:
    return ", ".join(f'"{name}"' for name in table.model_fields)


def _copy(raw: Any, table: type[SQLModel], rows: Rows) -> None:
    with raw.cursor() as cursor, cursor.copy(f"COPY {table.__tablename__} ({_names(table)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


MESSAGE = _plain(
    Message(mailbox="support@imap.example", folder="INBOX", uidvalidity=1, uid=0, sha256="0" * 64, size=1, state="",
            received_at=FIRST, updated_at=FIRST)
)  # fmt: skip
TURN = _plain(
    Turn(message_id=0, session_id="one", generation=1, attempt=1, prompt_uuid="", prompt=PROMPT, state="settled",
         model="claude-sonnet-5", reserved_usd=0.5, cost_usd=0.01, started_at=FIRST)
)  # fmt: skip
DECISION = _plain(
    Decision(message_id=0, category="", priority="normal", summary="", reason="", confidence=0.9, decided_at=FIRST)
)
ACTION = _plain(
    Action(message_id=0, ordinal=0, kind="draft", content=b"Dear customer, " * 20, digest="d", rule="default: draft",
           state="sent", created_at=FIRST, updated_at=FIRST)
)  # fmt: skip
