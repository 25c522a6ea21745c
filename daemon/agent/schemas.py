"""How the tools describe their arguments to the model. They never change within a session (prompt cache)."""

from collections.abc import Sequence
from typing import Any

from daemon.judgement.decision import (
    LONGEST_BODY,
    LONGEST_ISSUE,
    LONGEST_PROMISE,
    MOST_ACTIONS,
    MOST_PROMISES,
    Latitude,
    Priority,
)
from daemon.judgement.facts import LONGEST_FACT, LONGEST_QUOTE, SHORTEST_QUOTE
from daemon.judgement.handoffs import LONGEST_BRIEF, LONGEST_WHY, Specialist

Content = dict[str, Any]
LONGEST_NOTE = 300  # characters
TO_HAND_OVER = "Hand this case to one who reports later, in a message of its own; decide on this mail all the same."
SLOW = " (a person, who may take days)"

NOTHING: Content = {"type": "object", "properties": {}, "additionalProperties": False}
QUERY: Content = {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}
PAGE: Content = {"type": "object", "properties": {"page": {"type": "integer", "minimum": 1}}}
QUOTE: Content = {
    "type": "string",
    "minLength": SHORTEST_QUOTE,
    "maxLength": LONGEST_QUOTE,
    "description": "the very words of this mail that it rests on",
}
DAY: Content = {"type": "string", "format": "date"}
REMEMBER: Content = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "maxLength": LONGEST_FACT, "description": "the fact, in one sentence"},
        "kind": {"type": "string", "enum": ["preference", "commitment", "identity", "circumstance"]},
        "quote": QUOTE,
        "valid_from": DAY,
        "valid_to": DAY,
        "relation": {"type": "string", "enum": ["add", "supersede", "same"], "description": "to facts that stand near"},
        "fact": {"type": "integer", "description": "the number of the fact that it supersedes, or says the same as"},
    },
    "required": ["text", "kind", "quote"],
}
CORRECT: Content = {
    "type": "object",
    "properties": {
        "fact": {"type": "integer", "description": "the number of the fact, as shown above the mail"},
        "quote": QUOTE,
        "text": {"type": "string", "maxLength": LONGEST_FACT, "description": "what is true now; empty: nothing"},
        "valid_from": DAY,
        "valid_to": DAY,
    },
    "required": ["fact", "quote"],
}
NOTES: Content = {
    "type": "object",
    "properties": {
        "notes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "case": {"type": "integer", "description": "the number of a case that you were asked about"},
                    "note": {"type": "string", "maxLength": LONGEST_NOTE, "description": "what is not in the records"},
                },
                "required": ["case", "note"],
            },
        }
    },
    "required": ["notes"],
}


PROMISE: Content = {
    "type": "object",
    "properties": {
        "by": {
            "type": "string",
            "enum": ["us", "them"],
            "description": "us: in the reply",
        },
        "what": {"type": "string", "maxLength": LONGEST_PROMISE, "description": "what was promised, in short"},
        "due": {"type": "string", "format": "date", "description": "by which day: YYYY-MM-DD"},
    },
    "required": ["by", "what", "due"],
}
SETTLED: Content = {
    "type": "object",
    "properties": {
        "promise": {"type": "integer", "description": "the number of an open promise of this case"},
        "how": {"type": "string", "enum": ["kept", "dropped"]},
    },
    "required": ["promise", "how"],
}


def action_schema(latitude: Latitude) -> Content:
    """Describe an action of a decision: only what the config could ever let it be."""
    body = "draft, reply: the reply's plain text" if latitude.replies else "draft: the reply's plain text"
    properties: Content = {
        "body": {"type": "string", "maxLength": LONGEST_BODY, "description": body},
        "folder": {"type": "string", "description": f"move: one of {list(latitude.folders)}"},
        "question": {"type": "string", "description": "escalate: what a person must answer"},
    }
    kinds = ["draft", *(["reply"] if latitude.replies else []), "move", "flag", "escalate", "close", "none"]
    if latitude.addressees:
        kinds.insert(1, "forward")
        properties["to"] = {"type": "string", "description": f"forward: one of {list(latitude.addressees)}"}
        properties["note"] = {"type": "string", "description": "forward: what to say above the mail"}
    kind = {"type": "string", "enum": kinds}
    if latitude.replies:
        kind["description"] = "reply: answer it; draft: a person is to look at the answer first"
    return {"type": "object", "properties": {"kind": kind, **properties}, "required": ["kind"]}


def decision_schema(latitude: Latitude) -> Content:
    """Describe the arguments of ``decide``. Kept flat: pydantic's answer to a wrong call reads better."""
    properties: Content = {
        "category": {"type": "string", "enum": list(latitude.categories)},
        "priority": {"type": "string", "enum": [str(priority) for priority in Priority]},
        "summary": {"type": "string", "description": "one sentence: what the mail is about"},
        "reason": {"type": "string", "description": "why you decided so"},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "actions": {"type": "array", "minItems": 1, "maxItems": MOST_ACTIONS, "items": action_schema(latitude)},
    }
    optional: Content = {
        "amount": {"type": "number", "minimum": 0, "description": "how much money is at stake, where any is"},
        "promises": {"type": "array", "maxItems": MOST_PROMISES, "items": PROMISE},
        "settled": {"type": "array", "items": SETTLED},
        "issue": {"type": "integer", "description": "the open issue that this mail is about, if it is about one"},
        "propose_issue": {
            "type": "string",
            "maxLength": LONGEST_ISSUE,
            "description": "name what others must have, too (an outage): in general words, no sender's",
        },
    }
    return {"type": "object", "properties": {**properties, **optional}, "required": list(properties)}


def handing_words(specialists: Sequence[Specialist]) -> str:
    """Describe ``hand_over``: to whom, and when."""
    return "\n".join([TO_HAND_OVER, *(f"- {each.name}{SLOW if each.to else ''}: {each.when}" for each in specialists)])


def handing_schema(specialists: Sequence[Specialist]) -> Content:
    """Describe the arguments of ``hand_over``."""
    properties: Content = {
        "specialist": {"type": "string", "enum": [each.name for each in specialists]},
        "why": {"type": "string", "maxLength": LONGEST_WHY, "description": "for the log: why you hand it over"},
        "brief": {"type": "string", "maxLength": LONGEST_BRIEF, "description": "what you want to know or have done"},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}
