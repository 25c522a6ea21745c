"""Secrets: read from their sources, and never shown."""

import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from daemon.errors import FatalError
from daemon.secret import Secret
from daemon.settings import load, refuse_missing_secrets
from tests.settings.configs import (
    GOOD,
    MAILDIR,
    NEEDS_SMTP,
    SECRETS,
    good,
    place,
    refused,
    signing_in,
    toml,
    with_mailboxes,
)

SOURCES = ["file", "credential", "env", "command"]
OPEN_SECRETS = ['"open-sesame"', '["open-sesame"]', '{ value = "open-sesame" }', "open-sesame",
                '{ command = "open-sesame" }', '"""open-sesame']  # fmt: skip
NUMERIC_SECRETS = ["8124433017", "8124.433017", "2026-11-02"]


# In the config


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("value", OPEN_SECRETS)
def test_no_refusal_shows_a_secret_that_stands_in_the_open(tmp_path: Path, key: str, value: str) -> None:
    """However a secret is written into the config, it does not get from there into a log."""
    assert "open-sesame" not in refused(tmp_path, key, value)


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("value", NUMERIC_SECRETS)
def test_no_refusal_shows_a_secret_that_was_written_without_quotation_marks(
    tmp_path: Path, key: str, value: str
) -> None:
    """A password may be a number, and is a secret all the same."""
    assert value not in refused(tmp_path, key, value)


@pytest.mark.parametrize("key", SECRETS)
def test_it_says_how_to_give_a_secret(tmp_path: Path, key: str) -> None:
    """The four sources are named."""
    assert refused(tmp_path, key, '"open-sesame"') == (
        f"{key}: a secret never stands in the TOML itself; "
        "give { file = }, { credential = }, { env = } or { command = [] }"
    )


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize(
    "value",
    [
        '{ file = "/run/secret" }',
        '{ credential = "name" }',
        '{ env = "NAME" }',
        '{ command = ["program", "argument"] }',
    ],
    ids=SOURCES,
)
def test_it_takes_a_secret_from_each_source(tmp_path: Path, key: str, value: str) -> None:
    """As config/clerkd.toml says; whether the secret is there is seen later."""
    assert load(good(tmp_path, **{key.replace(".", "__"): value}))


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize(
    ("source", "value"),
    [("file", "5"), ("credential", '""'), ("env", "5"), ("env", '""'), ("command", "[]"), ("command", "[5]")],
)
def test_it_refuses_a_source_of_the_wrong_kind(tmp_path: Path, key: str, source: str, value: str) -> None:
    """The source is named."""
    assert refused(tmp_path, key, f"{{ {source} = {value} }}").startswith(f"{key}.{source}")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "none"),
        ({"file": "/f", "env": "E"}, "file, env"),
        ({"file": "/f", "credential": "c", "env": "E", "command": ["c"]}, "file, credential, env, command"),
    ],
)
def test_a_secret_has_exactly_one_source(given: dict[str, Any], named: str) -> None:
    """What was given is named."""
    with pytest.raises(ValidationError, match=f"give exactly one of file, credential, env, command; given: {named} "):
        Secret.model_validate(given)


def secret(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> Secret:
    """Put a value where this source finds it."""
    path = folder / "secret"
    path.write_text(value, encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("THE_SECRET", value)
    given = {"file": path, "credential": "secret", "env": "THE_SECRET", "command": ("cat", str(path))}
    return Secret.model_validate({source: given[source]})


@pytest.mark.parametrize("source", SOURCES)
def test_it_reads_a_secret_from_each_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """A line break at the end, as editors leave it, is no part of a secret."""
    assert secret(source, tmp_path, monkeypatch, "open-sesame\n").read() == "open-sesame"


@pytest.mark.parametrize("source", SOURCES)
def test_it_reads_a_secret_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """A changed secret counts at once."""
    known = secret(source, tmp_path, monkeypatch, "old")
    known.read()
    secret(source, tmp_path, monkeypatch, "new")
    assert known.read() == "new"


@pytest.mark.parametrize("source", SOURCES)
def test_it_refuses_an_empty_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Blanks are no secret, and the source is named."""
    empty = secret(source, tmp_path, monkeypatch, " \n")
    with pytest.raises(FatalError, match=rf"^the secret from {source} .* is empty$"):
        empty.read()


@pytest.mark.parametrize("source", SOURCES)
def test_neither_the_words_nor_the_repr_of_a_secret_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Only the source is ever written down."""
    known = secret(source, tmp_path, monkeypatch, "open-sesame")
    assert "open-sesame" not in f"{known} {known!r}"


@pytest.mark.usefixtures("no_environment")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"file": "/nowhere/secret"}, "the secret from file /nowhere/secret cannot be read: No such file or directory"),
        ({"file": "/"}, "the secret from file / cannot be read: Is a directory"),
        ({"env": "NOBODY_SET_THIS"}, "the secret from env NOBODY_SET_THIS is empty"),
        ({"command": ["false"]}, "the secret from command false cannot be read: CalledProcessError"),
        ({"command": ["/nowhere"]}, "the secret from command /nowhere cannot be read: No such file or directory"),
        ({"command": ["printf", "\\377"]}, "the secret from command printf cannot be read: UnicodeDecodeError"),
        ({"file": "\0"}, "the secret from file \0 cannot be read: "),
    ],
)
def test_it_says_why_a_secret_cannot_be_read(given: dict[str, Any], message: str) -> None:
    """The source is named, and the reason."""
    with pytest.raises(FatalError) as found:
        Secret.model_validate(given).read()
    assert str(found.value).startswith(message)


