"""Who is told by mail what was done, when, and what they are told at once: ``[digest]``."""

from datetime import time
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from daemon.fields import Email, Section, Words
from daemon.judgement.urgency import Alarms
from daemon.settings.times import time_of_day


def _who(words: str) -> str:
    if words.count("@") > 1 or words.startswith("@") or words.endswith("@") or " " in words or "." not in words:
        message = f"{words!r} is neither an address nor a domain such as example.com"
        raise ValueError(message)
    return words


class DigestSettings(Section):
    """The digest of each day, and what is urgent."""

    to: Annotated[tuple[Email, ...], Field(min_length=1, max_length=20)]
    at: str = "07:00"
    vips: tuple[Annotated[Words, AfterValidator(_who)], ...] = ()
    deadline_days: Annotated[int, Field(ge=0, le=365)] = 1
    issue_senders: Annotated[int, Field(ge=2, le=1000)] = 5
    most_urgent: Annotated[int, Field(ge=0, le=100)] = 5

    @property
    def time(self) -> time:
        """The time of day at which the digest is written."""
        return time_of_day(self.at)

    @property
    def alarms(self) -> Alarms:
        """What is urgent, as the judgement takes it."""
        return Alarms(self.vips, self.deadline_days, self.issue_senders)

    @field_validator("at")
    @classmethod
    def _is_time(cls, words: str) -> str:
        try:
            time_of_day(words)
        except ValueError:
            message = f'{words!r} is no time of day; it is written as "07:00" is, in the zone of [hours]'
            raise ValueError(message) from None
        return words
