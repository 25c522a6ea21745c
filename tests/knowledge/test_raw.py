"""The bytes of a mail as they are kept."""

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import raw


@given(st.binary(max_size=4096))
def test_what_was_packed_always_comes_back(mail: bytes) -> None:
    """To the byte, whatever it is, an empty mail too."""
    assert raw.unpack(raw.pack(mail).packed) == mail


@given(st.binary(max_size=4096))
def test_what_the_first_schema_packed_always_comes_back(mail: bytes) -> None:
    """It was packed with zlib, and is not packed again."""
    assert raw.unpack(zlib.compress(mail)) == mail


@given(st.binary(max_size=4096))
def test_no_packed_mail_is_taken_for_one_of_the_first_schema(mail: bytes) -> None:
    """The first byte tells them apart."""
    assert not raw.pack(mail).packed.startswith(raw.ZLIB)


def test_a_large_mail_comes_back() -> None:
    """A mail of many megabytes is packed in one piece."""
    mail = bytes(range(256)) * 40_000
    assert raw.unpack(raw.pack(mail).packed) == mail


def test_a_mail_is_addressed_by_its_plain_bytes() -> None:
    """However it is packed, its address and size stay the same."""
    packed = raw.pack(b"Hello")
    assert (packed.sha256, packed.size) == (hashlib.sha256(b"Hello").hexdigest(), 5)


@pytest.mark.parametrize(
    ("mail", "body"),
    [
        (b"A: b\r\n\r\nOne\r\n\r\nTwo\r\n", b"One\n\nTwo\n"),
        (b"A: b\n\nOne\n", b"One\n"),
        (b"A: b\r\n\nOne", b"One"),
        (b"A: b\r\nC: d\r\n", b""),
        (b"A: b\r\n\r\n", b""),
        (b"", b""),
    ],
    ids=["CRLF", "LF", "mixed", "header alone", "empty body", "nothing"],
)
def test_the_body_stands_behind_the_first_empty_line(mail: bytes, body: bytes) -> None:
    """How lines end makes no difference, since servers change it."""
    assert raw.body_of(mail) == body


@given(st.lists(st.sampled_from([b"", b"A: b", b"Hello", b"-- "]), max_size=8))
def test_how_lines_end_never_changes_the_body(lines: list[bytes]) -> None:
    """A copy that came over another server has the same body."""
    assert raw.body_of(b"\r\n".join(lines)) == raw.body_of(b"\n".join(lines))
