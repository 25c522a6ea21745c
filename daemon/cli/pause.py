"""``clerkd pause`` and ``clerkd resume``: a person has the employee stop, and go on."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

import typer

from daemon.cli.options import Config
from daemon.cli.orders import leave
from daemon.cli.reviewer import at_the_keys
from daemon.clock import utc_now
from daemon.errors import FatalError
from daemon.steps.orders import PAUSE, RESUME
from daemon.steps.rest import Wish

SPAN = re.compile(r"(\d{1,5})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def pause(
    config: Config = None,
    until: Annotated[str, typer.Option(help="2h, 3d, 09:00, or 2026-12-24T09:00 (this machine's zone).")] = "",
) -> None:
    """Have the employee pause: mail is still taken in, and nothing is put to the model, drafted or sent meanwhile.

    A pause outlasts a restart of the service. A turn that is under way is finished.

    Example:  clerkd pause --until 09:00
    """
    end = parse_until(until, utc_now()) if until else None
    leave(PAUSE, Wish(by=at_the_keys().by, until=end).model_dump_json(), config)


def resume(config: Config = None) -> None:
    """Have the employee go on: what came in meanwhile is worked, the oldest first.

    Example:  clerkd resume
    """
    leave(RESUME, "", config)


def parse_until(words: str, now: datetime) -> datetime:
    """Read when something ends; raise FatalError where that is no time, or not one to come."""
    end = _read(words.strip(), now)
    if end is None:
        message = f"--until {words!r} is no time; write 2h, 3d, 09:00, or 2026-12-24T09:00"
        raise FatalError(message)
    if end <= now:
        message = f"--until {words!r} is over already"
        raise FatalError(message)
    return end


def _read(words: str, now: datetime) -> datetime | None:
    if span := SPAN.fullmatch(words):
        return now + timedelta(**{UNITS[span[2]]: int(span[1])})
    here = now.astimezone()
    try:
        if ":" in words and "-" not in words:
            today = datetime.combine(here.date(), time.fromisoformat(words)).astimezone()
            return (today if today > here else today + timedelta(days=1)).astimezone(UTC)
        return datetime.fromisoformat(words).astimezone(UTC)
    except ValueError:
        return None
