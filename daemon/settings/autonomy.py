"""What the config lets the employee do alone, and when: ``[autonomy]`` and ``[hours]``."""

from datetime import date
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from daemon.fields import Email, Section, Words
from daemon.judgement.autonomy import ORDER, Autonomy, Effect, Mode, Wider
from daemon.judgement.hours import Hours
from daemon.settings.times import span

Wide = Literal["never", "ask", "draft", "do"]
Plain = Literal["never", "ask", "do"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Modes(Section):
    """How far each kind of action may go; where a key is left out, something else says so."""

    reply: Wide | None = None
    forward: Plain | None = None
    move: Plain | None = None
    flag: Plain | None = None
    close: Plain | None = None

    @property
    def given(self) -> dict[Effect, Mode]:
        """The modes that are said."""
        return {effect: Mode(mode) for effect in Effect if (mode := getattr(self, effect))}


class WiderRule(Section):
    """Lets an action go further for senders of whom clerkd itself knows something."""

    action: Literal["reply", "forward", "move", "flag", "close"]
    mode: Wide
    known_days: Annotated[float, Field(ge=0, le=36_500)] | None = None
    authenticated: bool = False
    within_hours: bool = False
    categories: tuple[Words, ...] = ()
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    amount: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @property
    def rule(self) -> Wider:
        """The rule as the judgement takes it."""
        return Wider(
            Effect(self.action), Mode(self.mode), self.known_days, self.within_hours, self.categories, self.confidence,
            self.amount,
        )  # fmt: skip

    @model_validator(mode="after")
    def _rests_on_a_fact(self) -> Self:
        if not self.authenticated:
            message = (
                "must rest on what clerkd itself knows of the sender: say authenticated = true; without it From may be "
                "forged, and category, confidence and amount are the model's word, which a mail can bring about"
            )
            raise ValueError(message)
        if self.mode == "draft" and self.action != "reply":
            message = f'mode: a {self.action} cannot be drafted; allowed: "never", "ask", "do"'
            raise ValueError(message)
        return self


class AutonomySettings(Section):
    """How much the employee may do alone."""

    reply: Wide = "draft"
    forward: Plain = "ask"
    move: Plain = "do"
    flag: Plain = "do"
    close: Plain = "do"
    wider: tuple[WiderRule, ...] = ()
    categories: dict[str, Modes] = Field(default_factory=dict)
    least_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    most_amount: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    addressees: dict[str, Email] = Field(default_factory=dict)
    links: tuple[str, ...] = ()
    approval_days: Annotated[float, Field(gt=0, le=365)] = 7

    @property
    def autonomy(self) -> Autonomy:
        """All of it as the judgement takes it."""
        return Autonomy(
            {effect: Mode(getattr(self, effect)) for effect in Effect},
            tuple(each.rule for each in self.wider),
            {name: modes.given for name, modes in self.categories.items()},
            self.least_confidence,
            self.most_amount,
        )

    def sends(self, effect: Effect) -> bool:
        """Say whether an action could ever leave by this: alone, or because a person approves it."""
        return any(mode in (Mode.ASK, Mode.DO) for mode in self._possible(effect))

    def _possible(self, effect: Effect) -> list[Mode]:
        wider = [each.mode for each in self.autonomy.wider if each.effect is effect]
        narrower = [each[effect] for each in self.autonomy.narrower.values() if effect in each]
        return [self.autonomy.modes[effect], *wider, *narrower]

    @field_validator("links")
    @classmethod
    def _are_domains(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not name or any(sign in name for sign in "/:@* ") or name.startswith("."):
                message = f"{name!r} is not a plain domain such as example.com"
                raise ValueError(message)
        return tuple(name.lower().rstrip(".") for name in names)

    @model_validator(mode="after")
    def _categories_narrow(self) -> Self:
        for name, modes in self.categories.items():
            for effect, mode in modes.given.items():
                highest = self.autonomy.highest(effect)
                if ORDER.index(mode) > ORDER.index(highest):
                    message = (
                        f"categories.{name}.{effect}: {str(mode)!r} is wider than {str(highest)!r}, allowed at "
                        "most; a category is the model's word, so it only narrows: widen with [[autonomy.wider]]"
                    )
                    raise ValueError(message)
        return self


class HoursSettings(Section):
    """When mail may leave; without days, at any hour."""

    days: tuple[str, ...] = ()
    times: str = "08:00-18:00"
    zone: str = "UTC"
    holidays: tuple[str, ...] = ()

    @property
    def hours(self) -> Hours:
        """The hours as the judgement takes them."""
        starts, ends = span(self.times)
        days = tuple(DAYS.index(day) for day in self.days)
        return Hours(days, starts, ends, ZoneInfo(self.zone), frozenset(map(date.fromisoformat, self.holidays)))

    @field_validator("days")
    @classmethod
    def _are_weekdays(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := next((day for day in days if day not in DAYS), None):
            message = f"{wrong!r} is no day of the week; allowed: {', '.join(DAYS)}"
            raise ValueError(message)
        return days

    @field_validator("times")
    @classmethod
    def _are_times(cls, words: str) -> str:
        try:
            span(words)
        except ValueError:
            message = 'must be two times of day, such as "08:00-18:00"'
            raise ValueError(message) from None
        return words

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f'there is no time zone {name!r}; it is written as "Europe/Vienna" is'
            raise ValueError(message) from None
        return name

    @field_validator("holidays")
    @classmethod
    def _are_days(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        for day in days:
            try:
                date.fromisoformat(day)
            except ValueError:
                message = f'{day!r} is no day; it is written as "2026-12-25" is'
                raise ValueError(message) from None
        return days
