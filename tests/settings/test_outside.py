"""MCP servers outside: what the config may say of them, and how a wrong word is refused."""

from pathlib import Path

import pytest

from daemon.app import servers_of
from daemon.errors import FatalError
from daemon.settings import load, refuse_missing_secrets, specialists_of
from tests.settings.configs import GOOD, good, place, refusal, refused, toml
from tests.settings.test_specialists import FRONT, engaged
from tests.settings.test_specialists import refusal as refusal_with_file

BY_HTTP = {"url": '"https://catalogue.example/mcp"', "tools": '{ look_up = "read" }'}


def with_server(folder: Path, name: str = "catalogue", **keys: str) -> Path:
    """Write a good config with one server of these keys."""
    others = {section: table for section, table in GOOD.items() if not section.startswith("mcp.")}
    return place(folder, toml({**others, f"mcp.{name}": keys}))


def test_a_server_with_the_keys_that_must_be_given_has_defaults(tmp_path: Path) -> None:
    """Twenty seconds a call, and nothing in its environment."""
    (server,) = servers_of(load(good(tmp_path)))
    assert (server.name, server.command, server.url) == ("catalogue", ("catalogue",), "")
    assert (server.tools, server.seconds, server.values()) == (("look_up",), 20, {})


@pytest.mark.parametrize(("plain", "secret"), [("env", "env_secrets"), ("headers", "header_secrets")])
def test_secrets_are_read_from_their_sources_when_they_are_needed(tmp_path: Path, plain: str, secret: str) -> None:
    """Beside what is written in the open."""
    path = with_server(
        tmp_path,
        **(GOOD["mcp.catalogue"] if plain == "env" else BY_HTTP),
        **{plain: '{ House = "pine" }', secret: f'{{ Token = {{ file = "{tmp_path}/token" }} }}'},
    )
    (server,) = servers_of(load(path))
    with pytest.raises(FatalError, match=r"the secret from file .*/token cannot be read"):
        server.values()
    (tmp_path / "token").write_text("open-sesame\n")
    assert server.values() == {"House": "pine", "Token": "open-sesame"}


