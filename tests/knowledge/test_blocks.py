"""Sets of numbers in a few bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import blocks

PLACES = st.lists(st.integers(0, blocks.SIZE - 1), max_size=600)


def members(kept: bytes) -> set[int]:
    """Give the set as Python would have it."""
    return set(blocks.newest_first(0, blocks.bits(kept)))


@given(PLACES, PLACES, PLACES)
def test_it_holds_what_was_put_in_and_not_taken_out(first: list[int], more: list[int], less: list[int]) -> None:
    """Like any other set, in no more than 512 bytes."""
    kept = blocks.without_all(blocks.with_all(blocks.with_all(b"", first), more), less)
    assert members(kept) == (set(first) | set(more)) - set(less)
    assert len(kept) <= 512


@pytest.mark.parametrize(("count", "size"), [(0, 0), (1, 2), (255, 510), (256, 512), (4096, 512)])
def test_a_small_set_takes_two_bytes_each_and_a_large_one_512(count: int, size: int) -> None:
    """Whichever is less."""
    kept = blocks.with_all(b"", range(count))
    assert (len(kept), len(members(kept))) == (size, count)


def test_the_newest_number_comes_first() -> None:
    """Numbered through all blocks."""
    assert list(blocks.newest_first(2, 0b1011)) == [8195, 8193, 8192]
    assert blocks.place(8195) == (2, 3)
