"""``clerkd login``: a person signs in once, in words that show no secret."""

import http.client
import inspect
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import typer
from typer.testing import CliRunner, Result

from daemon.cli import login as command
from daemon.errors import FatalError, TransientError
from daemon.mail.signin import bound_to, token_source
from daemon.mail.tokens import TokenStore
from daemon.oauth import SignIn
from daemon.secret import Secret
from daemon.settings import ImapMailbox, Mailbox, MaildirMailbox
from tests.token_server import CLIENT_SECRET, TokenServer

USER = "support@harbourpine.example"
NO_LOGIN = ["microsoft-app", "google-service-account", "token"]
REFRESH = "the-refresh-token"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[TokenServer]:
    """Serve a provider of OAuth2."""
    with TokenServer(tmp_path, USER) as server:
        yield server


def mailbox(sign_in: SignIn | None, label: str = "support") -> ImapMailbox:
    """Configure a mailbox, with a password where it has no other way in."""
    password = None if sign_in else Secret(env="A_PASSWORD")
    return ImapMailbox(host="imap.example.com", user=USER, label=label, sign_in=sign_in, password=password)


class Terminal:
    """Runs the command as from a terminal, with a config that needs no file."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        """Keep the state in the directory of the test."""
        self.root, self.patch = root, patch
        self.store = TokenStore(root / "state" / "tokens")

    def run(self, *arguments: str, mailboxes: tuple[Mailbox, ...], answer: str | None = None) -> Result:
        """Run it to its end."""
        settings = SimpleNamespace(mailboxes=mailboxes, service=SimpleNamespace(state=self.root / "state"))
        self.patch.setattr(command, "load", lambda _config: settings)
        app = typer.Typer()
        app.command()(command.login)
        return CliRunner().invoke(app, list(arguments), input=answer)

    def token_of(self, box: ImapMailbox) -> str:
        """Give the token that the service would work with."""
        assert box.sign_in
        return token_source(box.sign_in, USER, self.store, box.name)().value


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Open a terminal."""
    return Terminal(tmp_path, monkeypatch)


def watch(terminal: Terminal, act: str, provider: TokenServer) -> None:
    """Have a person follow the address that the command shows: with a browser here, or by pasting from elsewhere."""
    show = command._show_address

    def follow(address: str) -> None:
        show(address)
        redirect = provider.sign_in_as_person(address)
        if act == "browser":
            threading.Thread(target=call, args=(redirect,), daemon=True).start()
        else:
            terminal.patch.setattr(typer, "prompt", lambda _words: redirect)

    terminal.patch.setattr(command, "_show_address", follow)


