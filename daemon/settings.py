"""TOML to frozen settings, or a refusal to start that names file, key, what is wrong and what is allowed."""

import json
import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationError, field_validator, model_validator

from daemon.errors import FatalError
from daemon.fields import Dollars, Email, Line, Port, Price, Seconds, Section, Security, Words
from daemon.judgement.money import LIST_PRICES, Budget, Prices
from daemon.judgement.policy import Handled
from daemon.judgement.retry import Pauses
from daemon.oauth import SignIn
from daemon.secret import Secret

DEFAULT_PATH = Path("/etc/clerkd/clerkd.toml")
PORTS = {"tls": 993, "starttls": 143, "none": 143}
SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}

SECRETS = frozenset({"password", "api_key", "client_secret", "token"})
# The flags that a Maildir's file name can carry.
LETTERS = ("\\Answered", "\\Flagged", "\\Seen", "\\Draft", "\\Deleted")


def _since(value: object) -> object:
    if value in ("new", "all"):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _known_since(value: object) -> object:
    if value is None:
        message = 'must be "new", "all", or a date in quotes such as "2026-11-01"'
        raise ValueError(message)
    return value


Since = Annotated[Literal["new", "all"] | date, BeforeValidator(lambda value: _known_since(_since(value)))]


class Employee(Section):
    """Who the employee is."""

    name: Words
    address: Email
    aliases: tuple[Email, ...] = ()
    orders: Path = Path("employee.md")
    categories: Annotated[tuple[Words, ...], Field(min_length=1)] = (
        "question", "complaint", "order", "invoice", "outage", "cancellation", "application", "suspicious", "other",
    )  # fmt: skip
    signature: Annotated[str, Field(max_length=2000)] = ""

    @property
    def own_addresses(self) -> frozenset[str]:
        """All addresses under which the employee itself writes, in lower case."""
        return frozenset(address.lower() for address in (self.address, *self.aliases))


class Watched(Section):
    """What is the same for every mailbox, wherever its mail lies."""

    label: Line = ""
    watch: Annotated[tuple[Words, ...], Field(min_length=1)] = ("INBOX",)
    drafts: Line = ""
    sent: Line = ""
    since: Since = "new"
    poll_seconds: Annotated[float, Field(ge=0.05, le=86400)] = 30
    follow_seconds: Annotated[float, Field(ge=0.05, le=86400)] = 300
    folders: tuple[Words, ...] = ()
    handled_flag: Line = ""
    handled_folder: Line = ""
    largest_mail: Annotated[int, Field(ge=1024)] = 26_214_400
    authserv_id: Line = ""
    authserv_strips_forgeries: bool = False

    @property
    def handled(self) -> Handled:
        """What is done with every handled mail."""
        return Handled(self.handled_flag, self.handled_folder)

    @model_validator(mode="after")
    def _moves_lead_elsewhere(self) -> Self:
        """Refuse moves into a watched folder: there each would come in as a new mail, for ever."""
        watched = set(map(_folder_key, self.watch))
        if self.handled_folder and _folder_key(self.handled_folder) in watched:
            message = (
                f"handled_folder is a watched folder itself ({self.handled_folder}); choose another or leave it empty"
            )
            raise ValueError(message)
        twice = [folder for folder in self.folders if _folder_key(folder) in watched]
        if twice:
            message = f"folders holds a watched folder itself ({twice[0]}); leave it out"
            raise ValueError(message)
        if len(watched) < len(self.watch):
            message = f"watch names a folder twice: {', '.join(self.watch)}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _border_is_confirmed(self) -> Self:
        """Believe Authentication-Results only where the operator says that nobody else can have written them."""
        if bool(self.authserv_id) != self.authserv_strips_forgeries:
            message = (
                "authserv_id and authserv_strips_forgeries = true belong together: name your border server only if it "
                "takes that name's Authentication-Results out of incoming mail (RFC 8601, section 5)"
            )
            raise ValueError(message)
        return self


