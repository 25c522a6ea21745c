"""What all pages share, and what somebody asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

from daemon.clock import Clock
from daemon.review.log import clean
from daemon.reviewer import Reviewer
from daemon.settings import Settings
from daemon.steps.numbers import LARGEST_ID
from daemon.waiting import Show
from knowledge import visits
from knowledge.database import Database
from knowledge.tables import Look
from knowledge.visits import Guest

NO_PAGE = 404
T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """The config, the knowledge database, the reading of mails, and the clock."""

    settings: Settings
    db: Database
    show: Show
    clock: Clock


@dataclass(frozen=True)
class Asked:
    """What somebody who is signed in asks for; ``form`` is what they filled in."""

    site: Site
    request: Request
    guest: Guest
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def db(self) -> Database:
        """The knowledge database."""
        return self.site.db

    @property
    def settings(self) -> Settings:
        """The config."""
        return self.site.settings

    @property
    def now(self) -> datetime:
        """The time."""
        return self.site.clock()

    @property
    def reviewer(self) -> Reviewer:
        """Who they are, for what is written down of their word."""
        return Reviewer(self.guest.user.name, f"page from {place_of(self.request)}")

    @property
    def number(self) -> int:
        """The number in the address."""
        return int(self.request.path_params["number"])

    def given(self, name: str) -> str:
        """Give a word of the address's query; empty where it is missing."""
        return clean(self.request.query_params.get(name, "")).strip()

    def filled(self, name: str) -> str:
        """Give a field of the form; empty where it is missing."""
        return self.form.get(name, "")

    def look(self, page: str, number: int) -> None:
        """Write down that they have looked at what people wrote."""
        user, place = self.guest.user.name, place_of(self.request)
        visits.looked(self.db, Look(user=user, place=place, page=page, number=number, looked_at=self.now))


def site_of(request: Request) -> Site:
    """Give the site that a request came to."""
    site: Site = request.app.state.site
    return site


def place_of(request: Request) -> str:
    """Give the address that a request comes from."""
    return request.client.host if request.client else "nowhere"


def found(what: str, number: object, thing: T | None) -> T:
    """Give a thing; refuse to go on where there is none."""
    if thing is None:
        raise HTTPException(NO_PAGE, f"There is no {what} {number}.")
    return thing


def as_number(words: str) -> int | None:
    """Read a number that may be one of ours; None where it is none."""
    return int(words) if words.isdecimal() and len(words) <= len(str(LARGEST_ID)) and int(words) <= LARGEST_ID else None
