"""The documentation in config/clerkd.toml: every key, its true default, and what must be given."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from daemon.judgement.money import LIST_PRICES
from daemon.oauth import SignIn
from daemon.settings import ImapMailbox, load
from tests.settings.configs import (
    ALL_KEYS,
    GOOD,
    REQUIRED,
    WAYS,
    WITH_DEFAULTS,
    place,
    sections_of,
    signing_in,
    toml,
)

DOCUMENTED = Path(__file__).parents[2] / "config" / "clerkd.toml"


def documentation() -> dict[str, str]:
    """Give the line of each key in config/clerkd.toml, of those that are written as comments too."""
    lines, section = {}, ""
    for line in DOCUMENTED.read_text(encoding="utf-8").splitlines():
        bare = line.removeprefix("# ")
        if heading := re.match(r"\[\[?([a-z_.]+)\]", bare):
            section = heading[1]
        elif key := re.match(r"([a-z_]+) = ", bare):
            lines[f"{section}.{key[1]}"] = bare
    return lines


def ways() -> list[str]:
    """Name the ways to sign in."""
    return [get_args(section.model_fields["way"].annotation)[0] for section in sections_of(SignIn)]


def documented() -> dict[str, Any]:
    """Give the value of each key in config/clerkd.toml."""
    return {key: value for key, line in documentation().items() for value in tomllib.loads(line).values()}


def plain(value: Any) -> Any:
    """Give a default as TOML writes it."""
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def test_the_documented_config_is_good(tmp_path: Path) -> None:
    """What is written there can be loaded as it stands."""
    assert load(place(tmp_path, DOCUMENTED.read_text(encoding="utf-8")))


@pytest.mark.parametrize("way", WAYS)
def test_each_documented_sign_in_is_good(tmp_path: Path, way: str) -> None:
    """Whoever takes a way's lines out of the comments has a config that can be loaded."""
    wanted = [key for key in documentation() if key.removeprefix("mailbox.sign_in.") in WAYS[way]]
    lines = [f'[mailbox.sign_in]\nway = "{way}"', *(documentation()[key] for key in wanted)]
    text = toml({section: keys for section, keys in (GOOD | signing_in(way)).items() if section != "mailbox.sign_in"})
    mailbox = load(place(tmp_path, "\n".join([text, *lines]))).mailboxes[0]
    assert isinstance(mailbox, ImapMailbox)
    assert mailbox.sign_in
    assert mailbox.sign_in.way == way


def test_the_documented_ways_to_sign_in_are_all_that_there_are() -> None:
    """The tests of this room know each of them too."""
    text = DOCUMENTED.read_text(encoding="utf-8")
    assert [(f'"{way}"' in text, way) for way in WAYS] == [(True, way) for way in ways()]


def test_the_documented_config_names_every_key_and_no_other() -> None:
    """Each key stands there, as a line of its own or as a comment."""
    assert sorted(documented()) == sorted(ALL_KEYS)


@pytest.mark.parametrize("key", [key for key in WITH_DEFAULTS if ALL_KEYS[key] is not None])
def test_the_documented_default_is_the_real_one(key: str) -> None:
    """What the file says of a key that is left out is true."""
    assert documented()[key] == plain(ALL_KEYS[key])


@pytest.mark.parametrize(
    ("key", "port", "words"),
    [
        ("mailbox.port", 993, "default: 993 with tls, 143 otherwise"),
        ("smtp.port", 587, "default: 587 with starttls, 465 with tls, 25 with none"),
    ],
)
def test_the_documented_ports_are_the_usual_ones(key: str, port: int, words: str) -> None:
    """The words beside the port agree with the tables that are tested above."""
    assert (documented()[key], words in DOCUMENTED.read_text(encoding="utf-8")) == (port, True)


@pytest.mark.parametrize(
    ("key", "price"), [("input", 2.0), ("output", 10.0), ("cache_read", 0.2), ("cache_write", 2.5)]
)
def test_the_documented_prices_are_those_of_the_default_model(key: str, price: float) -> None:
    """The example of prices is a true one."""
    default = LIST_PRICES[str(ALL_KEYS["model.name"])]
    assert documented()[f"model.prices.{key}"] == price == getattr(default, key)


@pytest.mark.parametrize("key", [key for key in REQUIRED if not key.startswith("model.prices.")])
def test_the_documented_config_says_what_is_required(key: str) -> None:
    """A key without a default is marked; the prices stand under a heading of their own."""
    assert "# required" in documentation()[key]


@pytest.mark.parametrize("key", WITH_DEFAULTS)
def test_the_documented_config_calls_nothing_required_that_is_not(key: str) -> None:
    """A key with a default is not marked."""
    assert "# required" not in documentation()[key]
