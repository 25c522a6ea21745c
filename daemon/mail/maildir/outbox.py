"""What the employee does in a Maildir: drafts stored, looked for and followed, mails flagged and moved."""

import errno
from collections.abc import Callable, Sequence
from pathlib import Path

from daemon.errors import GoneError, PermanentError, TransientError
from daemon.mail.imap import PART
from daemon.mail.maildir.folder import VALIDITY, Folder, arrived, head, mtime, sync
from daemon.mail.outbox import DRAFT_FLAGS, LARGEST_SIGHTING, MOST_SIGHTINGS, SENT_FLAGS, Place, Sighting, Trail

FULL = (errno.ENOSPC, errno.EDQUOT)
LETTERS = {"\\Answered": "R", "\\Flagged": "F", "\\Seen": "S", "\\Draft": "D", "\\Deleted": "T"}

NameOf = Callable[[str, int], str | None]


class MaildirOutbox:
    """Stores drafts, flags and moves in a Maildir."""

    def __init__(self, root: Path, drafts: str, sent: str, name_of: NameOf) -> None:
        """``drafts`` and ``sent`` name these folders; ``name_of`` gives the unique name behind a number."""
        self._root = root
        self._drafts = Folder(root, drafts or "Drafts")
        self._sent = Folder(root, sent or "Sent")
        self._name_of = name_of

    def find_drafts(self) -> str | None:
        """Name the folder for drafts; None where it is still to be made."""
        return self._drafts.name if self._drafts.path.is_dir() else None

    def store_draft(self, raw: bytes) -> None:
        """Write the draft."""
        _guarded(lambda: self._drafts.store(raw, _letters(DRAFT_FLAGS)), "a draft cannot be stored")

    def store_sent(self, raw: bytes) -> None:
        """Write a copy of what was sent."""
        _guarded(lambda: self._sent.store(raw, _letters(SENT_FLAGS)), "a copy of what was sent cannot be stored")

    def has_draft(self, message_id: str) -> bool:
        """Look for a draft by its Message-ID, where it was stored and where it goes when a person sends it."""
        return bool(_with_field(self._drafts, b"message-id", message_id)) or self.has_sent(message_id)

    def has_sent(self, message_id: str) -> bool:
        """Look for a mail of ours by its Message-ID among what was sent."""
        return bool(_with_field(self._sent, b"message-id", message_id))

    def look_for(self, trail: Trail) -> list[Sighting]:
        """Find what became of a draft, among the drafts and in what was sent."""
        folders = ((self._drafts, False), (self._sent, True))
        return [sighting for folder, sent in folders for sighting in _sightings(folder, trail, sent=sent)]

    def flag(self, place: Place, flag: str) -> None:
        """Set a flag, which is a letter in the file's name; GoneError where the mail is no longer there."""
        if flag not in LETTERS:
            message = f"the flag {flag!r} cannot be set: a Maildir has no letter for it"
            raise PermanentError(message)
        self._rename(place, Folder(self._root, place.folder), LETTERS[flag])

    def move(self, place: Place, folder: str, *, again: bool = False) -> None:  # noqa: ARG002 - a rename has no half
        """Move the mail; GoneError where it is no longer there."""
        self._rename(place, Folder(self._root, folder))

    def _rename(self, place: Place, folder: Folder, letter: str = "") -> None:
        def rename(path: Path) -> Path:
            folder.create()
            letters = sorted({*path.name.partition(":2,")[2], *letter})
            return path.rename(folder.path / "cur" / f"{path.name.partition(':')[0]}:2,{''.join(letters)}")

        def effect() -> None:
            moved = Folder(self._root, place.folder).reach(self._unique(place), rename)
            if moved is None:
                raise _gone(place)
            sync(moved.parent)

        _guarded(effect, f"the mail cannot be put into {folder.name!r}")

    def is_there(self, place: Place) -> bool:
        """Say whether the mail is still where it was received."""
        try:
            return self._unique(place) in Folder(self._root, place.folder).files()
        except GoneError:
            return False

    def _unique(self, place: Place) -> str:
        """Give the unique name of a mail; one that was received from a server under that number is another one."""
        unique = self._name_of(place.folder, place.uid) if place.uidvalidity == VALIDITY else None
        if unique is None:
            raise _gone(place)
        return unique

    def reconnect(self) -> None:
        """Do nothing: there is no connection that could be stale."""

    close = abort = reconnect


def _guarded(effect: Callable[[], None], what: str) -> None:
    """Carry out an effect on the files; TransientError where the disk is full, PermanentError for any other refusal."""
    try:
        effect()
    except OSError as error:
        message = f"{what}: {error.strerror}"
        if error.errno in FULL:
            raise TransientError(PART, message, "refused") from error
        raise PermanentError(message) from error


def _gone(place: Place) -> GoneError:
    return GoneError(f"the mail is no longer in {place.folder}")


def _letters(flags: Sequence[str]) -> str:
    return "".join(sorted(LETTERS[flag] for flag in flags))


def _sightings(folder: Folder, trail: Trail, *, sent: bool) -> list[Sighting]:
    found = _with_field(folder, b"message-id", trail.own_id)
    if not found and trail.answers:
        found = _with_field(folder, b"in-reply-to", trail.answers)
    latest = sorted(found, key=lambda unique: mtime(found[unique]))[-MOST_SIGHTINGS:]
    read = (folder.reach(unique, lambda path: _sighting(path, sent=sent), found[unique]) for unique in latest)
    return [sighting for sighting in read if sighting]


def _sighting(path: Path, *, sent: bool) -> Sighting:
    whole = path.stat().st_size <= LARGEST_SIGHTING
    return Sighting(path.read_bytes() if whole else head(path), arrived(path), sent=sent, whole=whole)


def _with_field(folder: Folder, name: bytes, value: str) -> dict[str, Path]:
    """Give the mails of a folder whose header field has this value; none where there is no such folder."""
    files = folder.files() if folder.path.is_dir() else {}

    def has(path: Path) -> bool:
        return _field(path, name) == value

    return {unique: path for unique, path in files.items() if folder.reach(unique, has, path)}


def _field(path: Path, name: bytes) -> str:
    """Read one header field of a mail, unfolded; nothing where it is not there."""
    lines = head(path).replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n")
    found = (line.partition(b":") for line in lines)
    return next((value.strip().decode("ascii", "replace") for key, _, value in found if key.lower() == name), "")
