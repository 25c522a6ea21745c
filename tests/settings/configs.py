"""Good configs, from which the tests of the settings deviate, and the lists of all keys."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from daemon.errors import FatalError
from daemon.secret import Secret
from daemon.settings import Settings, load

ORDERS = "# Standing orders\n\nAnswer politely.\n"
PASSWORD = '{ env = "IMAP_PASSWORD" }'
UNKNOWN = "unknown key; see config/clerkd.toml for every key that there is"
MISSING = "is missing and has no default"

# Of the one server, and of the one category, in the good config and in the documentation.
NAMES = {"mcp": "catalogue", "autonomy.categories": "complaint"}

Tables = dict[str, dict[str, str]]
GOOD: Tables = {
    "employee": {"name": '"Robin Reed"', "address": '"support@example.com"'},
    "mailbox": {"host": '"imap.example.com"', "user": '"support@example.com"', "password": PASSWORD},
    "reading": {},
    "smtp": {"host": '"smtp.example.com"', "user": '"support@example.com"', "password": PASSWORD},
    "model": {"api_key": '{ env = "API_KEY" }'},
    "model.prices": {"input": "1.0", "output": "5.0", "cache_read": "0.1", "cache_write": "1.25"},
    "session": {},
    "session.store": {"url": '"s3://transcripts"'},
    "knowledge": {},
    "mcp.catalogue": {"command": '["catalogue"]', "tools": '{ look_up = "read" }'},
    "autonomy": {},
    "autonomy.wider": {"action": '"reply"', "mode": '"draft"', "authenticated": "true"},
    "autonomy.categories.complaint": {"close": '"ask"'},
    "hours": {},
    "web": {},
    "digest": {"to": '["boss@example.com"]'},
    "limits": {},
    "retry": {},
    "service": {},
}
# Mail that leaves; [autonomy] as delivered lets none leave.
NEEDS_SMTP = ("smtp", "digest")
# A secret's own validator makes Python's list of TOML's, and a strict tuple takes none.
# Any directory will do: what lies in it is looked at later.
MAILDIR = {"maildir": '"/"'}
WAYS: Tables = {
    "microsoft-app": {"tenant": '"example.com"', "client_id": '"app"', "client_secret": '{ env = "CLIENT" }'},
    "microsoft-device": {"tenant": '"common"', "client_id": '"app"'},
    "google-service-account": {"key_file": '"/etc/clerkd/google.json"'},
    "google-user": {"client_id": '"app"', "client_secret": '{ env = "CLIENT" }'},
    "token": {"token": '{ env = "TOKEN" }'},
}
WAY_OF = {"key_file": "google-service-account", "auth_url": "google-user", "token_url": "google-user", "token": "token"}

KNOWLEDGE_WITH: Tables = {"password": {"url": '"postgresql://clerkd@localhost/clerkd"'}}
STORE_WITH: Tables = {
    "password": {"url": '"rediss://redis.example.com:6379/0"'},
    "secret_key": {"url": '"s3://transcripts"', "access_key": '"key"'},
    "access_key": {"url": '"s3://transcripts"', "secret_key": '{ env = "KEY" }'},
}
TEXTS = ["employee.name", "employee.orders", "employee.specialists", "employee.signature", "mailbox.label",
         "mailbox.host", "mailbox.user",
         "mailbox.ca_file", "mailbox.drafts", "mailbox.sent", "mailbox.handled_flag", "mailbox.handled_folder",
         "mailbox.authserv_id", "mailbox.maildir", "mailbox.sign_in.tenant", "mailbox.sign_in.client_id",
         "mailbox.sign_in.key_file", "mailbox.sign_in.ca_file", "smtp.host", "smtp.user", "model.name",
         "session.quiet_hours", "session.store.url", "session.store.region", "session.store.endpoint",
         "session.store.access_key", "knowledge.url", "mcp.catalogue.url", "hours.times", "hours.zone", "smtp.ca_file",
         "web.host", "digest.at",
         "service.state"]  # fmt: skip
ADDRESSES = ["employee.address"]
LISTS = [
    "employee.aliases",
    "employee.categories",
    "mailbox.watch",
    "mailbox.folders",
    "knowledge.documents",
    "mcp.catalogue.command",
    "autonomy.wider.categories",
    "autonomy.links",
    "hours.days",
    "digest.to",
    "digest.vips",
    "hours.holidays",
]
TABLES = [f"mcp.catalogue.{key}" for key in ("tools", "env", "env_secrets", "headers", "header_secrets")]
TABLES.append("autonomy.addressees")
EFFECTS = ("reply", "forward", "move", "flag", "close")
CHOICES = ["mailbox.security", "mailbox.sign_in.mechanism", "smtp.security", "service.log_level",
           "knowledge.embedder", "autonomy.wider.action", "autonomy.wider.mode",
           *(f"autonomy.{effect}" for effect in EFFECTS),
           *(f"autonomy.categories.complaint.{effect}" for effect in EFFECTS)]  # fmt: skip
TAGS = ["mailbox.sign_in.way"]
DAYS = ["mailbox.since"]
TRUTHS = ["mailbox.authserv_strips_forgeries", "session.store.required", "smtp.copy_to_sent",
          "autonomy.wider.authenticated", "autonomy.wider.within_hours"]  # fmt: skip
SECURE_URLS = ["mailbox.sign_in.authority", "mailbox.sign_in.auth_url", "mailbox.sign_in.token_url"]
URLS = ["model.base_url", "web.url", *SECURE_URLS]
WHOLE_NUMBERS = ["mailbox.port", "mailbox.largest_mail", "reading.megabytes", "reading.longest_text", "smtp.port",
                 "model.most_steps", "model.api_retries", "session.compact_at_tokens", "session.rotate_at_tokens",
                 "session.most_messages", "session.handover_tokens", "knowledge.recall_tokens", "web.port",
                 "digest.deadline_days", "digest.issue_senders", "digest.most_urgent"]  # fmt: skip
NUMBERS = ["mailbox.poll_seconds", "mailbox.follow_seconds", "mailbox.timeout_seconds", "reading.seconds",
           "smtp.timeout_seconds", "model.turn_seconds", "model.prices.input", "model.prices.output",
           "model.prices.cache_read", "model.prices.cache_write", "session.least_reclaimed", "session.most_days",
           "session.most_idle_hours", "session.most_megabytes", "session.most_dollars",
           "session.dormant_after_days", "session.store.timeout_seconds", "mcp.catalogue.seconds",
           "autonomy.least_confidence", "autonomy.most_amount", "autonomy.approval_days", "autonomy.wider.known_days",
           "autonomy.wider.confidence", "autonomy.wider.amount", "limits.dollars_per_turn", "limits.dollars_per_day",
           "limits.dollars_per_month", "retry.first_pause_seconds", "retry.longest_pause_seconds",
           "retry.reconcile_seconds", "service.stop_seconds", "web.session_hours", "web.idle_minutes"]  # fmt: skip
SECRETS = ["mailbox.password", "mailbox.sign_in.client_secret", "mailbox.sign_in.token", "smtp.password",
           "model.api_key", "session.store.password", "session.store.secret_key",
           "knowledge.password"]  # fmt: skip
SECTIONS = ["employee", "mailbox", "mailbox.sign_in", "reading", "smtp", "model", "model.prices", "session",
            "session.store", "knowledge", "mcp.catalogue", "autonomy", "autonomy.wider",
            "autonomy.categories.complaint", "hours", "web", "digest", "limits", "retry", "service"]  # fmt: skip
REQUIRED = ["employee.name", "employee.address", "mailbox.host", "mailbox.user", "mailbox.maildir",
            "mailbox.sign_in.way", "mailbox.sign_in.tenant", "mailbox.sign_in.client_id",
            "mailbox.sign_in.client_secret", "mailbox.sign_in.key_file", "mailbox.sign_in.token", "smtp.host",
            "smtp.user", "smtp.password", "model.api_key", "model.prices.input", "model.prices.output",
            "model.prices.cache_read", "model.prices.cache_write", "session.store.url",
            "mcp.catalogue.tools", "autonomy.wider.action", "autonomy.wider.mode", "digest.to"]  # fmt: skip


def toml(tables: Tables) -> str:
    """Write a config of these sections."""
    return "\n".join(
        line
        for section, keys in tables.items()
        for line in (heading(section), *(f"{key} = {value}" for key, value in keys.items()), "")
    )


def heading(section: str) -> str:
    """Write a section's heading; a rule is one of several."""
    return f"[[{section}]]" if section == "autonomy.wider" else f"[{section}]"


