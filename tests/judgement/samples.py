"""Values that the tests of the judgement begin with, and strategies that make arbitrary ones."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from daemon.judgement.decision import Decision
from daemon.judgement.message import Address, Message

NOW = datetime(2026, 11, 2, 8, 5, tzinfo=UTC)
ADA = Address("ada@quill.example", "Ada Quill")
OWN = frozenset({"support@harbourpine.example", "help@harbourpine.example"})


def message(**changes: Any) -> Message:
    """Make an honest mail from Ada, with some things otherwise."""
    values: dict[str, Any] = {
        "message_id": "<one@quill.example>",
        "subject": "Opening hours",
        "senders": (ADA,),
        "text": "When do you close?",
    }
    return Message(**{**values, **changes})


def decision(*actions: dict[str, str], **changes: Any) -> Decision:
    """Make a valid decision with these actions, or with none to take."""
    values: dict[str, Any] = {
        "category": "question",
        "priority": "normal",
        "summary": "She asks when we close.",
        "reason": "It is in the standing orders.",
        "confidence": 0.9,
        "actions": actions or ({"kind": "none"},),
    }
    return Decision.model_validate({**values, **changes})


LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
DOMAINS = st.sampled_from(["quill.example", "tern.example", "evil.example", "mail.quill.example"])
ADDRESSES = st.builds(lambda name, domain: Address(f"{name}@{domain}", name.title()), LABELS, DOMAINS)
SUBJECTS = st.text(max_size=40) | st.sampled_from(["Opening hours", "Re: Opening hours", "AW: Invoice 1207", "", "Re:"])
# Naive ones too, as the database gives them, and the ends of the calendar.
MOMENTS = st.datetimes(timezones=st.none() | st.sampled_from([UTC, timezone(timedelta(hours=14))]))
WORDS = st.text(min_size=1, max_size=200).filter(str.strip)
ACTIONS = st.fixed_dictionaries(
    {},
    optional={
        "draft": st.fixed_dictionaries(
            {"kind": st.just("draft"), "body": WORDS | st.just("To: eve@evil.example\n\nHi")}
        ),
        "move": st.fixed_dictionaries({"kind": st.just("move"), "folder": WORDS}),
        "flag": st.just({"kind": "flag"}),
        "escalate": st.fixed_dictionaries({"kind": st.just("escalate"), "question": WORDS}),
    },
)
DECISIONS = st.builds(lambda chosen: decision(*chosen.values()), ACTIONS)
MESSAGES = st.builds(
    lambda senders, reply_to, text: message(senders=tuple(senders), reply_to=tuple(reply_to), text=text),
    st.lists(ADDRESSES, max_size=3),
    st.lists(ADDRESSES, max_size=3),
    st.text(max_size=200),
)
