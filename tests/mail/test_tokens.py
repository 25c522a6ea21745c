"""What is kept of a sign-in: for the service's user alone, whole after a crash, and renewed in time."""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.errors import TransientError
from daemon.mail import tokens
from daemon.mail.tokens import MARGIN, KeptTokens, Token, Tokens, TokenStore

NOW = datetime(2026, 11, 2, 8, 5, tzinfo=UTC)
KEPT = Tokens(Token("the-access-token", NOW), "the-refresh-token")
MAILBOX = "support@harbourpine.example@imap.example.com"
CLIENT = "client 1"
LIFETIMES = st.integers(min_value=int(MARGIN.total_seconds()), max_value=100_000)


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    """Keep tokens in a directory that is not there yet."""
    return TokenStore(tmp_path / "tokens")


@pytest.fixture
def careless() -> Iterator[None]:
    """Let everything be readable for everybody, unless the program sees to it."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_was_kept_is_read_again(store: TokenStore) -> None:
    """The end of the access token and the refresh token come back as they were."""
    store.save(MAILBOX, CLIENT, KEPT)
    assert store.load(MAILBOX, CLIENT) == KEPT


@pytest.mark.usefixtures("careless")
def test_nobody_else_may_read_it(store: TokenStore) -> None:
    """0600 in 0700, also where the umask allows all."""
    with store.holding(MAILBOX):
        store.save(MAILBOX, CLIENT, KEPT)
    path = store.path(MAILBOX)
    found = {one.name: oct(one.stat().st_mode & 0o777) for one in (path.parent, *path.parent.iterdir())}
    assert set(found.values()) == {"0o700", "0o600"}
    assert found["tokens"] == "0o700"


def test_a_directory_that_was_open_is_closed(store: TokenStore) -> None:
    """A directory made by hand, or by a backup, is put right."""
    root = store.path(MAILBOX).parent
    root.mkdir(mode=0o755)
    store.save(MAILBOX, CLIENT, KEPT)
    assert oct(root.stat().st_mode & 0o777) == "0o700"


def test_a_write_that_fails_leaves_the_old_file(store: TokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs nothing that was kept, and leaves no draft with a token behind."""
    store.save(MAILBOX, CLIENT, KEPT)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TransientError, match="cannot be written: No space left on device"):
        store.save(MAILBOX, CLIENT, Tokens(refresh="another"))
    assert store.load(MAILBOX, CLIENT) == KEPT
    assert [one.name for one in store.path(MAILBOX).parent.iterdir()] == [store.path(MAILBOX).name]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"bound_to": "client 1"}'])
def test_a_damaged_file_is_as_none(store: TokenStore, content: bytes) -> None:
    """The next renewal or login mends it; the service does not stop over it."""
    store.save(MAILBOX, CLIENT, KEPT)
    store.path(MAILBOX).write_bytes(content)
    assert store.load(MAILBOX, CLIENT) == Tokens()


def test_what_was_kept_for_another_client_is_not_used(store: TokenStore) -> None:
    """A refresh token works with its own client alone."""
    store.save(MAILBOX, CLIENT, KEPT)
    assert store.load(MAILBOX, "client 2") == Tokens()


def test_mailboxes_are_kept_apart(store: TokenStore) -> None:
    """Each has its own file."""
    store.save(MAILBOX, CLIENT, KEPT)
    assert store.load("other", CLIENT) == Tokens()


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_a_mailboxs_name_never_leads_out_of_the_directory(name: str) -> None:
    """Whatever a mailbox is called, its file lies in the directory itself."""
    root = Path("/var/lib/clerkd/tokens")
    path = TokenStore(root).path(name)
    assert (path.parent, path.resolve().parent, path.suffix) == (root, root, ".json")


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A login by another user than the service's is the usual cause, and the words say so."""
    (tmp_path / "tokens").write_text("a file", encoding="utf-8")
    with pytest.raises(TransientError, match="must belong to the user that runs the service") as found:
        TokenStore(tmp_path / "tokens").save(MAILBOX, CLIENT, KEPT)
    assert (found.value.kind, "the-" in str(found.value)) == ("state", False)


def test_a_lock_that_never_comes_free_is_given_up(store: TokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs with the lock does not hang the service."""
    monkeypatch.setattr(tokens, "LOCK_SECONDS", 0.1)
    with store.holding(MAILBOX), pytest.raises(TransientError, match="another process"), store.holding(MAILBOX):
        pass


def test_a_refused_token_is_forgotten_under_the_lock(store: TokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could wipe out the refresh token that another process is just keeping."""
    monkeypatch.setattr(tokens, "LOCK_SECONDS", 0.1)
    give = KeptTokens(store, MAILBOX, CLIENT, lambda _refresh: KEPT, lambda: NOW)
    with store.holding(MAILBOX), pytest.raises(TransientError, match="another process"):
        give.discard()


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(min_value=0, max_value=100_000), LIFETIMES, st.booleans()), max_size=20))
def test_a_token_in_hand_always_lasts_for_the_margin(steps: list[tuple[int, int, bool]]) -> None:
    """However time passes, and whether or not the service is started again in between."""
    now, lifetime = NOW, 0
    with tempfile.TemporaryDirectory() as root:

        def source() -> KeptTokens:
            return KeptTokens(
                TokenStore(Path(root)), MAILBOX, CLIENT,
                lambda _refresh: Tokens(Token("a-token", now + timedelta(seconds=lifetime))), lambda: now,
            )  # fmt: skip

        give = source()
        for passed, lifetime, restarted in steps:  # noqa: B007 - the source reads it
            now += timedelta(seconds=passed)
            give = source() if restarted else give
            ends = give().expires_at
            assert ends is not None
            assert ends - now >= MARGIN
