"""``clerkd init``: from nothing to a config that works."""

from pathlib import Path

import pytest

from daemon.cli.init import source
from daemon.errors import FatalError
from daemon.settings import load
from tests.bed import Bed


def arguments(bed: Bed, **changes: str) -> list[str]:
    """Give the options of a full set of answers."""
    assert bed.config.exists()
    options = {
        "--config": str(bed.root / "made" / "clerkd.toml"),
        "--address": "support@harbourpine.example",
        "--name": 'Robin "the" Reed',
        "--imap-host": "127.0.0.1",
        "--imap-port": str(bed.server.imap_port),
        "--imap-security": "none",
        "--imap-password": str(bed.root / "mailbox-password"),
        "--api-key": str(bed.root / "api-key"),
        "--base-url": bed.model.url,
        "--state": str(bed.root / "made" / "state"),
        **{f"--{name.replace('_', '-')}": value for name, value in changes.items()},
    }
    return ["init", *(word for pair in options.items() for word in pair)]


@pytest.mark.exhaustive
def test_init_writes_a_config_that_works(bed: Bed) -> None:
    """All answers as options: it tries them, writes config and standing orders, and check agrees."""
    shown = bed.clerkd(*arguments(bed))
    assert shown.returncode == 0, shown.stdout + shown.stderr
    config = bed.root / "made" / "clerkd.toml"
    settings = load(config)
    assert settings.employee.name == 'Robin "the" Reed'
    assert settings.mailboxes[0].since == "new"
    assert "Standing orders" in settings.standing_orders
    assert bed.clerkd("check", "--config", str(config)).returncode == 0
    assert "rehearsal" not in config.read_text()


def test_init_asks_for_what_is_not_given(bed: Bed) -> None:
    """Without options it asks; with no one to answer it ends, and writes nothing."""
    shown = bed.clerkd("init", "--config", str(bed.root / "asked.toml"))
    assert shown.returncode != 0
    assert "The mailbox's address" in shown.stdout + shown.stderr
    assert not (bed.root / "asked.toml").exists()


def test_init_says_what_does_not_work_and_still_writes_the_config(bed: Bed) -> None:
    """A wrong port is one FAIL line and exit 1; the config is there to be mended."""
    shown = bed.clerkd(*arguments(bed, imap_port="1"))
    assert shown.returncode == 1
    assert "FAIL  mailbox" in shown.stdout
    assert (bed.root / "made" / "clerkd.toml").exists()


def test_init_does_not_replace_a_config(bed: Bed) -> None:
    """A config that is there is kept, unless --force is given; standing orders are kept in any case."""
    assert bed.clerkd(*arguments(bed), "--untested").returncode == 0
    orders = bed.root / "made" / "employee.md"
    orders.write_text("My own orders.")
    shown = bed.clerkd(*arguments(bed), "--untested")
    assert shown.returncode == 2
    assert "--force" in shown.stderr
    assert bed.clerkd(*arguments(bed), "--untested", "--force").returncode == 0
    assert orders.read_text() == "My own orders."


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"imap_security": "ssl3"}, "mailbox.security"),
        ({"address": "nobody"}, "employee.address"),
        ({"imap_password": "/no/such/file"}, "/no/such/file: there is no such file"),
        ({"api_key": "env:"}, "there is no such file"),
        ({"base_url": "ftp://x"}, "model.base_url"),
    ],
)
def test_init_refuses_wrong_answers_and_writes_nothing(bed: Bed, change: dict[str, str], told: str) -> None:
    """The error names the key that the answer would have filled."""
    shown = bed.clerkd(*arguments(bed, **change), "--untested")
    assert shown.returncode == 2
    assert told in shown.stderr
    assert not (bed.root / "made" / "clerkd.toml").exists()


@pytest.mark.parametrize(
    ("words", "toml"),
    [
        ("env:KEY", '{ env = "KEY" }'),
        ("credential:imap", '{ credential = "imap" }'),
        ("file:/a b", '{ file = "/a b" }'),
        ("command:pass show mail", '{ command = ["pass", "show", "mail"] }'),
    ],
)
def test_init_takes_every_kind_of_source(words: str, toml: str) -> None:
    """A source's short form becomes the TOML of the config."""
    assert source(words) == toml


def test_init_takes_a_path_as_a_file(tmp_path: Path) -> None:
    """A plain path must be a file that is there."""
    (tmp_path / "key").write_text("x")
    assert source(str(tmp_path / "key")) == f'{{ file = "{tmp_path}/key" }}'
    with pytest.raises(FatalError):
        source("")
