"""The last turn of a session: what it notes on its cases for its successor."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from claude_agent_sdk import AssistantMessage, ResultMessage

from daemon.agent.session import API_ERROR, EngineError, Session
from daemon.agent.tools import Desk
from daemon.agent.turn import Patience
from daemon.agent.usage import usage_of
from daemon.judgement.money import Prices, Usage, cost

REQUEST = (
    "This conversation ends here and a new one goes on from clerkd's records. For the cases {}: call the tool "
    "`note_cases` once with what the new conversation must know and the records do not say. Leave out what you are "
    "not sure of."
)


@dataclass(frozen=True)
class Farewell:
    """The notes by case; none where it failed."""

    seconds: float
    notes: Mapping[int, str]
    usage: Usage
    failure: str = ""


@dataclass(frozen=True)
class Bound:
    """Within which bounds a session is asked: seconds, US dollars at these prices, and the patience of a stop."""

    seconds: float
    dollars: float
    prices: Prices
    patience: Patience


async def take_notes(session: Session, desk: Desk, cases: frozenset[int], bound: Bound) -> Farewell:
    """Ask for notes on these cases. A failure of the engine's is told, not raised."""
    started, usage, failure = time.monotonic(), {"": Usage()}, ""
    sheet = desk.begin_notes(cases)
    numbers = ", ".join(map(str, sorted(cases)))
    try:
        async with bound.patience(bound.seconds):
            async for message in session.put(str(uuid.uuid4()), REQUEST.format(numbers)):
                if isinstance(message, AssistantMessage):
                    usage[message.message_id or ""] = usage_of(message.usage)
                elif isinstance(message, ResultMessage):
                    usage = {"": usage_of(message.usage)}
                    failure = API_ERROR.format(message.api_error_status) if message.is_error else ""
                if cost(sum(usage.values(), Usage()), bound.prices) > bound.dollars:
                    failure = f"it cost more than {bound.dollars:g} dollars"
                    break
    except TimeoutError:
        failure = f"no answer within {bound.seconds:g} seconds"
    except EngineError as error:
        failure = str(error)
    finally:
        desk.end()
    spent = sum(usage.values(), Usage())
    return Farewell(time.monotonic() - started, {} if failure else dict(sheet.taken), spent, failure)