def place(folder: Path, text: str) -> Path:
    """Write a config file, with standing orders beside it."""
    (folder / "employee.md").write_text(ORDERS, encoding="utf-8")
    path = folder / "clerkd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def signing_in(way: str) -> Tables:
    """Make the sections of a mailbox that is signed in to in this way."""
    mailbox = {key: value for key, value in GOOD["mailbox"].items() if key != "password"}
    return {"mailbox": mailbox, "mailbox.sign_in": {"way": f'"{way}"', **WAYS[way]}}


def varied(names: Collection[str]) -> Tables:
    """Make the sections that know these keys: a mailbox or a store of a fitting kind."""
    for name in names:
        section, _, key = name.rpartition(".")
        if section == "mailbox.sign_in":
            return signing_in(WAY_OF.get(key, "microsoft-app"))
        if section == "session.store":
            return {"session.store": STORE_WITH.get(key, GOOD["session.store"])}
        if section == "knowledge":
            return {"knowledge": KNOWLEDGE_WITH.get(key, GOOD["knowledge"])}
    return {"mailbox": MAILDIR if "mailbox.maildir" in names else GOOD["mailbox"]}


def good(folder: Path, *, without: str = "", **values: str) -> Path:
    """Write a good config with some keys otherwise; two underscores stand for a dot."""
    changes = {name.replace("__", "."): value for name, value in values.items()}
    tables = {section: dict(keys) for section, keys in (GOOD | varied([*changes, without])).items()}
    for name, value in changes.items():
        section, _, key = name.rpartition(".")
        tables[section][key] = value
    if without:
        section, _, key = without.rpartition(".")
        del tables[section][key]
    return place(folder, toml(tables))


