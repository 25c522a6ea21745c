"""The index of the log: for each block of entries the keys that stand in it, each with the set of those it stands in.

Entries are numbered as they were concluded, so the newest that hold all that is wanted are found by going through the
blocks from the last one on, until there are enough. However common, rare or at odds the keys are, no more is read than
each one's sets, and these are small: with 1,000,000 entries 250 of them. A full-text index of SQLite's or PostgreSQL's
own would have to sort all entries that hold a common word to give the newest.

A key that is taken out of an entry may stay in the index: what it gives is held against the entry itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import BindParameter, bindparam, func, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from knowledge import blocks
from knowledge.keys import Range
from knowledge.tables import LogWord

FEW = 64  # entries of a block that are looked at one by one rather than to ask for a broad range
BROAD = 3  # bytes: a range of words that begin with one or two letters has hundreds of keys in each block
MOST_ASKED = 8  # ranges that are asked for; the others are found out with the entry itself
FIRST_BLOCKS, MOST_BLOCKS = 1, 64  # looked at together
MANY = 500  # keys in a statement

PUT = text(
    "INSERT INTO log_words (block, key, entries) VALUES (:block, :key, :entries) "
    "ON CONFLICT (block, key) DO UPDATE SET entries = excluded.entries"
)


def _of_keys() -> Select[bytes, bytes]:
    block: BindParameter[int] = bindparam("block")
    keys: BindParameter[bytes] = bindparam("keys", expanding=True)
    return select(LogWord.key, LogWord.entries).where(LogWord.block == block, col(LogWord.key).in_(keys))


OF_KEYS = _of_keys()  # asked for every decision, and made once
# In plain words: thousands of rows may come, and half of the time went into making SQLAlchemy's of them.
IN_RANGE = text(
    "SELECT block, entries FROM log_words WHERE block IN :blocks AND key BETWEEN :first AND :last"
).bindparams(bindparam("blocks", expanding=True))


def add(session: Session, number: int, keys: Iterable[bytes]) -> None:
    """Say that an entry holds these keys; part of a transaction."""
    block, place = blocks.place(number)
    known = _kept(session, block, sorted(keys))
    changed = {key: blocks.with_all(kept, [place]) for key, kept in known.items()}
    _put(session, block, {key: kept for key, kept in changed.items() if kept != known[key]})


def give(session: Session, numbers: Iterable[int], old: bytes, new: bytes) -> None:
    """Say that entries hold one key in the place of another; part of a transaction."""
    places: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        block, place = blocks.place(number)
        places[block].append(place)
    for block, some in places.items():
        known = _kept(session, block, [old, new])
        gone, come = blocks.without_all(known[old], some), blocks.with_all(known[new], some)
        _put(session, block, {old: gone, new: come})


def unite(session: Session, kept: bytes, other: bytes) -> None:
    """Say that whatever holds the one key holds the other, too; part of a transaction."""
    for some in _batches(_last(session), 0):
        for block, entries in _held(session, some, Range(other, other)).items():
            known = _kept(session, block, [kept])[kept]
            _put(session, block, {kept: blocks.packed(entries | blocks.bits(known))})


def candidates(session: Session, wanted: Sequence[Range], lowest: int) -> Iterator[int]:
    """Give the numbers of all entries that may hold a key of each range, the newest first, down to the lowest."""
    asked = sorted(wanted, key=_breadth)[:MOST_ASKED]
    for some in _batches(_last(session), lowest // blocks.SIZE):
        found = _narrowed(session, dict.fromkeys(some, blocks.ALL), asked)
        for block in sorted(found, reverse=True):
            for number in blocks.newest_first(block, found[block]):
                if number < lowest:
                    return
                yield number


def _breadth(wanted: Range) -> tuple[bool, int]:
    """Put a whole name first, which takes one row of a block, then long beginnings, which are mostly rare ones."""
    return wanted.first != wanted.last, -len(wanted.first)


def _is_broad(wanted: Range) -> bool:
    return wanted.first != wanted.last and len(wanted.first) <= BROAD


def _narrowed(session: Session, found: dict[int, int], wanted: Sequence[Range]) -> dict[int, int]:
    """Leave in each block what holds a key of each range; what few are left is quicker looked at."""
    for each in wanted:
        left = sum(entries.bit_count() for entries in found.values())
        if left <= (FEW * len(found) if _is_broad(each) else 0):
            break
        held = _held(session, list(found), each)
        found = {block: entries & held[block] for block, entries in found.items() if entries & held.get(block, 0)}
    return found


def _held(session: Session, some: Sequence[int], wanted: Range) -> dict[int, int]:
    """Give the entries of these blocks that hold a key of the range."""
    found: dict[int, int] = {}
    values = {"blocks": some, "first": wanted.first, "last": wanted.last}
    for block, entries in session.connection().execute(IN_RANGE, values):
        found[block] = found.get(block, 0) | blocks.bits(entries)
    return found


def _kept(session: Session, block: int, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    found = dict.fromkeys(keys, b"")
    for start in range(0, len(keys), MANY):
        values = {"block": block, "keys": keys[start : start + MANY]}
        found |= {bytes(key): bytes(entries) for key, entries in session.connection().execute(OF_KEYS, values)}
    return found


def _put(session: Session, block: int, changed: dict[bytes, bytes]) -> None:
    rows = [{"block": block, "key": key, "entries": entries} for key, entries in changed.items()]
    if rows:
        session.connection().execute(PUT, rows)


def _last(session: Session) -> int:
    return session.exec(select(func.max(LogWord.block))).one() or 0


def _batches(last: int, first: int) -> Iterator[Sequence[int]]:
    """Share out the blocks, the newest first; a few to begin with, since mostly they will do."""
    count = FIRST_BLOCKS
    while last >= first:
        yield range(last, max(last - count, first - 1), -1)
        last, count = last - count, min(count * 2, MOST_BLOCKS)
