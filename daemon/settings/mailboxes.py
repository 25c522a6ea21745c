"""What the config says of the mailboxes."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from daemon.fields import Line, Port, Seconds, Section, Security, Words
from daemon.judgement.policy import Handled
from daemon.oauth import SignIn
from daemon.secret import Secret

PORTS = {"tls": 993, "starttls": 143, "none": 143}
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
        watched = set(map(self._folder_key, self.watch))
        if self.handled_folder and self._folder_key(self.handled_folder) in watched:
            message = (
                f"handled_folder is a watched folder itself ({self.handled_folder}); choose another or leave it empty"
            )
            raise ValueError(message)
        twice = [folder for folder in self.folders if self._folder_key(folder) in watched]
        if twice:
            message = f"folders holds a watched folder itself ({twice[0]}); leave it out"
            raise ValueError(message)
        if len(watched) < len(self.watch):
            message = f"watch names a folder twice: {', '.join(self.watch)}"
            raise ValueError(message)
        return self

    @staticmethod
    def _folder_key(name: str) -> str:
        """Compare folder names: INBOX is the same in any case (RFC 3501, 5.1), others are not."""
        return "INBOX" if name.upper() == "INBOX" else name

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

    @staticmethod
    def _folder_key(name: str) -> str:
        """Compare folder names as Maildir++ spells their directories: a dot and a slash are the same."""
        return "INBOX" if name.upper() == "INBOX" else name.removeprefix("INBOX/").replace("/", ".")

    @model_validator(mode="after")
    def _flags_have_letters(self) -> Self:
        if self.handled_flag and self.handled_flag not in LETTERS:
            message = f"a Maildir knows only the flags {', '.join(LETTERS)}; found {self.handled_flag}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _folders_lie_in_it(self) -> Self:
        """Refuse what is no name: as Maildir++ has it, "." and "/" would be the directory above the Maildir."""
        names = (*self.watch, self.drafts, self.sent, *self.folders, self.handled_folder)
        bad = next((name for name in filter(None, names) if not all(part.strip(".") for part in name.split("/"))), None)
        if bad:
            message = f"{bad!r} is no folder of a Maildir: between the slashes there must be something besides dots"
            raise ValueError(message)
        return self


def _kind_of_mailbox(value: object) -> str:
    return "maildir" if isinstance(value, dict) and "maildir" in value else "imap"


Mailbox = Annotated[
    Annotated[ImapMailbox, Tag("imap")] | Annotated[MaildirMailbox, Tag("maildir")], Discriminator(_kind_of_mailbox)
]
