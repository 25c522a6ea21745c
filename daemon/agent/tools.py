"""The employee's tools: they read, or stage their effect in memory for the turn at hand. Nothing leaves here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from claude_agent_sdk import (
    HookContext,
    HookInput,
    HookJSONOutput,
    McpSdkServerConfig,
    SdkMcpTool,
    create_sdk_mcp_server,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.judgement.decision import (
    LONGEST_BODY,
    LONGEST_PROMISE,
    MOST_ACTIONS,
    MOST_PROMISES,
    Decision,
    Priority,
    outside_bounds,
)
from daemon.judgement.promises import Standing, objection

SERVER = "clerkd"
LOOK_AT_CASE, SEARCH_DECISIONS, DECIDE = "look_at_case", "search_decisions", "decide"
LIST_OPEN_MATTERS, NOTE_CASES = "list_open_matters", "note_cases"
NAMES = (LOOK_AT_CASE, SEARCH_DECISIONS, LIST_OPEN_MATTERS, DECIDE, NOTE_CASES)
ALLOWED = tuple(f"mcp__{SERVER}__{name}" for name in NAMES)
LONGEST_NOTE = 300  # characters
NOT_ASKED = "Notes are not asked for now."

NOT_ACCEPTED = "The decision was not accepted."

Content = dict[str, Any]


@dataclass(frozen=True)
class Reads:
    """What the tools may see in this turn; the harness, not the model, chose case, person and mailbox.

    ``folders`` are those of the mailbox at hand: the tools' description names those of all mailboxes. ``promises`` is
    what a decision may say of promises.
    """

    case: Callable[[], str]
    search: Callable[[str], str]
    matters: Callable[[int], str]
    promises: Standing
    folders: tuple[str, ...] = ()


@dataclass
class Staged:
    """What the model has staged in this turn: the last valid decision counts."""

    reads: Reads
    decision: Decision | None = None
    used: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Notes:
    """What the session notes for its successor, on the cases that it may: the last valid call counts."""

    cases: frozenset[int]
    taken: dict[int, str] = field(default_factory=dict)


class CaseNote(BaseModel):
    """A note on one case."""

    model_config = ConfigDict(extra="forbid")
    case: int
    note: Annotated[str, Field(min_length=1, max_length=LONGEST_NOTE)]


class CaseNotes(BaseModel):
    """The arguments of ``note_cases``."""

    model_config = ConfigDict(extra="forbid")
    notes: tuple[CaseNote, ...]


class Desk:
    """Holds the turn at hand for the tools; between turns it is empty, and every tool answers with an error."""

    def __init__(self, categories: tuple[str, ...], folders: tuple[str, ...]) -> None:
        """``categories`` and ``folders`` are what a decision may name."""
        self._categories = categories
        self._folders = folders
        self._turn: Staged | None = None
        self._notes: Notes | None = None

    def begin(self, reads: Reads) -> Staged:
        """Lay an empty sheet on the desk."""
        self._turn = Staged(reads)
        return self._turn

    def begin_notes(self, cases: frozenset[int]) -> Notes:
        """Lay out an empty sheet for notes; no mail is at hand then."""
        self._notes = Notes(cases)
        return self._notes

    def end(self) -> None:
        """Clear the desk: a late call finds nothing to write on."""
        self._turn = self._notes = None

    def server(self) -> McpSdkServerConfig:
        """Build the in-process MCP server; its order never changes within a session (prompt cache)."""
        return create_sdk_mcp_server(SERVER, tools=self._tools())

    def frozen(self) -> list[Content]:
        """Describe the tools as the CLI freezes them with a session's first turn."""
        return [{"name": tool.name, "words": tool.description, "schema": tool.input_schema} for tool in self._tools()]

    def _tools(self) -> list[SdkMcpTool[Any]]:
        nothing: Content = {"type": "object", "properties": {}, "additionalProperties": False}
        query: Content = {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}
        page: Content = {"type": "object", "properties": {"page": {"type": "integer", "minimum": 1}}}
        search, matters, decide = SEARCH_DECISIONS, LIST_OPEN_MATTERS, DECIDE
        return [
            SdkMcpTool(LOOK_AT_CASE, "Show this case's earlier messages and decisions.", nothing, self.look_at_case),
            SdkMcpTool(search, "Search this sender's earlier messages by words.", query, self.search_decisions),
            SdkMcpTool(matters, "List by page what is not settled and which cases are open.", page, self.list_matters),
            SdkMcpTool(decide, "Record your decision on the mail at hand. Call it once.", self.schema(), self.decide),
            SdkMcpTool(NOTE_CASES, "Note what a successor must know. Only when asked.", NOTES_SCHEMA, self.note_cases),
        ]

    async def look_at_case(self, _arguments: Content) -> Content:
        """Show the case of the mail at hand."""
        return self._read(LOOK_AT_CASE, lambda turn: turn.reads.case())

    async def search_decisions(self, arguments: Content) -> Content:
        """Search the sender's earlier messages."""
        return self._read(SEARCH_DECISIONS, lambda turn: turn.reads.search(str(arguments.get("words", ""))))

    async def list_matters(self, arguments: Content) -> Content:
        """Show a page of what is open."""
        page = arguments.get("page", 1)
        number = page if isinstance(page, int) else 1
        return self._read(LIST_OPEN_MATTERS, lambda turn: turn.reads.matters(number))

    async def note_cases(self, arguments: Content) -> Content:
        """Take notes for the successor, or say what is wrong with them."""
        if self._notes is None:
            return _error(NOT_ASKED)
        try:
            given = {item.case: item.note for item in CaseNotes.model_validate(arguments).notes}
        except ValidationError as error:
            return _error("\n".join(["The notes were not accepted. Correct them and call again:", *_lines(error)]))
        unknown = sorted(given.keys() - self._notes.cases)
        if unknown:
            return _error(f"The notes were not accepted: {unknown} are not among the cases that you were asked about.")
        self._notes.taken = given
        return _say("The notes are taken. End your turn.")

    async def decide(self, arguments: Content) -> Content:
        """Stage the decision, or say what is wrong with it."""
        if self._turn is None:
            return _error("No mail is at hand.")
        self._turn.used.append(DECIDE)
        try:
            decision = Decision.model_validate(arguments)
        except ValidationError as error:
            return _error(
                "\n".join(["The decision was not accepted. Correct it and call decide again:", *_lines(error)])
            )
        reads = self._turn.reads
        problem = outside_bounds(decision, self._categories, reads.folders) or objection(decision, reads.promises)
        if problem:
            return _error(f"{NOT_ACCEPTED} Correct it and call decide again: {problem}")
        return self._stage(self._turn, decision)

    def schema(self) -> Content:
        """Describe the arguments of ``decide``. Kept flat: pydantic's answer to a wrong call reads better."""
        action: Content = {
            "type": "object",
            "properties": {
                "kind": {"type": "string", "enum": ["draft", "move", "flag", "escalate", "none"]},
                "body": {"type": "string", "maxLength": LONGEST_BODY, "description": "draft: the reply's plain text"},
                "folder": {"type": "string", "description": f"move: one of {list(self._folders)}"},
                "question": {"type": "string", "description": "escalate: what a person must answer"},
            },
            "required": ["kind"],
        }
        promise: Content = {
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
        settled: Content = {
            "type": "object",
            "properties": {
                "promise": {"type": "integer", "description": "the number of an open promise of this case"},
                "how": {"type": "string", "enum": ["kept", "dropped"]},
            },
            "required": ["promise", "how"],
        }
        properties: Content = {
            "category": {"type": "string", "enum": list(self._categories)},
            "priority": {"type": "string", "enum": [str(priority) for priority in Priority]},
            "summary": {"type": "string", "description": "one sentence: what the mail is about"},
            "reason": {"type": "string", "description": "why you decided so"},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "actions": {"type": "array", "minItems": 1, "maxItems": MOST_ACTIONS, "items": action},
        }
        optional: Content = {
            "promises": {"type": "array", "maxItems": MOST_PROMISES, "items": promise},
            "settled": {"type": "array", "items": settled},
        }
        return {"type": "object", "properties": {**properties, **optional}, "required": list(properties)}

    def _read(self, name: str, read: Callable[[Staged], str]) -> Content:
        if self._turn is None:
            return _error("No mail is at hand.")
        self._turn.used.append(name)
        return _say(read(self._turn))

    def _stage(self, turn: Staged, decision: Decision) -> Content:
        if turn.decision is not None:
            turn.notes.append("a second call of decide replaced the first")
        turn.decision = decision
        return _say("The decision is recorded. End your turn.")


NOTES_SCHEMA: Content = {
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


async def guard(call: HookInput, _tool_use_id: str | None, _context: HookContext) -> HookJSONOutput:
    """Deny every tool that is not ours, and ours to subagents. Whatever goes wrong in here, denies as well."""
    try:
        name = str(call.get("tool_name"))
        if name in ALLOWED and not call.get("agent_id"):
            return {}
        reason = f"{name} is not available here"
    except Exception:  # noqa: BLE001 - a hook that raises lets the tool run (measured)
        reason = "the call could not be checked"
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }
    }


def _lines(error: ValidationError) -> list[str]:
    return [f"- {'.'.join(map(str, item['loc'])) or 'decision'}: {item['msg']}" for item in error.errors()]


def _say(words: str) -> Content:
    return {"content": [{"type": "text", "text": words}]}


def _error(words: str) -> Content:
    return {**_say(words), "is_error": True}
