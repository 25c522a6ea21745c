"""The service's events: one for each step of the story, readable on a terminal, JSON under systemd.

Events carry ids, states, sizes and reasons, never a mail's text or a secret.
"""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger, Processor

Log = FilteringBoundLogger


def configure(level: str, *, json: bool | None = None) -> None:
    """Set up structlog on stderr. JSON is chosen where the journal listens, unless ``json`` says otherwise."""
    as_json = "JOURNAL_STREAM" in os.environ if json is None else json
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _name_failure,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log with mail text in their messages (an SDK's debug line, a server's answer): only criticals pass.
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)


def hand_to(listener: Callable[[dict[str, Any]], None]) -> None:
    """Hand every event to a listener instead of printing it."""

    def take(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:  # noqa: ANN401 - structlog's own signature
        listener(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, _name_failure, take])
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)


def logger() -> Log:
    """Give the service's logger."""
    log: Log = structlog.get_logger()
    return log


def _name_failure(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:  # noqa: ANN401 - structlog's own signature
    """Write an exception as its class and place: its text or a traceback could hold a mail's words."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        if trace:
            event["at"] = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119 - a name, not a path
    return event
