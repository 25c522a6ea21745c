"""Folder names in modified UTF-7, held against the reading of them by an IMAP library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient import imap_utf7

from daemon.mail.folder_name import encode

NAMES = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("name", "written"),
    [("Drafts", "Drafts"), ("Entwürfe", "Entw&APw-rfe"), ("R&D", "R&-D"), ("日本", "&ZeVnLA-"), ("a~ü&", "a~&APw-&-")],
)
def test_a_name_is_written_as_servers_write_it(name: str, written: str) -> None:
    """What is printable stays readable."""
    assert encode(name) == written


@given(NAMES)
def test_a_name_is_always_ascii_and_reads_back_as_itself(name: str) -> None:
    """No two names are ever written alike."""
    written = encode(name)
    assert written.isascii()
    assert imap_utf7.decode(written.encode()) == name
