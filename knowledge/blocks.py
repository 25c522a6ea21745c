"""Sets of entries of the log, block by block: the numbers within a block, as a database keeps them in a few bytes.

A small set is a list of two bytes each, a large one a bit for each number of the block: no set takes more than 512
bytes, and where two words stand together is told by one AND.
"""

import struct
from collections.abc import Iterable, Iterator

SIZE = 4_096  # entries of a block: more, and a set is larger than what SQLite keeps on a page of such a table
ALL = (1 << SIZE) - 1
WIDE = SIZE // 8  # bytes of a large set; a small one has fewer
ALONE = 2  # bytes of a set of one


def place(number: int) -> tuple[int, int]:
    """Say in which block a number is, and where in it."""
    return divmod(number, SIZE)


def with_all(kept: bytes, places: Iterable[int]) -> bytes:
    """Put places into a set."""
    return packed(bits(kept) | _bits(places))


def without_all(kept: bytes, places: Iterable[int]) -> bytes:
    """Take places out of a set."""
    return packed(bits(kept) & ~_bits(places))


def bits(kept: bytes) -> int:
    """Give a set as the bits of a number."""
    if len(kept) == ALONE:  # most are, and a block has thousands
        return 1 << int.from_bytes(kept, "little")
    return int.from_bytes(kept, "little") if len(kept) == WIDE else _bits(_listed(kept))


def newest_first(block: int, found: int) -> Iterator[int]:
    """Give the numbers of a block whose bits are set, the highest first."""
    while found:
        highest = found.bit_length() - 1
        found ^= 1 << highest
        yield block * SIZE + highest


def _bits(places: Iterable[int]) -> int:
    found = 0
    for each in places:
        found |= 1 << each
    return found


def packed(found: int) -> bytes:
    """Write a set down."""
    if found.bit_count() * 2 >= WIDE:
        return found.to_bytes(WIDE, "little")
    places = list(newest_first(0, found))
    return struct.pack(f"<{len(places)}H", *places)


def _listed(kept: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(kept) // 2}H", kept)
