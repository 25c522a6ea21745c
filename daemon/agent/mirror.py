"""The mirror: brings a session store to exactly what is settled of a transcript, and a transcript back from there.

What stands behind the settled end is never left in the store, so a session that is resumed from it has no dropped turn;
and before anything is appended after a failure, the store is asked how far it is, so there is never a hole.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon.agent.badge import Badge
from daemon.agent.store.base import LineStore, Place, StoreError, TakenError
from daemon.agent.transcript import Head, holds, sync

LONGEST_BATCH = 1_048_576  # bytes that are written at once
LINES_AT_ONCE = 500  # that are read at once
UNREADABLE = "the transcript cannot be read up to its settled end"

Progress = Callable[[], None]


class UnreadableError(StoreError):
    """The transcript is not what it should be: no fault of the store's."""

    def __init__(self) -> None:
        """There is one thing to say."""
        super().__init__(UNREADABLE)


@dataclass
class _Reached:
    """How far the store is known to hold a transcript: bytes, lines, and the last of them."""

    session: str
    offset: int = 0
    count: int = 0
    last: str = ""

    def stands_in(self, transcript: Path) -> bool:
        """Say whether the transcript is still the same up to there: it may have been cut, and have grown again."""
        line = f"{self.last}\n".encode() if self.count else b""
        try:
            with transcript.open("rb") as file:
                file.seek(max(0, self.offset - len(line)))
                return file.read(len(line)) == line
        except OSError:
            return False


class Mirror:
    """Keeps a copy of the sessions' transcripts in a store; ``required`` says that a turn settles only with its copy.

    ``project`` is what it is held by: one employee. ``is_taken`` says that another daemon has taken it over: this one
    must not work its sessions any more. ``unreadable`` are the sessions, with their ends, that cannot be copied;
    ``taken_out`` counts the lines that stood in the store and were not settled here.
    """

    def __init__(self, store: LineStore, project: str, badge: Badge, *, required: bool) -> None:
        """Nothing is asked of the store yet."""
        self._badge = badge
        self.required = required
        self.is_taken = False
        self.is_held = False
        self.unreadable: set[tuple[str, int]] = set()
        self.taken_out = 0
        self._store = store
        self._project = project
        self._reached: _Reached | None = None
        self._one_at_a_time = asyncio.Lock()

    async def push(
        self, session_id: str, transcript: Path, offset: int, progress: Progress, *, may_cut: bool = True
    ) -> None:
        """Bring the store to the transcript's bytes up to ``offset``, no more and no less.

        Without ``may_cut``, a copy that reaches further is left as it is: of a turn that is just about to settle.

        Raises UnreadableError where the transcript is shorter, StoreError where the store is out of reach, TakenError
        where it can never be done again.
        """
        async with self._alone():
            reached = self._reached
            if not may_cut and reached and reached.session == session_id and reached.offset > offset:
                return
            await self._push(session_id, transcript, offset, progress)

    async def fetch(self, session_id: str, transcript: Path, head: Head, progress: Progress) -> bool:
        """Bring a transcript back from the store, in place of less; say whether its head was there.

        Raises StoreError where the store is out of reach, TakenError where another daemon has the session.
        """
        lines: list[str] = []
        async with self._alone():
            await self._hold()
            while batch := await self._store.read(self._place(session_id), len(lines), LINES_AT_ONCE):
                lines += batch
                progress()
        return await asyncio.to_thread(_restore, lines, transcript, head)

    async def close(self) -> None:
        """End all connections."""
        await self._store.close()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Let one call after the other do its work; whatever an adapter stumbles over is the store's trouble."""
        async with self._one_at_a_time:
            if self.is_taken:
                raise TakenError
            try:
                yield
            except TakenError:
                self.is_taken = True
                raise
            except UnreadableError:
                raise
            except StoreError:
                self._reached = None
                raise
            except OSError:
                raise UnreadableError from None
            except Exception as error:
                self._reached = None
                message = f"the session store cannot be used: its client stumbled ({type(error).__name__})"
                raise StoreError(message) from error

    async def _push(self, session_id: str, transcript: Path, offset: int, progress: Progress) -> None:
        reached = self._reached
        is_behind = reached is not None and reached.session == session_id and reached.offset <= offset
        if reached is None or not is_behind or not reached.stands_in(transcript):
            reached = await self._agree(session_id, transcript, offset)
        while reached.offset < offset:
            progress()
            lines, end = await asyncio.to_thread(_read, transcript, reached.offset, offset)
            await self._store.add(self._place(session_id), lines, at=reached.count)
            reached = _Reached(session_id, end, reached.count + len(lines), lines[-1])
            self._reached = reached

    async def _agree(self, session_id: str, transcript: Path, offset: int) -> _Reached:
        """Find out how far the store is, and take out of it what does not stand in the transcript."""
        await self._hold()
        await self._store.touch(self._project)  # one that can be read only would be found out when a turn is paid for
        place, ends = self._place(session_id), await asyncio.to_thread(_ends, transcript, offset)
        count = await self._store.count(place)
        if count > len(ends):
            await self._cut(place, count, len(ends))
            count = len(ends)
        found = _Reached(session_id)
        if count:
            (last,) = await self._store.tail(place, 1)
            found = _Reached(session_id, ends[count - 1], count, last)
        if not found.stands_in(transcript):  # the session was rolled back, and has grown past that place since
            await self._cut(place, count, 0)
            found = _Reached(session_id)
        self._reached = found
        return found

    async def _cut(self, place: Place, count: int, kept: int) -> None:
        await self._store.cut(place, kept)
        self.taken_out += count - kept

    def take(self) -> None:
        """Take over what another daemon has taken, with the next push: a person has said so."""
        self._badge.take_off()
        self.is_taken = self.is_held = False
        self._reached = None

    async def _hold(self) -> None:
        """Hold the project: from a predecessor on this machine, or where this machine never held it, from whomever."""
        if self.is_held:
            return
        mine, worn = self._store.me, self._badge.names
        if worn:
            await self._see_predecessor(worn)
            self._badge.wear(list(dict.fromkeys([*worn, mine])))
        await self._store.hold(self._project)
        self._badge.wear([mine])
        self.is_held = True

    async def _see_predecessor(self, names: Sequence[str]) -> None:
        """See that none but one of these holds the project, or nobody; raise TakenError where somebody else does."""
        mine = self._store.me
        try:
            for number, name in enumerate(names, start=1):
                self._store.me = name
                try:
                    return await self._store.touch(self._project)
                except TakenError:
                    if number == len(names):
                        raise
        finally:
            self._store.me = mine

    def _place(self, session_id: str) -> Place:
        return Place(self._project, session_id)


