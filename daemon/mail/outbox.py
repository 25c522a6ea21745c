"""The effects on the mailbox. Each can be looked for afterwards, so that none is done twice after a crash."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon.errors import GoneError
from daemon.mail.imap import Fetched, Imap, Listed

DRAFT_FLAGS = ("\\Draft",)
SENT_FLAGS = ("\\Seen",)
# Found by their attributes (RFC 6154), else by the names that they usually have.
DRAFTS, SENT = "\\Drafts", "\\Sent"
USUAL = {DRAFTS: ("Drafts",), SENT: ("Sent", "Sent Items", "Sent Messages")}
LARGEST_SIGHTING = 1_000_000
MESSAGE_ID = re.compile(rb"^message-id:\s*(<[!-;=?-~]+>)", re.IGNORECASE | re.MULTILINE)
MOST_SIGHTINGS = 5
LARGEST_TWIN = 30_000_000
MOST_TWINS = 50  # how far back a copy without a Message-ID is looked for; others may be put into the folder meanwhile


@dataclass(frozen=True)
class Place:
    """Where a mail was when it was received."""

    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True)
class Trail:
    """What leads to a draft once a person had it in hand: its own Message-ID, and the one that it answers."""

    own_id: str
    answers: str


@dataclass(frozen=True)
class Sighting:
    """A mail that a trail led to, among the drafts or in what was sent; of a very large one only the header."""

    raw: bytes
    seen_at: datetime
    sent: bool
    whole: bool = True


class Outbox:
    """Stores drafts, flags and moves, on a connection of its own."""

    def __init__(self, imap: Imap, drafts: str, sent: str = "") -> None:
        """``drafts`` and ``sent`` name these folders; empty means: find them by their attributes."""
        self._imap = imap
        self._named = {DRAFTS: drafts, SENT: sent}

    def find_drafts(self) -> str | None:
        """Find the folder for drafts; None where there is none."""
        return self._find(DRAFTS)

    def _find(self, attribute: str) -> str | None:
        """Find a special folder: configured, by attribute (RFC 6154), or by its usual name; what was found is kept."""
        if not self._named[attribute]:
            folders = self._imap.folders()
            special = [name for name, attributes in folders.items() if attribute in attributes]
            usual = [name for name in map(self._at_home, USUAL[attribute]) if name in folders]
            self._named[attribute] = next(iter([*special, *usual]), "")
        return self._named[attribute] or None

    def _at_home(self, name: str) -> str:
        """Put a name where one's own folders are: some servers keep them all under INBOX (RFC 2342)."""
        return f"{self._imap.prefix()}{name}"

    def drafts_folder(self) -> str:
        """Find the folder for drafts, or create it."""
        found = self._find(DRAFTS)
        if found is None:
            found = self._named[DRAFTS] = self._at_home(USUAL[DRAFTS][0])
            self._imap.create(found)
        return found

    def store_draft(self, raw: bytes) -> None:
        """APPEND the draft; UncertainError where nobody knows whether it arrived."""
        self._imap.append(self.drafts_folder(), raw, DRAFT_FLAGS)

    def store_sent(self, raw: bytes) -> None:
        """APPEND a copy of what was sent; UncertainError where nobody knows whether it arrived."""
        folder = self._find(SENT)
        if folder is None:
            folder = self._named[SENT] = self._at_home(USUAL[SENT][0])
            self._imap.create(folder)
        self._imap.append(folder, raw, SENT_FLAGS)

    def has_draft(self, message_id: str) -> bool:
        """Look for a draft by its Message-ID, where it was stored and where it goes when a person sends it."""
        self._imap.select(self.drafts_folder(), readonly=True)
        return bool(self._imap.find(message_id)) or self.has_sent(message_id)

    def has_sent(self, message_id: str) -> bool:
        """Look for a mail of ours by its Message-ID among what was sent."""
        sent = self._find(SENT)
        if sent is None:
            return False
        self._imap.select(sent, readonly=True)
        return bool(self._imap.find(message_id))

    def look_for(self, trail: Trail) -> list[Sighting]:
        """Find what became of a draft, among the drafts and in what was sent."""
        return [sighting for attribute in (DRAFTS, SENT) for sighting in self._sightings(attribute, trail)]

    def _sightings(self, attribute: str, trail: Trail) -> list[Sighting]:
        folder = self._find(attribute)
        if folder is None:
            return []
        self._imap.select(folder, readonly=True)
        uids = self._imap.find(trail.own_id) or (self._imap.find_answers(trail.answers) if trail.answers else [])
        listed = self._imap.listing(uids[-MOST_SIGHTINGS:])
        mails = self._imap.fetch(listed, LARGEST_SIGHTING)
        sent = attribute == SENT
        return [Sighting(mail.raw, mail.arrived_at, sent=sent, whole=mail.whole) for mail in mails]

    def flag(self, place: Place, flag: str) -> None:
        """Set a flag on the mail; GoneError where the mail is no longer there."""
        self._open(place)
        self._imap.add_flag(place.uid, flag)

    def move(self, place: Place, folder: str, *, again: bool = False) -> None:
        """Move the mail; GoneError where it is no longer there.

        ``again`` says that an earlier try may have come half the way. A server without MOVE has to copy and delete:
        cut off between the two, the copy is there already, and is not made a second time.
        """
        self._open(place)
        self._imap.create(folder)
        if self._imap.can_move():
            self._imap.select(place.folder)
            self._imap.move(place.uid, folder)
            return
        copied = again and self._is_copied(place, folder)
        self._imap.select(place.folder)
        if not copied:
            self._imap.copy(place.uid, folder)
        self._imap.delete(place.uid)

    def _is_copied(self, place: Place, folder: str) -> bool:
        """Look for the mail's copy, byte by byte: under its Message-ID, else among the newest mails of the folder.

        Of two mails with the same bytes, one that was moved before passes for the copy of the other: one is kept. One
        that is too large to compare counts as not copied, since a second copy is better than none.
        """
        self._imap.select(place.folder, readonly=True)
        mails = self._whole(self._imap.listing([place.uid]))
        heads = [mail.raw.partition(b"\r\n\r\n")[0] for mail in mails]
        ids = [match[1].decode() for head in heads if (match := MESSAGE_ID.search(head))]
        self._imap.select(folder, readonly=True)
        twins = self._imap.find(ids[0]) if ids else []
        listed = self._imap.listing(twins or self._imap.new_uids(0)[-MOST_TWINS:])
        alike = [twin for twin in listed if twin.size in {mail.size for mail in mails}]
        return any(twin.raw == mail.raw for twin in self._whole(alike) for mail in mails)

    def _whole(self, listed: Sequence[Listed]) -> list[Fetched]:
        return [mail for mail in self._imap.fetch(listed, LARGEST_TWIN) if mail.whole and mail.raw]

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
