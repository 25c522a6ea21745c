"""Rules for the stand-in that a test chooses: whatever the mail says, this is decided."""

import json
from typing import Any

from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body, Rules, text, tool_use

DRAFT = {"kind": "draft", "body": "We close at six."}
REPLY = {**DRAFT, "kind": "reply"}


def deciding(*actions: dict[str, str], **changes: Any) -> Rules:
    """Decide this on each mail; what else is asked, the usual rules answer."""
    decision = {
        "category": "question",
        "priority": "normal",
        "summary": "She asks when we close.",
        "reason": "A rule of the test.",
        "confidence": 0.9,
        "actions": list(actions) or [{"kind": "none"}],
        **changes,
    }

    def answer(body: Body) -> Answer:
        last = json.dumps([message for message in body["messages"] if message["role"] == "user"][-1])
        if rules.TO_SUM_UP in last or "note_cases" in last or rules.DECIDE not in json.dumps(body.get("tools", [])):
            return rules.decide(body)
        if "decision is recorded" in last or "not accepted" in last:
            return Answer((text("Done."),))
        return Answer((tool_use(rules.DECIDE, decision),))

    return answer
