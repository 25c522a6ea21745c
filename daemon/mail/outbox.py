"""The effects on the mailbox. Each can be looked for afterwards, so that none is done twice after a crash."""

from dataclasses import dataclass

from daemon.errors import GoneError
from daemon.mail.imap import Imap

DRAFT_FLAGS = ("\\Draft",)
DRAFTS_ATTRIBUTE = "\\Drafts"
COMMON_NAMES = ("Drafts", "INBOX.Drafts", "INBOX/Drafts")


@dataclass(frozen=True)
class Place:
    """Where a mail was when it was received."""

    folder: str
    uidvalidity: int
    uid: int


class Outbox:
    """Stores drafts, flags and moves, on a connection of its own."""

    def __init__(self, imap: Imap, drafts: str) -> None:
        """``drafts`` names the drafts folder; empty means: find it by its attribute."""
        self._imap = imap
        self._drafts = drafts

    def find_drafts(self) -> str | None:
        """Find the folder for drafts: configured, by attribute (RFC 6154), or by name; None where there is none."""
        if self._drafts:
            return self._drafts
        folders = self._imap.folders()
        special = [name for name, attributes in folders.items() if DRAFTS_ATTRIBUTE in attributes]
        return next(iter([*special, *(name for name in COMMON_NAMES if name in folders)]), None)

    def drafts_folder(self) -> str:
        """Find the folder for drafts, or create it; what was found is kept."""
        found = self.find_drafts()
        if found is None:
            found = COMMON_NAMES[0]
            self._imap.create(found)
        self._drafts = found
        return found

    def store_draft(self, raw: bytes) -> None:
        """APPEND the draft; UncertainError where nobody knows whether it arrived."""
        self._imap.append(self.drafts_folder(), raw, DRAFT_FLAGS)

    def has_draft(self, message_id: str) -> bool:
        """Look for a draft by its Message-ID."""
        self._imap.select(self.drafts_folder(), readonly=True)
        return self._imap.find(message_id)

    def flag(self, place: Place, flag: str) -> None:
        """Set a flag on the mail; GoneError where the mail is no longer there."""
        self._open(place)
        self._imap.add_flag(place.uid, flag)

    def move(self, place: Place, folder: str) -> None:
        """Move the mail; GoneError where it is no longer there."""
        self._open(place)
        self._imap.create(folder)
        self._imap.select(place.folder)
        self._imap.move(place.uid, folder)

    def is_there(self, place: Place) -> bool:
        """Say whether the mail is still where it was received."""
        try:
            self._open(place)
        except GoneError:
            return False
        return True

    def reconnect(self) -> None:
        """Drop the connection, so that the next look is on a new one."""
        self._imap.close()

    close = reconnect

    def abort(self) -> None:
        """Break off a call that another thread is waiting in."""
        self._imap.abort()

    def _open(self, place: Place) -> None:
        folder = self._imap.select(place.folder)
        if folder.uidvalidity != place.uidvalidity or not self._imap.has_uid(place.uid):
            message = f"the mail is no longer in {place.folder}"
            raise GoneError(message)
