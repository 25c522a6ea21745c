"""How the stand-in decides: simple, deterministic rules over what is in the request. It understands nothing."""

import json
import re
from collections.abc import Iterator
from typing import Any

from daemon.rehearsal.model import Answer, Body, text, tool_use

DECIDE = "mcp__clerkd__decide"
CASE = "mcp__clerkd__look_at_case"
REMEMBER = "mcp__clerkd__remember"
NEAR = re.compile(r"\[fact (\d+)\]")
AGENT = "Agent"
HAND_OVER = "mcp__clerkd__hand_over"
OF_SPECIALIST = "cc_is_subagent=true"  # so the CLI marks the requests of a specialist
FIELDS = {"invoice": "billing", "outage": "technical", "complaint": "complaints"}
NOTES = "mcp__clerkd__note_cases"
TO_SUM_UP = "Respond with TEXT ONLY"  # so begins the CLI's own request for a summary
TO_NOTE = re.compile(r"For the cases ([\d, ]+): call the tool `note_cases`")
MARKED = re.compile(r"<<<(mail-[0-9a-f]+)\n(.*)\n\1>>>", re.DOTALL)
SUBJECT = re.compile(r"^Subject: (.*)$", re.MULTILINE)
SENDER = re.compile(r"^From: (.*?)(?: <[^<>]*>)?$", re.MULTILINE)
KNOWN_CASE = re.compile(r"^Case: (\d+) earlier message", re.MULTILINE)
IS_IN = re.compile(r"^What (\S+) says of handoff (\d+) has come in\.", re.MULTILINE)
DUE = re.compile(r"^Its day has come: Promise (\d+), made by (us|them)", re.MULTILINE)
DATED = re.compile(r"\b(I will|we will|can you|could you|please)\b([^.?!\n]*?) by (\d{4}-\d{2}-\d{2})\b", re.IGNORECASE)
PREFERS = re.compile(r"\bI (?:always |now )?prefer [^.?!\n]{3,200}")
NUMBER = re.compile(r"\b(?:HP|R|TC|PO|HP-INV)-\d{3,}\b")

# The first rule whose words occur in the mail decides: category, priority, words.
TOPICS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("suspicious", "high", ("ignore all previous", "ignore your", "system prompt", "/compact", "your instructions")),
    ("outage", "urgent", ("urgent", "is down", "are down", "can't pay", "503", "e-417")),
    ("cancellation", "normal", ("cancel",)),
    ("application", "low", ("application", "apply for", "bewerbung")),
    ("invoice", "normal", ("invoice", "rechnung", "facture")),
    ("complaint", "high", ("cracked", "broken", "no answer", "complain", "refund", "disappointed")),
    ("order", "normal", ("order", "devis", "quote", "heating element")),
    ("question", "normal", ("?",)),
)  # fmt: skip
SHARED = "outage"
ISSUE = re.compile(rf"^  \[issue (\d+)\] {SHARED},", re.MULTILINE)
ESCALATED = ("suspicious", "outage")


def decide(body: Body) -> Answer:
    """Answer one request: the last message of role ``user`` is either our prompt or a tool's result."""
    users = [message for message in body["messages"] if message["role"] == "user"]
    if OF_SPECIALIST in json.dumps(body.get("system")):
        return _report(users)
    spoken = list(_parts(users[-1]))
    if TO_SUM_UP in _text_of(users[-1]):
        return _summary(users)
    if DECIDE not in _tools(body):
        return _report_beside(users)
    results = [part for part in spoken if part.get("type") == "tool_result"]
    if results:
        return _after_tool(results, users)
    return _hand_over(body, _text_of(users[-1])) or _first_step(_text_of(users[-1]), users[:-1])


def _summary(users: list[dict[str, Any]]) -> Answer:
    subjects = [_find(SUBJECT, _text_of(message)) for message in users if MARKED.search(_text_of(message))]
    words = f"The stand-in sums up {len(subjects)} mail(s); the last was '{subjects[-1] if subjects else '-'}'."
    return Answer((text(f"<analysis>-</analysis>\n<summary>{words}</summary>"),))