class ImapMailbox(Watched):
    """A mailbox on an IMAP server."""

    host: Words
    port: Port | None = None
    security: Security = "tls"
    user: Words
    password: Secret | None = None
    sign_in: SignIn | None = None
    ca_file: Path | None = None
    timeout_seconds: Seconds = 60

    @property
    def effective_port(self) -> int:
        """The configured port, or the usual one for the kind of security."""
        return self.port or PORTS[self.security]

    @property
    def name(self) -> str:
        """The mailbox's name in the ledger."""
        return self.label or f"{self.user}@{self.host}"

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.password is None) == (self.sign_in is None):
            message = "give either password or [mailbox.sign_in], one of them"
            raise ValueError(message)
        return self


class MaildirMailbox(Watched):
    """A Maildir on this machine, as Postfix or fdm deliver it."""

    maildir: Path

    @property
    def name(self) -> str:
        """The mailbox's name in the ledger."""
        return self.label or str(self.maildir)

    @model_validator(mode="after")
    def _flags_have_letters(self) -> Self:
        if self.handled_flag and self.handled_flag not in LETTERS:
            message = f"a Maildir knows only the flags {', '.join(LETTERS)}; found {self.handled_flag}"
            raise ValueError(message)
        return self


def _kind_of_mailbox(value: object) -> str:
    return "maildir" if isinstance(value, dict) and "maildir" in value else "imap"


Mailbox = Annotated[
    Annotated[ImapMailbox, Tag("imap")] | Annotated[MaildirMailbox, Tag("maildir")], Discriminator(_kind_of_mailbox)
]


class Smtp(Section):
    """The submission server; ``clerkd check`` signs in to it, nothing is sent yet."""

    host: Words
    port: Port | None = None
    security: Security = "starttls"
    user: Words
    password: Secret
    timeout_seconds: Seconds = 60

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


class Settings(Section):
    """Everything that the TOML file says; frozen."""

    employee: Employee
    mailboxes: Annotated[tuple[Mailbox, ...], Field(alias="mailbox")]
    reading: Reading = Reading()
    smtp: Smtp | None = None
    model: Model
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

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders to which the employee may move a mail, of whichever mailbox."""
        return tuple(dict.fromkeys(folder for mailbox in self.mailboxes for folder in mailbox.folders))

    @property
    def standing_orders(self) -> str:
        """The text of the standing orders file; ``load`` has seen that it is there."""
        return self.employee.orders.read_text(encoding="utf-8")


def _folder_key(name: str) -> str:
    """Compare folder names: INBOX is the same in any case (RFC 3501, 5.1), others are not."""
    return "INBOX" if name.upper() == "INBOX" else name


def locate(given: Path | None) -> Path:
    """Find the config file: ``--config``, then ``$CLERKD_CONFIG``, then /etc/clerkd/clerkd.toml."""
    if given:
        return given
    named = os.environ.get("CLERKD_CONFIG")
    return Path(named) if named else DEFAULT_PATH


def load(given: Path | None) -> Settings:
    """Read and check the config; raise FatalError with one line for each thing that is wrong."""
    path = locate(given)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{path}: there is no config file here. Write one with: clerkd init --config {path}"
        raise FatalError(message) from None
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        raise FatalError(message) from None
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: is not valid TOML: {error}"
        raise FatalError(message) from None
    return _checked(raw, path)


def _checked(raw: dict[str, object], path: Path) -> Settings:
    try:
        # JSON's strict mode is TOML's: text is no number, yet a path may be written as text.
        settings = Settings.model_validate_json(json.dumps(_listed(raw), default=_no_json), strict=True)
    except ValidationError as error:
        lone = _is_lone(raw.get("mailbox"))
        lines = [f"{path}: {_where(item['loc'], lone=lone)}: {_what(dict(item))}" for item in error.errors()]
        raise FatalError("\n".join(lines)) from None
    return _with_orders(settings, path)


def refuse_missing_secrets(settings: Settings, path: Path) -> None:
    """Raise FatalError where a secret's file, credential or variable is not there: the service would only pause."""
    sources = [*_mailbox_secrets(settings), ("model.api_key", settings.model.api_key)]
    if settings.smtp:
        sources.append(("smtp.password", settings.smtp.password))
    lines = [f"{path}: {key}: {why}" for key, secret in sources if (why := secret.missing())]
    if lines:
        raise FatalError("\n".join(lines))


