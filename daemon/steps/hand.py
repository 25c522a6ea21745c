"""Hand over: the rows that tell what specialists were asked in a turn, whom they asked, and what came back."""

from datetime import datetime

from daemon.agent.session import Engine
from daemon.agent.sidechain import path_of
from daemon.agent.turn import Reply
from daemon.house import Records
from daemon.judgement.handoffs import OUTSTANDING, Handed, HandoffState, OutsideCall
from daemon.judgement.outlasting import Outlasting
from knowledge import handoffs
from knowledge.handoffs import Work
from knowledge.tables import Handoff, ToolCall, Turn


def handoffs_of(engine: Engine, turn: Turn, reply: Reply, now: datetime) -> list[Work]:
    """Make the rows of a turn's handoffs: those that ended within it, and those that it leaves open."""
    ended = [Work(_handoff(engine, turn, each, now), list(map(_call, each.calls))) for each in reply.handoffs]
    return [*ended, *(Work(_open(turn, each)) for each in reply.outlasting)]


def _open(turn: Turn, each: Outlasting) -> Handoff:
    return Handoff(
        turn_id=turn.id or 0,
        message_id=turn.message_id,
        specialist=each.specialist.name,
        why=each.why,
        brief=each.brief,
        state=HandoffState.OPEN,
        awaits=each.specialist.awaited,
        model=each.specialist.model,
    )


def outstanding_of_case(records: Records, case_id: int) -> list[Handoff]:
    """List the handoffs of a case whose reports are still to come."""
    return [row for row in handoffs.of_case(records.db, case_id) if row.state in OUTSTANDING]


def _handoff(engine: Engine, turn: Turn, each: Handed, now: datetime) -> Handoff:
    session = engine.transcript(turn.session_id)
    return Handoff(
        turn_id=turn.id or 0,
        message_id=turn.message_id,
        specialist=each.specialist,
        why=each.why,
        brief=each.brief,
        report=each.report,
        state=each.state,
        model=each.model,
        cost_usd=each.dollars,
        input_tokens=each.usage.input_tokens,
        output_tokens=each.usage.output_tokens,
        cache_read_tokens=each.usage.cache_read_tokens,
        cache_write_tokens=each.usage.cache_write_tokens,
        seconds=round(each.seconds, 3),
        tools=list(each.tools),
        transcript=str(path_of(session, each.agent).relative_to(engine.home)),
        ended_at=now,
    )


def _call(call: OutsideCall) -> ToolCall:
    return ToolCall(
        handoff_id=0,  # known when the handoff is written
        server=call.server,
        tool=call.tool,
        arguments=dict(call.arguments),
        allowed=call.allowed,
        error=call.error,
        said=call.said,
        seconds=round(call.seconds, 3),
        result_size=call.size,
    )