def test_it_says_why_a_credential_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential that systemd did not load is named."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(
        FatalError, match=r"^the secret from credential imap cannot be read: No such file or directory$"
    ):
        Secret(credential="imap").read()


@pytest.mark.usefixtures("no_environment")
def test_it_says_that_there_are_no_credentials_without_systemd() -> None:
    """The way out is named."""
    with pytest.raises(
        FatalError, match=r"but \$CREDENTIALS_DIRECTORY is not set: run under systemd with LoadCredential="
    ):
        Secret(credential="imap").read()


@pytest.mark.parametrize(
    "script",
    ["echo open-sesame; exit 1", "echo open-sesame >&2; exit 1", "printf 'open-sesame\\377'"],
    ids=["on stdout", "on stderr", "in bytes that are no text"],
)
def test_a_failing_command_never_shows_the_secret(tmp_path: Path, script: str) -> None:
    """What a command printed before it failed stays out of the error, and out of its chain."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(stat.S_IRWXU)
    with pytest.raises(FatalError) as found:
        Secret(command=(str(program),)).read()
    assert ("open-sesame" in str(found.value), found.value.__cause__) == (False, None)


def test_the_arguments_of_a_command_are_not_shown() -> None:
    """An argument may be a secret itself."""
    with pytest.raises(FatalError, match=r"^the secret from command false cannot be read: CalledProcessError$"):
        Secret(command=("false", "--password=open-sesame")).read()


# At the start of the service


def unreadable(path: Path) -> list[str]:
    """Name the keys of the secrets that are missing."""
    with pytest.raises(FatalError) as found:
        refuse_missing_secrets(load(path), path)
    return [line.removeprefix(f"{path}: ").partition(": ")[0] for line in str(found.value).splitlines()]


@pytest.fixture
def api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the key of the model, and no other secret of the good config."""
    monkeypatch.setenv("API_KEY", "k")
    for name in ("IMAP_PASSWORD", "CLIENT", "TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("api_key")
def test_every_missing_secret_is_named_at_once(tmp_path: Path) -> None:
    """Each by its key, and with what is missing."""
    path = good(tmp_path)
    with pytest.raises(FatalError) as found:
        refuse_missing_secrets(load(path), path)
    why = "the secret from env IMAP_PASSWORD is empty"
    assert str(found.value) == f"{path}: mailbox.password: {why}\n{path}: smtp.password: {why}"


@pytest.mark.usefixtures("api_key")
def test_a_missing_key_of_the_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing could be decided without it."""
    monkeypatch.setenv("IMAP_PASSWORD", "p")
    monkeypatch.delenv("API_KEY")
    assert unreadable(good(tmp_path)) == ["model.api_key"]


@pytest.mark.usefixtures("api_key")
def test_the_missing_secret_of_one_of_several_mailboxes_is_named_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others have theirs, and a Maildir needs none."""
    monkeypatch.setenv("IMAP_PASSWORD", "p")
    second = {**GOOD["mailbox"], "label": '"second"', "password": '{ env = "NOBODY_SET_THIS" }'}
    assert unreadable(with_mailboxes(tmp_path, MAILDIR, GOOD["mailbox"], second)) == ["mailbox[2].password"]


@pytest.mark.usefixtures("api_key")
@pytest.mark.parametrize(
    ("way", "key"), [("microsoft-app", "client_secret"), ("google-user", "client_secret"), ("token", "token")]
)
def test_the_missing_secret_of_a_sign_in_is_named(tmp_path: Path, way: str, key: str) -> None:
    """It is asked for at the start, not at the first mail."""
    tables = {section: keys for section, keys in (GOOD | signing_in(way)).items() if section not in NEEDS_SMTP}
    assert unreadable(place(tmp_path, toml(tables))) == [f"mailbox.sign_in.{key}"]


@pytest.mark.usefixtures("api_key")
@pytest.mark.parametrize("way", ["microsoft-device", "google-service-account"])
def test_a_sign_in_without_a_secret_in_the_config_misses_none(tmp_path: Path, way: str) -> None:
    """What it needs comes from elsewhere."""
    path = place(tmp_path, toml({key: keys for key, keys in (GOOD | signing_in(way)).items() if key not in NEEDS_SMTP}))
    refuse_missing_secrets(load(path), path)


@pytest.mark.usefixtures("api_key")
def test_secrets_that_are_there_are_no_reason_to_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service starts."""
    monkeypatch.setenv("IMAP_PASSWORD", "p")
    path = good(tmp_path)
    refuse_missing_secrets(load(path), path)


@pytest.mark.usefixtures("api_key")
def test_a_command_is_not_run_to_see_whether_there_is_a_secret(tmp_path: Path) -> None:
    """It may ask a person, or count how often it is run."""
    command = f'{{ command = ["touch", "{tmp_path}/ran"] }}'
    path = good(tmp_path, mailbox__password=command, smtp__password=command)
    refuse_missing_secrets(load(path), path)
    assert not (tmp_path / "ran").exists()