def _mailbox_secrets(settings: Settings) -> list[tuple[str, Secret]]:
    """List the passwords and the secrets of the sign-ins, under the names of their keys."""
    found: list[tuple[str, Secret | None]] = []
    for name, mailbox in _by_key(settings):
        if isinstance(mailbox, ImapMailbox):
            found.append((f"{name}.password", mailbox.password))
            for key in ("client_secret", "token"):
                found += [(f"{name}.sign_in.{key}", getattr(mailbox.sign_in, key, None))]
    return [(key, secret) for key, secret in found if secret]


def _by_key(settings: Settings) -> list[tuple[str, Mailbox]]:
    """List the mailboxes under their keys, as ``_where`` names them."""
    lone = _is_lone(settings.mailboxes)
    return [("mailbox" if lone else f"mailbox[{place}]", mailbox) for place, mailbox in enumerate(settings.mailboxes)]


def _is_lone(mailbox: object) -> bool:
    """Say whether there is one mailbox only, which needs no number."""
    return not isinstance(mailbox, (list, tuple)) or len(mailbox) == 1


def _listed(raw: dict[str, object]) -> dict[str, object]:
    """Take a lone [mailbox] for a list of one; several are written as [[mailbox]]."""
    mailbox = raw.get("mailbox", [])
    return raw if isinstance(mailbox, list) else {**raw, "mailbox": [mailbox]}


def _no_json(value: object) -> dict[str, str]:
    """Stand in for a TOML date or time, which no key takes, with something that no key takes either."""
    return {"date": str(value)}


def _with_orders(settings: Settings, path: Path) -> Settings:
    """Take the orders' path as relative to the config file, and see that the file can be read."""
    orders = (path.parent / settings.employee.orders).resolve()
    try:
        orders.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"{path}: employee.orders: the standing orders {orders} cannot be read: {why}"
        raise FatalError(message) from None
    for key, mailbox in _by_key(settings):
        _refuse_missing_files(mailbox, f"{path}: {key}")
    employee = settings.employee.model_copy(update={"orders": orders})
    return settings.model_copy(update={"employee": employee})


def _refuse_missing_files(mailbox: Mailbox, key: str) -> None:
    if isinstance(mailbox, MaildirMailbox) and not mailbox.maildir.is_dir():
        message = f"{key}.maildir: there is no such directory: {mailbox.maildir}"
        raise FatalError(message)
    authority = mailbox.ca_file if isinstance(mailbox, ImapMailbox) else None
    if authority and not authority.is_file():
        message = f"{key}.ca_file: there is no such file: {authority}"
        raise FatalError(message)


def _where(location: tuple[int | str, ...], *, lone: bool) -> str:
    """Name a key as it stands in the file: a lone mailbox has no number, and the kind of a thing is no key."""
    names = list(location)
    if names[:1] == ["mailbox"] and len(names) > 1:
        names[:2] = ["mailbox" if lone else f"mailbox[{names[1]}]"]
        del names[1:2]
        if names[1:2] == ["sign_in"]:
            del names[2:3]
    return ".".join(map(str, names)) or "the file"


def _what(item: dict[str, object]) -> str:
    """Say what is wrong; the value is shown only where it cannot be a secret."""
    if item["type"] == "extra_forbidden":
        return "unknown key; see config/clerkd.toml for every key that there is"
    if item["type"] == "union_tag_not_found":
        return "way is missing and has no default"
    if item["type"] == "missing":
        return "is missing and has no default"
    message = str(item["msg"]).removeprefix("Value error, ")
    value = item.get("input")
    location = item["loc"]
    secret = isinstance(location, tuple) and not SECRETS.isdisjoint(location)
    shown = isinstance(value, (str, int, float, bool)) and item["type"] != "value_error" and not secret
    return f"{message} (found {value!r})" if shown else message