def with_mailboxes(folder: Path, *mailboxes: dict[str, str]) -> Path:
    """Write a good config of several mailboxes."""
    others = {section: keys for section, keys in GOOD.items() if section != "mailbox"}
    return place(folder, toml(others) + "".join(toml({"[mailbox]": keys}) for keys in mailboxes))


def refusal(path: Path) -> str:
    """Give the words with which a config is refused, without the name of its file."""
    with pytest.raises(FatalError) as refused:
        load(path)
    return str(refused.value).replace(f"{path}: ", "").replace("autonomy.wider[0]", "autonomy.wider")


def refused(folder: Path, key: str, value: str) -> str:
    """Give the words with which this value of a key is refused."""
    return refusal(good(folder, **{key.replace(".", "__"): value}))


def sections_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """Find the sections in a key's type, where it is one; several, where there are kinds of it."""
    if annotation is Secret:
        return
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from sections_of(part)


def keys_of(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Give all keys of the settings with their defaults; a section is no key, and of those with names there is one."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        named = f"{key}.{NAMES.get(key)}" if get_origin(field.annotation) is dict else key
        deeper = [keys_of(section, f"{named}.") for section in sections_of(field.annotation)]
        found |= {key: default for keys in deeper for key, default in keys.items()}
        if not deeper:
            found[key] = field.get_default(call_default_factory=True)
    return found


ALL_KEYS = keys_of(Settings)
WITH_DEFAULTS = [key for key, default in ALL_KEYS.items() if default is not PydanticUndefined]
