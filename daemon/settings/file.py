"""TOML to frozen settings, or a refusal to start that names file, key, what is wrong and what is allowed."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daemon.errors import FatalError
from daemon.secret import Secret
from daemon.settings.documents import with_documents
from daemon.settings.mailboxes import ImapMailbox, Mailbox, MaildirMailbox
from daemon.settings.refusal import what, where
from daemon.settings.sections import Settings
from daemon.settings.specialists import specialists_of

DEFAULT_PATH = Path("/etc/clerkd/clerkd.toml")


def locate(given: Path | None) -> Path:
    """Find the config file: ``--config``, then ``$CLERKD_CONFIG``, then /etc/clerkd/clerkd.toml."""
    if given:
        return given
    named = os.environ.get("CLERKD_CONFIG")
    return Path(named) if named else DEFAULT_PATH


def load(given: Path | None) -> Settings:
    """Read and check the config; raise FatalError with one line for each thing that is wrong."""
    path = locate(given)
    return checked(table_of(path), path)


def table_of(path: Path) -> dict[str, Any]:
    """Read a TOML file; raise FatalError where there is none, or it is not one."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{path}: there is no config file here. Write one with: clerkd init --config {path}"
        raise FatalError(message) from None
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        raise FatalError(message) from None
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: is not valid TOML: {error}"
        raise FatalError(message) from None


def checked(raw: dict[str, object], path: Path) -> Settings:
    """Make settings of a file's table; raise FatalError with one line for each thing that is wrong."""
    try:
        # JSON's strict mode is TOML's: text is no number, yet a path may be written as text.
        settings = Settings.model_validate_json(json.dumps(_listed(raw), default=_no_json), strict=True)
    except ValidationError as error:
        lone = _is_lone(raw.get("mailbox"))
        lines = [f"{path}: {where(item['loc'], lone=lone)}: {what(dict(item))}" for item in error.errors()]
        raise FatalError("\n".join(lines)) from None
    return with_documents(_with_orders(settings, path), path)


def refuse_missing_secrets(settings: Settings, path: Path) -> None:
    """Raise FatalError where a secret's file, credential or variable is not there: the service would only pause."""
    lines = [f"{path}: {key}: {why}" for key, secret in secrets_of(settings) if (why := secret.missing())]
    if lines:
        raise FatalError("\n".join(lines))


def secrets_of(settings: Settings) -> list[tuple[str, Secret]]:
    """List all secrets of a config, under the names of their keys."""
    sources = [*_mailbox_secrets(settings), ("model.api_key", settings.model.api_key)]
    if settings.smtp:
        sources.append(("smtp.password", settings.smtp.password))
    if store := settings.session.store:
        secrets = (("password", store.password), ("secret_key", store.secret_key))
        sources += [(f"session.store.{key}", secret) for key, secret in secrets if secret]
    if settings.knowledge.password:
        sources.append(("knowledge.password", settings.knowledge.password))
    for name, server in settings.mcp.items():
        sources += [(f"mcp.{name}.{key}", secret) for key, secret in server.secrets.items()]
    return sources


def _mailbox_secrets(settings: Settings) -> list[tuple[str, Secret]]:
    """List the passwords and the secrets of the sign-ins, under the names of their keys."""
    found: list[tuple[str, Secret | None]] = []
    for name, mailbox in _by_key(settings):
        if isinstance(mailbox, ImapMailbox):
            found.append((f"{name}.password", mailbox.password))
            for key in ("client_secret", "token"):
                found += [(f"{name}.sign_in.{key}", getattr(mailbox.sign_in, key, None))]
    return [(key, secret) for key, secret in found if secret]


def _by_key(settings: Settings) -> list[tuple[str, Mailbox]]:
    """List the mailboxes under their keys, as ``_where`` names them."""
    lone = _is_lone(settings.mailboxes)
    return [("mailbox" if lone else f"mailbox[{place}]", mailbox) for place, mailbox in enumerate(settings.mailboxes)]


def _is_lone(mailbox: object) -> bool:
    """Say whether there is one mailbox only, which needs no number."""
    return not isinstance(mailbox, (list, tuple)) or len(mailbox) == 1


def _listed(raw: dict[str, object]) -> dict[str, object]:
    """Take a lone [mailbox] for a list of one; several are written as [[mailbox]]."""
    mailbox = raw.get("mailbox", [])
    return raw if isinstance(mailbox, list) else {**raw, "mailbox": [mailbox]}


def _no_json(value: object) -> dict[str, str]:
    """Stand in for a TOML date or time, which no key takes, with something that no key takes either."""
    return {"date": str(value)}


def _with_orders(settings: Settings, path: Path) -> Settings:
    """Take the orders' path as relative to the config file, and see that the file can be read."""
    orders = (path.parent / settings.employee.orders).resolve()
    try:
        orders.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"{path}: employee.orders: the standing orders {orders} cannot be read: {why}"
        raise FatalError(message) from None
    for key, mailbox in _by_key(settings):
        _refuse_missing_files(mailbox, f"{path}: {key}")
    if settings.smtp:
        _refuse_missing_authority(settings.smtp.ca_file, f"{path}: smtp")
    employee = settings.employee.model_copy(update={"orders": orders})
    return _with_specialists(settings.model_copy(update={"employee": employee}), path)


def _with_specialists(settings: Settings, path: Path) -> Settings:
    """Take their directory as relative to the config file, and see that each of them can be read."""
    if settings.employee.specialists is None:
        return settings
    directory = (path.parent / settings.employee.specialists).resolve()
    if not directory.is_dir():
        message = f"{path}: employee.specialists: there is no such directory: {directory}"
        raise FatalError(message)
    employee = settings.employee.model_copy(update={"specialists": directory})
    found = settings.model_copy(update={"employee": employee})
    specialists_of(found)
    return found


def _refuse_missing_files(mailbox: Mailbox, key: str) -> None:
    if isinstance(mailbox, MaildirMailbox) and not mailbox.maildir.is_dir():
        message = f"{key}.maildir: there is no such directory: {mailbox.maildir}"
        raise FatalError(message)
    _refuse_missing_authority(mailbox.ca_file if isinstance(mailbox, ImapMailbox) else None, key)


def _refuse_missing_authority(authority: Path | None, key: str) -> None:
    if authority and not authority.is_file():
        message = f"{key}.ca_file: there is no such file: {authority}"
        raise FatalError(message)
