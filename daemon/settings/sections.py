"""What the config says, section by section; frozen."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from daemon.fields import Dollars, Email, Port, Price, Seconds, Section, Security, Words
from daemon.judgement.autonomy import Effect
from daemon.judgement.documents import objection
from daemon.judgement.money import LIST_PRICES, Budget, Prices
from daemon.judgement.policy import Handled
from daemon.judgement.retry import Pauses
from daemon.judgement.upkeep import Bounds, QuietHours
from daemon.secret import Secret
from daemon.settings.autonomy import AutonomySettings, HoursSettings
from daemon.settings.digest import DigestSettings
from daemon.settings.mailboxes import Mailbox
from daemon.settings.outside import OutsideServer, named
from daemon.settings.servers import is_same_database, knowledge_address
from daemon.settings.store import Store
from daemon.settings.times import span
from daemon.settings.web import WebSettings

SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}


class Employee(Section):
    """Who the employee is."""

    name: Words
    address: Email
    aliases: tuple[Email, ...] = ()
    orders: Path = Path("employee.md")
    specialists: Path | None = None
    categories: Annotated[tuple[Words, ...], Field(min_length=1)] = (
        "question", "complaint", "order", "invoice", "outage", "cancellation", "application", "suspicious", "other",
    )  # fmt: skip
    signature: Annotated[str, Field(max_length=2000)] = ""

    @property
    def own_addresses(self) -> frozenset[str]:
        """All addresses under which the employee itself writes, in lower case."""
        return frozenset(address.lower() for address in (self.address, *self.aliases))


class Smtp(Section):
    """The submission server, through which mail leaves where [autonomy] lets it.

    ``copy_to_sent`` says whether a copy is put into the folder of sent mail: some providers do that by themselves.
    """

    host: Words
    port: Port | None = None
    security: Security = "starttls"
    user: Words
    password: Secret
    timeout_seconds: Seconds = 60
    ca_file: Path | None = None
    copy_to_sent: bool = True

    @property
    def effective_port(self) -> int:
        """The configured port, or the usual one for the kind of security."""
        return self.port or SMTP_PORTS[self.security]


class PriceList(Section):
    """US dollars for a million tokens."""

    input: Price
    output: Price
    cache_read: Price
    cache_write: Price


class Model(Section):
    """Which model answers, and how long it may take."""

    name: Words = "claude-sonnet-5"
    api_key: Secret
    base_url: Annotated[str, Field(pattern=r"^https?://")] = "https://api.anthropic.com"
    turn_seconds: Annotated[float, Field(ge=1, le=3600)] = 300
    most_steps: Annotated[int, Field(ge=2, le=200)] = 20
    api_retries: Annotated[int, Field(ge=0, le=10)] = 2
    prices: PriceList | None = None

    @property
    def price_list(self) -> Prices:
        """The configured prices, or the list prices of the model."""
        return Prices(**self.prices.model_dump()) if self.prices else LIST_PRICES[self.name]

    @model_validator(mode="after")
    def _has_prices(self) -> Self:
        if self.prices is None and self.name not in LIST_PRICES:
            known = ", ".join(LIST_PRICES)
            message = f"the list price of {self.name!r} is not known (known: {known}); give [model.prices]"
            raise ValueError(message)
        return self


class Limits(Section):
    """Caps in US dollars, on by default."""

    dollars_per_turn: Dollars = 0.5
    dollars_per_day: Dollars = 20.0
    dollars_per_month: Dollars = 300.0

    @property
    def budget(self) -> Budget:
        """The caps as the judgement takes them."""
        return Budget(self.dollars_per_turn, self.dollars_per_day, self.dollars_per_month)

    @model_validator(mode="after")
    def _larger_windows_hold_smaller_ones(self) -> Self:
        if not self.dollars_per_turn <= self.dollars_per_day <= self.dollars_per_month:
            message = (
                f"the limits contradict each other: dollars_per_turn ({self.dollars_per_turn}) <= dollars_per_day "
                f"({self.dollars_per_day}) <= dollars_per_month ({self.dollars_per_month}) must hold"
            )
            raise ValueError(message)
        return self


class Retry(Section):
    """How pauses grow after failures."""

    first_pause_seconds: Seconds = 15
    longest_pause_seconds: Seconds = 900
    reconcile_seconds: Annotated[float, Field(ge=0, le=3600)] = 60

    @property
    def pauses(self) -> Pauses:
        """The pauses as the judgement takes them."""
        return Pauses(self.first_pause_seconds, self.longest_pause_seconds)

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.first_pause_seconds > self.longest_pause_seconds:
            message = (
                f"the limits contradict each other: first_pause_seconds ({self.first_pause_seconds}) is more than "
                f"longest_pause_seconds ({self.longest_pause_seconds})"
            )
            raise ValueError(message)
        return self


class ServiceSettings(Section):
    """Where the service keeps its state and how it stops."""

    state: Path = Path("/var/lib/clerkd")
    stop_seconds: Annotated[float, Field(ge=1, le=600)] = 20
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Reading(Section):
    """How much a mail may cost to read, and how much of it the model reads."""

    seconds: Annotated[float, Field(ge=1, le=600)] = 20
    megabytes: Annotated[int, Field(ge=256, le=65536)] = 1024
    longest_text: Annotated[int, Field(ge=200)] = 20_000


class SessionSettings(Section):
    """How far the one session may grow before it is compacted or rotated, and what its successor is told."""

    compact_at_tokens: Annotated[int, Field(ge=10_000, le=500_000)] = 40_000
    rotate_at_tokens: Annotated[int, Field(ge=10_000, le=800_000)] = 55_000
    least_reclaimed: Annotated[float, Field(ge=0, le=0.95)] = 0.5
    most_messages: Annotated[int, Field(ge=1)] = 2000
    most_days: Annotated[float, Field(gt=0, le=3650)] = 14
    most_idle_hours: Annotated[float, Field(gt=0, le=87_600)] = 48
    most_megabytes: Annotated[float, Field(gt=0, le=10_000)] = 50
    most_dollars: Dollars = 50.0
    quiet_hours: str = "02:00-04:00"
    handover_tokens: Annotated[int, Field(ge=200, le=50_000)] = 3000
    dormant_after_days: Annotated[float, Field(gt=0, le=3650)] = 30
    store: Store | None = None

    @property
    def bounds(self) -> Bounds:
        """The bounds as the judgement takes them."""
        return Bounds(
            compact_tokens=self.compact_at_tokens,
            rotate_tokens=self.rotate_at_tokens,
            least_reclaimed=self.least_reclaimed,
            messages=self.most_messages,
            age=timedelta(days=self.most_days),
            rest=timedelta(hours=self.most_idle_hours),
            megabytes=self.most_megabytes,
            dollars=self.most_dollars,
            quiet=_quiet(self.quiet_hours),
        )

    @field_validator("quiet_hours")
    @classmethod
    def _are_hours(cls, words: str) -> str:
        try:
            _quiet(words)
        except ValueError:
            message = 'must be two times of day in UTC, such as "02:00-04:00", or "" for none'
            raise ValueError(message) from None
        return words

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.compact_at_tokens >= self.rotate_at_tokens:
            message = (
                f"the limits contradict each other: compact_at_tokens ({self.compact_at_tokens}) must be less than "
                f"rotate_at_tokens ({self.rotate_at_tokens})"
            )
            raise ValueError(message)
        left = round(self.rotate_at_tokens * (1 - self.least_reclaimed))
        if left >= self.compact_at_tokens:
            message = (
                f"the limits contradict each other: with least_reclaimed ({self.least_reclaimed}), a compaction may "
                f"leave {left} of rotate_at_tokens ({self.rotate_at_tokens}), and that must be less than "
                f"compact_at_tokens ({self.compact_at_tokens}): else one would follow the other"
            )
            raise ValueError(message)
        if self.handover_tokens * 2 > self.compact_at_tokens:
            message = (
                f"the limits contradict each other: handover_tokens ({self.handover_tokens}) must leave room: at most "
                f"half of compact_at_tokens ({self.compact_at_tokens})"
            )
            raise ValueError(message)
        return self


def _quiet(words: str) -> QuietHours | None:
    return QuietHours(*span(words)) if words else None


def _pattern(words: str) -> str:
    if problem := objection(words):
        raise ValueError(problem)
    return words


class KnowledgeSettings(Section):
    """What the employee knows, and how much of it a mail brings to mind."""

    url: Annotated[Words, AfterValidator(knowledge_address)] | None = None
    password: Secret | None = None
    documents: tuple[Annotated[Words, AfterValidator(_pattern)], ...] = ()
    recall_tokens: Annotated[int, Field(ge=0, le=20_000)] = 1500
    embedder: Literal["wordllama"] | None = None

    @model_validator(mode="after")
    def _password_fits(self) -> Self:
        if self.password and not self.url:
            message = "password: the database is a file and takes none; give url for one on a server"
            raise ValueError(message)
        return self


class Settings(Section):
    """Everything that the TOML file says; frozen."""

    employee: Employee
    mailboxes: Annotated[tuple[Mailbox, ...], Field(alias="mailbox")]
    reading: Reading = Reading()
    smtp: Smtp | None = None
    model: Model
    session: SessionSettings = SessionSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    mcp: Annotated[dict[str, OutsideServer], AfterValidator(named)] = Field(default_factory=dict)
    autonomy: AutonomySettings = AutonomySettings()
    hours: HoursSettings = HoursSettings()
    web: WebSettings = WebSettings()
    digest: DigestSettings | None = None
    limits: Limits = Limits()
    retry: Retry = Retry()
    service: ServiceSettings = ServiceSettings()

    @field_validator("mailboxes")
    @classmethod
    def _at_least_one(cls, mailboxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
        """Refuse an empty list here: as a bound of the field it would be reported beside each bad mailbox."""
        if not mailboxes:
            message = "give at least one mailbox to work"
            raise ValueError(message)
        return mailboxes

    @field_validator("mailboxes")
    @classmethod
    def _named_apart(cls, mailboxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
        names = [mailbox.name for mailbox in mailboxes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            message = f"two mailboxes are called {twice}; give each a label of its own"
            raise ValueError(message)
        return mailboxes

    def mailbox(self, name: str) -> Mailbox | None:
        """Give the mailbox of that name, None where it has left the config."""
        return next((mailbox for mailbox in self.mailboxes if mailbox.name == name), None)

    def handled(self, name: str) -> Handled:
        """Say what is done with every handled mail of a mailbox."""
        mailbox = self.mailbox(name)
        return mailbox.handled if mailbox else Handled()

    @model_validator(mode="after")
    def _keeps_transcripts_apart(self) -> Self:
        store, database = self.session.store, (self.service.state / "knowledge.db").resolve()
        if store and store.file == database:
            message = f"session.store.url is the knowledge database ({database}); transcripts need one of their own"
            raise ValueError(message)
        served = self.knowledge.url
        if store and served and store.kind == "postgresql" and is_same_database(store.url, served):
            message = "session.store.url is the knowledge database (knowledge.url); transcripts need one of their own"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _digest_can_leave(self) -> Self:
        if self.digest is None:
            return self
        if self.smtp is None:
            message = "digest: mail leaves through [smtp], and there is no such section"
            raise ValueError(message)
        if own := next((to for to in self.digest.to if to.lower() in self.employee.own_addresses), None):
            message = f"digest.to: {own} is the employee's own address"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _autonomy_fits(self) -> Self:
        given = [("categories", tuple(self.autonomy.categories))]
        given += [(f"wider[{at}].categories", each.categories) for at, each in enumerate(self.autonomy.wider)]
        for key, names in given:
            if unknown := next((name for name in names if name not in self.employee.categories), None):
                message = f"autonomy.{key}: {unknown!r} is none of employee.categories"
                raise ValueError(message)
        if own := next(
            (to for to in self.autonomy.addressees.values() if to.lower() in self.employee.own_addresses), None
        ):
            message = f"autonomy.addressees: {own} is the employee's own address"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        """See that what may leave has a way out: else it would wait for an approval that nothing could come of."""
        wanted = [Effect.REPLY, *([Effect.FORWARD] if self.autonomy.addressees else [])]
        if self.smtp is None and (effect := next(filter(self.autonomy.sends, wanted), None)):
            narrow = '"draft" or "never"' if effect is Effect.REPLY else '"never"'
            message = f"autonomy.{effect}: a mail could leave, and there is no [smtp]; give one, or {narrow}"
            raise ValueError(message)
        return self

    @property
    def addressees(self) -> dict[str, str]:
        """To whom mail may be forwarded, by the names that the employee knows."""
        return self.autonomy.addressees if self.autonomy.sends(Effect.FORWARD) else {}

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders to which the employee may move a mail, of whichever mailbox."""
        return tuple(dict.fromkeys(folder for mailbox in self.mailboxes for folder in mailbox.folders))

    @property
    def standing_orders(self) -> str:
        """The text of the standing orders file; ``load`` has seen that it is there."""
        return self.employee.orders.read_text(encoding="utf-8")
