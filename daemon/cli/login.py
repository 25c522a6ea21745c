"""``clerkd login``: a person signs in to a mailbox once, and the service goes on by itself."""

from typing import Annotated

import typer

from daemon.cli.options import Config
from daemon.errors import FatalError, TransientError
from daemon.mail.tokens import Tokens, TokenStore
from daemon.oauth import GoogleUser, MicrosoftDevice, SignIn
from daemon.paths import StateDirectory
from daemon.settings import ImapMailbox, Mailbox, Settings, load

BROWSER_SECONDS = 600.0


def login(
    mailbox: Annotated[str, typer.Option(help="The mailbox's name, where the config has several.")] = "",
    *,
    paste: Annotated[
        bool, typer.Option("--paste", help="The browser is on another machine: paste the address it ends up at.")
    ] = False,
    config: Config = None,
) -> None:
    """Sign in to a mailbox by OAuth2, where [mailbox.sign_in] needs a person for it, once.

    Run it as the user that runs the service; beside a running service is fine. Exits with 1 where the sign-in is
    refused, declined, or not done in time.

    Example:  clerkd login --paste
    """
    settings = load(config)
    chosen = _chosen(settings, mailbox)
    if not isinstance(chosen, ImapMailbox) or chosen.sign_in is None:
        print(f"{chosen.name}: works without OAuth2, so no login is needed. Try it with: clerkd check")
        return
    try:
        _sign_in(chosen, chosen.sign_in, TokenStore(StateDirectory(settings.service.state).tokens), paste=paste)
    except TransientError as error:
        if error.kind != "authentication":
            raise
        typer.echo(f"clerkd: {error}", err=True)
        raise typer.Exit(1) from None


def _chosen(settings: Settings, wanted: str) -> Mailbox:
    """Find the mailbox: the named one, or the only one."""
    found = [one for one in settings.mailboxes if wanted in ("", one.name)]
    if len(found) != 1:
        names = ", ".join(one.name for one in settings.mailboxes)
        message = f"--mailbox: give the name of one mailbox; there are: {names}"
        raise FatalError(message)
    return found[0]


def _sign_in(mailbox: ImapMailbox, sign_in: SignIn, store: TokenStore, *, paste: bool) -> None:
    from daemon.mail.signin import sign_in_by_device, token_source

    match sign_in:
        case MicrosoftDevice():
            _keep(mailbox, sign_in, store, sign_in_by_device(sign_in, _show_code))
        case GoogleUser():
            _keep(mailbox, sign_in, store, _by_browser(sign_in, mailbox.user, paste=paste))
        case _:
            token_source(sign_in, mailbox.user, store, mailbox.name)()
            print(f"{mailbox.name}: no login is needed; a token has been had. Try the mailbox with: clerkd check")


def _show_code(address: str, code: str) -> None:
    print(f"Open {address} in any browser, sign in there as the mailbox's user, and type the code: {code}", flush=True)
    print("Waiting until that is done; Ctrl-C ends it.", flush=True)


def _by_browser(sign_in: GoogleUser, user: str, *, paste: bool) -> Tokens:
    from daemon.mail.loopback import BrowserSignIn, Listener, elsewhere
    from daemon.mail.signin import browser_address, redeem

    if paste:
        begun = BrowserSignIn(elsewhere())
        _show_address(browser_address(sign_in, user, begun))
        print("The browser then fails to open a page of 127.0.0.1. Copy that page's address from its address bar.")
        return redeem(sign_in, begun, begun.code_in(typer.prompt("The address")))
    with Listener() as listener:
        begun = BrowserSignIn(listener.redirect_uri)
        listener.expect(begun)
        _show_address(browser_address(sign_in, user, begun))
        print("Waiting until that is done; Ctrl-C ends it. Is the browser elsewhere? Use --paste.", flush=True)
        return redeem(sign_in, begun, begun.code_in(listener.wait(BROWSER_SECONDS)))


def _show_address(address: str) -> None:
    print(f"Open this address in a browser, and sign in there as the mailbox's user:\n{address}", flush=True)


def _keep(mailbox: ImapMailbox, sign_in: SignIn, store: TokenStore, tokens: Tokens) -> None:
    from daemon.mail.signin import bound_to

    with store.holding(mailbox.name):
        store.save(mailbox.name, bound_to(sign_in, mailbox.user), tokens)
    print(f"{mailbox.name}: signed in; kept in {store.path(mailbox.name)}. Try the mailbox with: clerkd check")