def _ends(transcript: Path, offset: int) -> list[int]:
    """List where the lines end, up to the offset."""
    ends, end = [], 0
    if offset:
        with transcript.open("rb") as file:
            while end < offset and (line := file.readline()):
                end += len(line)
                ends.append(end)
    if end != offset:
        raise UnreadableError
    return ends


def _read(transcript: Path, start: int, offset: int) -> tuple[list[str], int]:
    """Read whole lines from ``start``, a batch of them and none behind the offset; say where they end."""
    lines: list[str] = []
    end = start
    with transcript.open("rb") as file:
        file.seek(start)
        while end < offset and end - start < LONGEST_BATCH and (line := file.readline()).endswith(b"\n"):
            try:
                lines.append(line[:-1].decode())
            except UnicodeDecodeError:
                raise UnreadableError from None
            end += len(line)
    if not lines or end > offset:
        raise UnreadableError
    return lines, end


def _restore(lines: list[str], transcript: Path, head: Head) -> bool:
    """Write a transcript whole, or not at all. One without its head is better than less: earlier turns may be in it."""
    transcript.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fetched = transcript.with_suffix(".fetched")
    fetched.touch(0o600)
    fetched.write_bytes("".join(f"{line}\n" for line in lines).encode())
    is_whole, here = holds(fetched, head), transcript.stat().st_size if transcript.exists() else 0
    if not is_whole and fetched.stat().st_size <= here:
        fetched.unlink()
        return False
    sync(fetched)
    fetched.replace(transcript)
    sync(transcript)
    return is_whole