def _hand_over(body: Body, prompt: str) -> Answer | None:
    """Hand a new case to the specialist of its field, where the request tells of one."""
    mail = _mail(prompt)
    name = FIELDS.get(_topic(f"{_find(SUBJECT, prompt)}\n{mail}".lower())[0], "-")
    if not mail or KNOWN_CASE.search(prompt):
        return None
    brief = f"(Written by the stand-in's rules.) What does your field say to the mail '{_find(SUBJECT, prompt)[:80]}'?"
    if f"- {name}: " in _listed(body):
        return Answer((tool_use(AGENT, {"subagent_type": name, "description": "Stand-in rule", "prompt": brief}),))
    if f"- {name}: " in _tools(body).get(HAND_OVER, ""):
        return Answer((tool_use(HAND_OVER, {"specialist": name, "why": "Stand-in rule", "brief": brief}),))
    return None


def _tools(body: Body) -> dict[str, str]:
    """Give the tools of a request, with what is said of each."""
    return {tool["name"]: tool.get("description", "") for tool in body.get("tools") or ()}


def _listed(body: Body) -> str:
    """Give what the CLI tells of the specialists: it stands outside of what the users say."""
    told = (message for message in body["messages"] if message["role"] == "system")
    return "\n".join(map(_text_of, told)) if AGENT in _tools(body) else ""


def _report(users: list[dict[str, Any]]) -> Answer:
    """Answer as a specialist: look at the case first, then say that the mail was there."""
    if any(part.get("type") == "tool_result" for part in _parts(users[-1])):
        subjects = [_find(SUBJECT, _text_of(message)) for message in users]
        words = f"The stand-in's rules, as a specialist, have read '{next(filter(None, subjects), '-')[:80]}'."
        return Answer((text(words),))
    return Answer((tool_use(CASE, {}),))


def _report_beside(users: list[dict[str, Any]]) -> Answer:
    """Answer as a specialist that has the whole conversation before it."""
    if not any(part.get("type") == "tool_result" for part in _parts(users[-1])):
        return Answer((tool_use(CASE, {}),))
    subjects = [_find(SUBJECT, _text_of(message)) for message in users if MARKED.search(_text_of(message))]
    words = (
        f"The stand-in's rules, as a specialist, know {len(subjects)} mail(s), the last '{(subjects or ['-'])[-1]}'."
    )
    return Answer((text(words),))


def _on_report(specialist: str, number: str) -> Answer:
    words = f"(Written by the stand-in's rules, not by a model.) {specialist} has reported on handoff {number}."
    call = {"category": "other", "priority": "normal", "summary": words, "reason": "Stand-in rule for reports.",
            "confidence": 0.5, "actions": [{"kind": "draft", "body": words}]}  # fmt: skip
    return Answer((tool_use(DECIDE, call),))


def _notes(cases: str) -> Answer:
    note = "The stand-in's rules note nothing of their own."
    return Answer((tool_use(NOTES, {"notes": [{"case": int(case), "note": note} for case in cases.split(",")]}),))


def _first_step(prompt: str, earlier: list[dict[str, Any]]) -> Answer:
    if found := TO_NOTE.search(prompt):
        return _notes(found[1])
    if due := DUE.search(prompt):
        return _follow_up(due[1], due[2])
    if come := IS_IN.search(prompt):
        return _on_report(come[1], come[2])
    if learnt := PREFERS.search(_mail(prompt)):
        return _remember(learnt[0])
    if KNOWN_CASE.search(prompt):
        return Answer((text("This belongs to a known case; I look at it first."), tool_use(CASE, {})))
    return _decision(prompt, earlier)


def _remember(words: str, **relation: str | int) -> Answer:
    call = {"text": words.replace("I ", "They ", 1), "kind": "preference", "quote": words, **relation}
    return Answer((tool_use(REMEMBER, call),))


def _after_tool(results: list[dict[str, Any]], users: list[dict[str, Any]]) -> Answer:
    said = json.dumps(results)
    if "decision is recorded" in said or "notes are taken" in said:
        return Answer((text("Done."),))
    if "Call again with `relation`" in said and (near := NEAR.search(said)):
        at = max(index for index, message in enumerate(users) if MARKED.search(_text_of(message)))
        learnt = PREFERS.search(_mail(_text_of(users[at])))
        return _remember(learnt[0] if learnt else "", relation="supersede", fact=int(near[1]))
    at = max((index for index, message in enumerate(users) if MARKED.search(_text_of(message))), default=0)
    return _decision(_text_of(users[at]), users[:at])


