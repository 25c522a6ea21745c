"""The session's transcript on disk: where its settled end is, and how all that follows is cut off.

The CLI writes one JSON object a line and never syncs. Cutting after a committed entry, with no CLI alive,
resumes under the same id and uuids; a plain resume after a failure loses settled turns (measured).
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from claude_agent_sdk import project_key_for_directory

TAIL = 65_536
NOT_THERE = "the transcript does not hold its settled end"


class TranscriptError(Exception):
    """The transcript is missing, shorter than its head, or does not hold the head's entry."""


@dataclass(frozen=True)
class Head:
    """The last settled entry and the byte offset behind its line."""

    uuid: str
    offset: int


def path_of(config: Path, desk: Path, session_id: str) -> Path:
    """Say where the CLI keeps the transcript of a session that works in the directory ``desk``."""
    return config / "projects" / project_key_for_directory(str(desk)) / f"{session_id}.jsonl"


def find(path: Path, start: int, first: str, last: str) -> Head:
    """Find a turn's last entry behind ``start``, and see that its prompt stands there too."""
    ends = dict(_entries(path, start))
    if first not in ends or last not in ends:
        message = "the turn's entries are not in the transcript"
        raise TranscriptError(message)
    return Head(last, ends[last])


def sync(path: Path) -> None:
    """Bring the transcript and its directory entry to the disk."""
    for target in (path, path.parent):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def cut(path: Path, head: Head) -> None:
    """Cut off everything behind the head; raise TranscriptError, changing nothing, where the head is not there."""
    if not holds(path, head):
        raise TranscriptError(NOT_THERE)
    if path.stat().st_size > head.offset:
        os.truncate(path, head.offset)
    sync(path)


def fork(source: Path, head: Head, target: Path) -> Head:
    """Copy a transcript up to a head, and give the head of the copy; raise TranscriptError where it is not there.

    The CLI keeps a session's first system prompt and tools in the transcript and goes on with them (measured). They are
    taken out of the copy, so a fork takes those that it is given; with the same ones it sends the same (measured).
    """
    if not holds(source, head):
        raise TranscriptError(NOT_THERE)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.touch(0o600, exist_ok=False)
    with source.open("rb") as original, target.open("wb") as copy:
        read = 0
        while read < head.offset:
            line = original.readline()
            if not line:  # cut off meanwhile: the service has rolled the session back
                raise TranscriptError(NOT_THERE)
            read += len(line)
            copy.write(_without_snapshot(line))
        return Head(head.uuid, copy.tell())


def _without_snapshot(line: bytes) -> bytes:
    """Put an entry without meaning in the place of a snapshot, so that the chain of entries stays whole."""
    if b'"prompt_snapshot"' not in line:
        return line
    entry = json.loads(line)
    attachment = entry.get("attachment")
    if not isinstance(attachment, dict) or attachment.get("type") != "prompt_snapshot":
        return line
    return json.dumps({**entry, "attachment": {"type": "session_context", "context": {}}}).encode() + b"\n"


def holds(path: Path, head: Head) -> bool:
    """Say whether the line that ends at the head's offset is the head's entry, and every line before it is whole.

    The CLI would resume all the same where some are not, and the model would see a conversation with holes (measured).
    To read them all costs some 10 ms a megabyte (measured).
    """
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < head.offset:
                return False
            if _uuid(_line_before(file.fileno(), head.offset)) != head.uuid:
                return False
    except OSError:
        return False
    return sound_until(path, head.offset) >= head.offset


def sound_until(path: Path, end: int | None = None) -> int:
    """Say up to where each line is a whole entry, in bytes; looked for up to ``end``, or the end of the transcript."""
    offset = 0
    try:
        with path.open("rb") as file:
            for line in file:
                if (end is not None and offset >= end) or not _is_whole(line):
                    break
                offset += len(line)
    except OSError:
        return 0
    return offset


def _line_before(descriptor: int, end: int) -> bytes:
    """Read the whole line that ends at ``end``; nothing where no line ends there."""
    size = TAIL
    while True:
        start = max(0, end - size)
        block = os.pread(descriptor, end - start, start)
        if not block.endswith(b"\n"):
            return b""
        line = block[:-1].rpartition(b"\n")
        if line[1] or start == 0:
            return line[2]
        size *= 4


def _entries(path: Path, start: int) -> Iterator[tuple[str, int]]:
    """Yield the uuid of each whole line behind ``start`` with the offset behind it."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            offset = start
            for line in file:
                offset += len(line)
                if line.endswith(b"\n") and (uuid := _uuid(line)):
                    yield uuid, offset
    except OSError as error:
        message = f"the transcript cannot be read: {error.strerror}"
        raise TranscriptError(message) from error


def _is_whole(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _uuid(line: bytes) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    uuid = entry.get("uuid") if isinstance(entry, dict) else None
    return uuid if isinstance(uuid, str) else None
