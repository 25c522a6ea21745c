"""The employee's tools: they read, or stage their effect in memory for the turn at hand. Nothing leaves here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from claude_agent_sdk import (
    HookContext,
    HookInput,
    HookJSONOutput,
    McpSdkServerConfig,
    SdkMcpTool,
    create_sdk_mcp_server,
)
from pydantic import ValidationError

from daemon.judgement.decision import LONGEST_BODY, MOST_ACTIONS, Decision, Priority, outside_bounds

SERVER = "clerkd"
LOOK_AT_CASE, SEARCH_DECISIONS, DECIDE = "look_at_case", "search_decisions", "decide"
ALLOWED = tuple(f"mcp__{SERVER}__{name}" for name in (LOOK_AT_CASE, SEARCH_DECISIONS, DECIDE))

NOT_ACCEPTED = "The decision was not accepted."

Content = dict[str, Any]


@dataclass(frozen=True)
class Reads:
    """What the tools may see in this turn; the harness, not the model, chose case, person and mailbox.

    ``folders`` are those of the mailbox at hand: the tools' description names those of all mailboxes.
    """

    case: Callable[[], str]
    search: Callable[[str], str]
    folders: tuple[str, ...] = ()


@dataclass
class Staged:
    """What the model has staged in this turn: the last valid decision counts."""

    reads: Reads
    decision: Decision | None = None
    used: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Desk:
    """Holds the turn at hand for the tools; between turns it is empty, and every tool answers with an error."""

    def __init__(self, categories: tuple[str, ...], folders: tuple[str, ...]) -> None:
        """``categories`` and ``folders`` are what a decision may name."""
        self._categories = categories
        self._folders = folders
        self._turn: Staged | None = None

    def begin(self, reads: Reads) -> Staged:
        """Lay an empty sheet on the desk."""
        self._turn = Staged(reads)
        return self._turn

    def end(self) -> None:
        """Clear the desk: a late call finds nothing to write on."""
        self._turn = None

    def server(self) -> McpSdkServerConfig:
        """Build the in-process MCP server; its order never changes within a session (prompt cache)."""
        nothing: Content = {"type": "object", "properties": {}, "additionalProperties": False}
        query: Content = {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}
        tools = [
            SdkMcpTool(LOOK_AT_CASE, "Show this case's earlier messages and decisions.", nothing, self.look_at_case),
            SdkMcpTool(
                SEARCH_DECISIONS, "Search this sender's earlier messages by words.", query, self.search_decisions
            ),
            SdkMcpTool(DECIDE, "Record your decision on the mail at hand. Call it once.", self.schema(), self.decide),
        ]
        return create_sdk_mcp_server(SERVER, tools=tools)

    async def look_at_case(self, _arguments: Content) -> Content:
        """Show the case of the mail at hand."""
        return self._read(LOOK_AT_CASE, lambda turn: turn.reads.case())

    async def search_decisions(self, arguments: Content) -> Content:
        """Search the sender's earlier messages."""
        return self._read(SEARCH_DECISIONS, lambda turn: turn.reads.search(str(arguments.get("words", ""))))

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
        problem = outside_bounds(decision, self._categories, self._turn.reads.folders)
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
        properties: Content = {
            "category": {"type": "string", "enum": list(self._categories)},
            "priority": {"type": "string", "enum": [str(priority) for priority in Priority]},
            "summary": {"type": "string", "description": "one sentence: what the mail is about"},
            "reason": {"type": "string", "description": "why you decided so"},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "actions": {"type": "array", "minItems": 1, "maxItems": MOST_ACTIONS, "items": action},
        }
        return {"type": "object", "properties": properties, "required": list(properties)}

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