def _decision(prompt: str, earlier: list[dict[str, Any]]) -> Answer:
    """Make the call of ``decide``. The summary tells of earlier mails only where the request really holds them."""
    mail = _mail(prompt)
    words = f"{_find(SUBJECT, prompt)}\n{mail}"
    category, priority = _topic(words.lower())
    return Answer(
        (
            tool_use(
                DECIDE,
                {
                    "category": category,
                    "priority": priority,
                    "summary": f"{_find(SUBJECT, prompt)[:200]}{_remembered(prompt, earlier)}"[:500],
                    "reason": f"Stand-in rule for {category!r}; this is no model's judgement.",
                    "confidence": 0.5,
                    "actions": _actions(category, words, prompt, earlier),
                    **_promises(mail),
                    **_shared(category, prompt),
                },
            ),
        )
    )


def _promises(mail: str) -> dict[str, Any]:
    """Take down what is promised or asked for with a date, where the stand-in's one pattern finds it."""
    found = [
        {"by": "them" if who.lower().endswith("will") else "us", "what": what.strip()[:200] or "-", "due": due}
        for who, what, due in DATED.findall(mail)
    ]
    return {"promises": found} if found else {}


def _shared(category: str, prompt: str) -> dict[str, Any]:
    """Take every outage for the one that is known; the first proposes it."""
    if category != SHARED:
        return {}
    known = ISSUE.search(prompt)
    return {"issue": int(known[1])} if known else {"propose_issue": "Something is down (so says the stand-in's rule)"}


def _follow_up(number: str, by: str) -> Answer:
    """Ask the sender for what was promised; of our own promise the stand-in cannot know, so a person is asked."""
    words = f"(Written by the stand-in's rules, not by a model.) Promise {number} has come up."
    actions: list[dict[str, str]] = [{"kind": "escalate", "question": words}]
    if by == "them":
        actions = [{"kind": "draft", "body": words}]
    settled = [{"promise": int(number), "how": "dropped"}] if by == "them" else []
    call = {"category": "other", "priority": "normal", "summary": words, "reason": "Stand-in rule for promises.",
            "confidence": 0.5, "actions": actions, "settled": settled}  # fmt: skip
    return Answer((tool_use(DECIDE, call),))


def _actions(category: str, words: str, prompt: str, earlier: list[dict[str, Any]]) -> list[dict[str, str]]:
    if category in ESCALATED:
        return [{"kind": "escalate", "question": f"The stand-in's rule for {category!r} asks a person to look."}]
    if "thank" in words.lower() and "?" not in words:
        return [{"kind": "none"}]
    numbers = sorted(set(NUMBER.findall(words)))
    about = f" about {', '.join(numbers)}" if numbers else ""
    name = _find(SENDER, prompt) or "reader"
    body = (
        f"Dear {name},\n\nthank you for your mail{about}.{_remembered(prompt, earlier)} We have noted it under "
        f"'{category}' and will come back to you.\n\n(Written by the stand-in's rules, not by a model.)"
    )
    return [{"kind": "draft", "body": body}]


def _topic(words: str) -> tuple[str, str]:
    return next(
        ((category, priority) for category, priority, marks in TOPICS if any(mark in words for mark in marks)),
        ("other", "normal"),
    )


def _remembered(prompt: str, earlier: list[dict[str, Any]]) -> str:
    """Say which earlier mail of the same sender or subject stands in this very request, where one does."""
    subject, sender = _bare(_find(SUBJECT, prompt)), _find(SENDER, prompt)
    for message in reversed(earlier):
        past = _text_of(message)
        if not MARKED.search(past):
            continue
        if _bare(_find(SUBJECT, past)) == subject or (sender and _find(SENDER, past) == sender):
            return f" (In this session I have read the earlier mail '{_find(SUBJECT, past)[:80]}'.)"
    return ""


def _bare(subject: str) -> str:
    return re.sub(r"^((re|aw|fwd?):\s*)+", "", subject.strip().lower())


def _mail(prompt: str) -> str:
    """Give the mail's text, behind its header."""
    found = MARKED.search(prompt)
    return found.group(2).partition("\n\n")[2] if found else ""


def _find(pattern: re.Pattern[str], words: str) -> str:
    found = pattern.search(words)
    return found.group(1).strip() if found else ""


def _parts(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = message["content"]
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    else:
        yield from content


def _text_of(message: dict[str, Any]) -> str:
    return "\n".join(part.get("text", "") for part in _parts(message) if part.get("type") == "text")
