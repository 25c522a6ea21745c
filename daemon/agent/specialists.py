"""The specialists as the engine knows them, and the one place that says which tool may be called by whom.

The engine brings agents of its own, among them one that inherits every tool, and a way to fork the session (measured):
they are denied by rule, which also keeps them out of what the model reads, and again by the guard.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from claude_agent_sdk import AgentDefinition, HookContext, HookInput, HookJSONOutput

from daemon.agent import folder
from daemon.agent.gate import outside_tool
from daemon.agent.outside import Server
from daemon.agent.tools import ALLOWED, Desk, tool
from daemon.judgement.handoffs import NO_MAIL, Specialist, handed_over, objection

AGENT = "Agent"
BUILT_IN = ("claude", "Explore", "fork", "general-purpose", "Plan", "statusline-setup")
DENIED = tuple(f"{AGENT}({name})" for name in BUILT_IN)
UNCHECKED = "the call could not be checked"


Described = Callable[[Collection[str]], list[str | dict[str, Any]] | None]


def definitions(specialists: Iterable[Specialist], described: Described) -> dict[str, AgentDefinition]:
    """Describe the specialists to the engine; ``described`` does so with the servers outside.

    Tools of those are not named: what stands in ``tools``, the session's model is told of, and a server's tools are
    there without that (both measured).
    """
    return {
        each.name: AgentDefinition(
            description=each.when,
            prompt=each.prompt,
            tools=list(tools_of(each)),
            model=each.model,
            maxTurns=each.steps,
            mcpServers=described(each.servers),
        )
        for each in specialists
    }


def allowed(specialists: Iterable[Specialist]) -> list[str]:
    """Name what the engine must let through to the guard for them, beside our tools."""
    files = {name for each in specialists for name in tools_of(each)} - set(ALLOWED)
    return [AGENT, *sorted(files)] if specialists else []


def tools_of(specialist: Specialist) -> tuple[str, ...]:
    """Name the tools of a specialist as the engine does."""
    return tuple(map(tool, (*specialist.tools, *(folder.NAMES if specialist.workspace else ()))))


class Guard:
    """Stands before every call of a tool: what is not allowed by name, to the one who calls, is denied."""

    def __init__(self, desk: Desk, specialists: Iterable[Specialist], servers: Iterable[Server] = ()) -> None:
        """``desk`` has the turn at hand."""
        self._desk = desk
        self._specialists = {each.name: each for each in specialists}
        self._tools = {each.name: tools_of(each) for each in self._specialists.values()}
        names = {each.name: [outside_tool(each.name, name) for name in each.tools] for each in servers}
        self._outside = {
            each.name: frozenset(name for server in each.servers for name in names.get(server, ()))
            for each in specialists
        }

    async def __call__(self, call: HookInput, _tool_use_id: str | None, _context: HookContext) -> HookJSONOutput:
        """Judge one call. Whatever goes wrong here denies as well: a hook that raises lets the tool run (measured)."""
        try:
            return self._judged(dict(call))
        except Exception:  # noqa: BLE001 - see above
            return _denied(UNCHECKED)

    def _judged(self, call: Mapping[str, Any]) -> HookJSONOutput:
        name = str(call.get("tool_name"))
        if call.get("agent_id"):
            return self._of_specialist(name, str(call.get("agent_type")), call)
        if name == AGENT and self._specialists:
            return self._hand_over(call.get("tool_input") or {})
        if name not in self._desk.allowed:
            return _denied(f"{name} is not available here")
        if self._desk.at_hand:
            self._desk.at_hand.used.append(name.removeprefix(tool("")))
        return {}

    def _of_specialist(self, name: str, specialist: str, call: Mapping[str, Any]) -> HookJSONOutput:
        if name in self._tools.get(specialist, ()):
            return {}
        turn = self._desk.at_hand
        if turn is None or name not in self._outside.get(specialist, ()):
            return _denied(f"{name} is not available here")
        turn.callers[str(call.get("tool_use_id"))] = str(call["agent_id"])
        return _allowed()

    def _hand_over(self, wanted: Mapping[str, object]) -> HookJSONOutput:
        turn = self._desk.at_hand
        if turn is None:
            return _denied(NO_MAIL)
        if problem := objection(wanted, self._specialists, turn.granted, turn.reads.dollars):
            return _denied(problem)
        turn.granted.append(self._specialists[str(wanted["subagent_type"])].dollars)
        turn.used.append(AGENT)
        return _allowed(handed_over(wanted, turn.reads.letter))


def _allowed(arguments: dict[str, object] | None = None) -> HookJSONOutput:
    """Allow a call, with other arguments where any are given."""
    output: dict[str, Any] = {"hookEventName": "PreToolUse", "permissionDecision": "allow"}
    return {"hookSpecificOutput": {**output, "updatedInput": arguments} if arguments else output}  # type: ignore[typeddict-item]


def _denied(reason: str) -> HookJSONOutput:
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }
    }