def call(address: str) -> None:
    """Call an address as a browser does."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    connection.getresponse().read()
    connection.close()


def test_a_device_login_shows_address_and_code_and_keeps_the_sign_in(provider: TokenServer, terminal: Terminal) -> None:
    """The service then works without the person."""
    box = mailbox(provider.sign_in("microsoft-device"))
    provider.device_answers = ["authorization_pending"]
    done = terminal.run(mailboxes=(box,))
    assert done.exit_code == 0, done.output
    for words in (f"Open {provider.url}/device", "WXYZ-1234", f"kept in {terminal.store.path('support')}"):
        assert words in done.output
    assert terminal.token_of(box)


@pytest.mark.parametrize(("act", "options"), [("browser", []), ("paste", ["--paste"])])
def test_a_browser_login_keeps_the_sign_in(
    provider: TokenServer, terminal: Terminal, act: str, options: list[str]
) -> None:
    """With a browser on this machine, or with an address pasted from another one."""
    box = mailbox(provider.sign_in("google-user"))
    watch(terminal, act, provider)
    done = terminal.run(*options, mailboxes=(box,))
    assert done.exit_code == 0, done.output
    assert f"{provider.url}/auth?" in done.output
    assert box.sign_in
    assert terminal.store.load("support", bound_to(box.sign_in, USER)).refresh == REFRESH


def test_a_pasted_address_of_another_sign_in_is_refused(provider: TokenServer, terminal: Terminal) -> None:
    """Nothing is asked of the provider, and nothing is kept."""
    box = mailbox(provider.sign_in("google-user"))
    done = terminal.run("--paste", mailboxes=(box,), answer="http://127.0.0.1:50000/?state=x&code=y\n")
    assert isinstance(done.exception, FatalError)
    assert (provider.asked, terminal.store.path("support").exists()) == ([], False)


@pytest.mark.parametrize("way", NO_LOGIN)
def test_the_other_ways_need_no_login_and_are_tried(provider: TokenServer, terminal: Terminal, way: str) -> None:
    """That a token can be had is shown at once."""
    done = terminal.run(mailboxes=(mailbox(provider.sign_in(way)),))
    assert (done.exit_code, "no login is needed; a token has been had" in done.output) == (0, True), done.output


@pytest.mark.parametrize("kind", ["password", "maildir"])
def test_a_mailbox_without_oauth2_needs_no_login(terminal: Terminal, kind: str) -> None:
    """It says how to try the mailbox instead."""
    box = mailbox(None) if kind == "password" else MaildirMailbox(maildir=Path("/var/mail/support"), label="support")
    done = terminal.run(mailboxes=(box,))
    assert (done.exit_code, done.output) == (
        0, "support: works without OAuth2, so no login is needed. Try it with: clerkd check\n",
    )  # fmt: skip


def test_among_several_the_mailbox_is_named(provider: TokenServer, terminal: Terminal) -> None:
    """Only the named one signs in."""
    boxes = tuple(mailbox(provider.sign_in("microsoft-device"), label) for label in ("one", "two"))
    done = terminal.run("--mailbox", "two", mailboxes=boxes)
    assert done.exit_code == 0, done.output
    assert [terminal.store.path(name).exists() for name in ("one", "two")] == [False, True]


@pytest.mark.parametrize("options", [[], ["--mailbox", "three"]])
def test_without_a_name_that_fits_it_lists_them(terminal: Terminal, options: list[str]) -> None:
    """Nothing is guessed."""
    done = terminal.run(*options, mailboxes=(mailbox(None, "one"), mailbox(None, "two")))
    assert isinstance(done.exception, FatalError)
    assert str(done.exception) == "--mailbox: give the name of one mailbox; there are: one, two"


def test_a_login_that_is_declined_exits_with_1(provider: TokenServer, terminal: Terminal) -> None:
    """A person is needed, and nothing is kept."""
    provider.device_answers = ["access_denied"]
    done = terminal.run(mailboxes=(mailbox(provider.sign_in("microsoft-device")),))
    assert (done.exit_code, "the sign-in was declined; run: clerkd login" in done.output) == (1, True), done.output
    assert not terminal.store.path("support").exists()


def test_a_provider_out_of_reach_is_told_as_trouble_that_may_pass(provider: TokenServer, terminal: Terminal) -> None:
    """The error reaches ``main``, which gives it the exit code 75."""
    box = mailbox(provider.sign_in("microsoft-device"))
    provider.__exit__()
    error = terminal.run(mailboxes=(box,)).exception
    assert isinstance(error, TransientError)
    assert error.kind == "unreachable"


def test_no_option_takes_a_secret() -> None:
    """What stands on a command line, every user of the machine can read."""
    assert set(inspect.signature(command.login).parameters) == {"mailbox", "paste", "config"}


def test_nothing_that_is_printed_is_secret(provider: TokenServer, terminal: Terminal) -> None:
    """Neither client secret nor tokens, nor what proves the sign-in to the provider."""
    box = mailbox(provider.sign_in("google-user"))
    watch(terminal, "paste", provider)
    done = terminal.run("--paste", mailboxes=(box,))
    verifier = next(form["code_verifier"] for form in provider.asked if "code_verifier" in form)
    secrets = [CLIENT_SECRET, REFRESH, verifier, terminal.token_of(box)]
    assert [word for word in secrets if word in done.output] == []