def test_a_missing_secret_of_a_server_is_named_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all other secrets that are not there."""
    for name in ("API_KEY", "IMAP_PASSWORD"):
        monkeypatch.setenv(name, "x")
    path = good(tmp_path, mcp__catalogue__env_secrets='{ TOKEN = { env = "NOBODY_SET_THIS" } }')
    with pytest.raises(FatalError) as found:
        refuse_missing_secrets(load(path), path)
    why = "the secret from env NOBODY_SET_THIS is empty"
    assert str(found.value) == f"{path}: mcp.catalogue.env_secrets.TOKEN: {why}"


@pytest.mark.parametrize("name", ["clerkd", "Catalogue", "2nd", "a__b", "_a", "a_", "a-b", "x" * 32])
def test_a_name_that_the_engine_could_mistake_is_refused(tmp_path: Path, name: str) -> None:
    """The engine parts server and tool by two underscores."""
    words = refusal(with_server(tmp_path, name, **GOOD["mcp.catalogue"]))
    assert words.startswith(f"mcp: {name!r} is no name for a server: small letters and digits, parted by single")


@pytest.mark.parametrize("effect", ["write", "READ", "", "reads"])
def test_an_effect_other_than_read_is_refused_with_the_reason(tmp_path: Path, effect: str) -> None:
    """A turn must have no effect before it is settled."""
    words = refused(tmp_path, "mcp.catalogue.tools", f'{{ look_up = "read", order = "{effect}" }}')
    assert words == (
        f'mcp.catalogue.tools: order = {effect!r}: only the effect "read" can be allowed: a call is made before the '
        "turn is settled, and what it changed outside could not be taken back"
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("tools", "{}", "tools: Dictionary should have at least 1 item"),
        ("tools", "{ look_up = true }", "tools.look_up: Input should be a valid string (found True)"),
        ("tools", '{ "look up" = "read" }', "tools: 'look up' is no name of a tool: letters, digits, _ and -, 64"),
        ("command", "[]", "command: Tuple should have at least 1 item"),
        ("command", '[""]', "command.0: String should have at least 1 character"),
        ("seconds", "0", "seconds: Input should be greater than 0 (found 0)"),
        ("seconds", "301", "seconds: Input should be less than or equal to 300 (found 301"),
        ("env", "{ LANG = 8124433017 }", "env.LANG: Input should be a valid string"),
        ("env", '{ LANG = "a\\nb" }', "env.LANG: must be one line of text, without control characters"),
        ("env", '{ "A B" = "x" }', "catalogue: env: 'A B' is no name that can stand there"),
        (
            "env",
            '{ API_KEY = "open-sesame" }',
            "env.API_KEY looks like a secret: give it in env_secrets, by its source",
        ),
        ("env_secrets", '{ "A=B" = { env = "X" } }', "catalogue: env: 'A=B' is no name that can stand there"),
        ("env_secrets", '{ TOKEN = "open-sesame" }', "env_secrets.TOKEN: a secret never stands in the TOML itself;"),
        ("env_secrets", "{ TOKEN = 8124433017 }", "env_secrets.TOKEN: a secret never stands in the TOML itself;"),
        ("env_secrets", '{ TOKEN = { vault = "x" } }', "env_secrets.TOKEN.vault: unknown key"),
        ("headers", '{ X-House = "pine" }', "catalogue: headers: a server with a command takes none"),
        ("header_secrets", '{ X = { env = "X" } }', "catalogue: header_secrets: a server with a command takes none"),
        ("url", '"https://catalogue.example/mcp"', "catalogue: give either command or url, one of them"),
    ],
)
def test_what_is_wrong_with_a_process_is_said(tmp_path: Path, key: str, value: str, said: str) -> None:
    """With the key, and never with what may be a secret."""
    words = refused(tmp_path, f"mcp.catalogue.{key}", value)
    assert said in words
    assert [secret for secret in ("open-sesame", "8124433017") if secret in words] == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"url": '"ftp://catalogue.example"'}, "url: must be an address that begins with https://, or with http:// on"),
        ({"url": '"https://"'}, "url: must be an address that begins with https://"),
        ({"url": '"http://catalogue.example/mcp"'}, "url: goes over the network in the clear; use https:// to any"),
        ({"url": '"https://me:open-sesame@catalogue.example"'}, "url: takes no user, password or question mark"),
        ({"url": '"https://catalogue.example/mcp?token=open-sesame"'}, "url: takes no user, password or question mark"),
        ({"env": '{ LANG = "C" }'}, "catalogue: env: a server with a url takes none"),
        ({"env_secrets": '{ X = { env = "X" } }'}, "catalogue: env_secrets: a server with a url takes none"),
        ({"headers": '{ "X: Y" = "z" }'}, "catalogue: headers: 'X: Y' is no name that can stand there"),
        ({"headers": '{ Authorization = "Bearer open-sesame" }'}, "headers.Authorization looks like a secret: give it"),
        (
            {"headers": '{ X-A = "z" }', "header_secrets": '{ X-A = { env = "X" } }'},
            "catalogue: X-A stands in both headers and header_secrets",
        ),
    ],
)
def test_what_is_wrong_with_an_address_is_said(tmp_path: Path, keys: dict[str, str], said: str) -> None:
    """With the key, and never with what may be a secret."""
    words = refusal(with_server(tmp_path, **{**BY_HTTP, **keys}))
    assert said in words
    assert "open-sesame" not in words


def test_a_server_is_neither_a_process_nor_an_address(tmp_path: Path) -> None:
    """One of them must be given."""
    words = refusal(with_server(tmp_path, tools='{ look_up = "read" }'))
    assert words == "mcp.catalogue: give either command or url, one of them"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/mcp", "http://localhost/mcp", "https://[::1]/mcp"])
def test_an_address_that_is_safe_is_taken(tmp_path: Path, url: str) -> None:
    """In the clear only on this machine."""
    assert servers_of(load(with_server(tmp_path, **{**BY_HTTP, "url": f'"{url}"'})))[0].url == url


def test_a_specialist_may_ask_the_servers_that_its_file_names(tmp_path: Path) -> None:
    """Each once; without the key, none."""
    path = engaged(tmp_path, FRONT + 'mcp = ["catalogue", "catalogue"]\n')
    engaged(tmp_path, FRONT.replace("billing", "technical"), name="technical.md")
    assert [each.servers for each in specialists_of(load(path))] == [("catalogue",), ()]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('["stock"]', "mcp: no server [mcp.stock] is configured (configured: catalogue)"),
        ('"catalogue"', "mcp: Input should be a valid array (found 'catalogue')"),
        ("[5]", "mcp.0: Input should be a valid string (found 5)"),
    ],
)
def test_a_server_that_a_specialists_file_names_wrongly_is_said_with_the_file(
    tmp_path: Path, value: str, said: str
) -> None:
    """At start and by ``clerkd check``."""
    words = refusal_with_file(engaged(tmp_path, f"{FRONT}mcp = {value}\n"))
    assert words == f"{tmp_path}/staff/billing.md: {said}"
