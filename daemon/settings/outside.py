"""What the config says of MCP servers outside of this house, which specialists may ask."""

import re
from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from daemon.fields import Line, Section, Words
from daemon.secret import Secret
from daemon.settings.servers import LOOPBACK

OWN = "clerkd"
# Two underscores part server and tool in the engine's names, so none may stand in a server's.
NAME = re.compile(r"(?=.{1,31}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
TOOL = re.compile(r"[A-Za-z0-9_-]{1,64}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HEADER = re.compile(r"[A-Za-z0-9-]+")
SECRET_NAME = re.compile(r"key|token|secret|password|passwd|auth|credential|cookie", re.IGNORECASE)
READ = "read"
BAD_NAME = (
    "{!r} is no name for a server: small letters and digits, parted by single underscores, 31 characters at most, "
    "and not clerkd"
)
OTHER_EFFECT = (
    '{} = {!r}: only the effect "read" can be allowed: a call is made before the turn is settled, and what it changed '
    "outside could not be taken back"
)
NOT_PLAIN = "{} looks like a secret: give it in {}, by its source"


def _effect(effects: dict[str, str]) -> dict[str, str]:
    for tool, effect in effects.items():
        if not TOOL.fullmatch(tool):
            message = f"{tool!r} is no name of a tool: letters, digits, _ and -, 64 at most"
            raise ValueError(message)
        if effect != READ:
            raise ValueError(OTHER_EFFECT.format(tool, effect))
    return effects


class OutsideServer(Section):
    """One MCP server: a process of its own (``command``), or one that is reached by HTTP (``url``)."""

    command: Annotated[tuple[Words, ...], Field(min_length=1)] | None = None
    url: Words | None = None
    tools: Annotated[dict[str, str], Field(min_length=1), AfterValidator(_effect)]
    seconds: Annotated[float, Field(gt=0, le=300)] = 20
    env: dict[str, Line] = Field(default_factory=dict)
    env_secrets: dict[str, Secret] = Field(default_factory=dict)
    headers: dict[str, Line] = Field(default_factory=dict)
    header_secrets: dict[str, Secret] = Field(default_factory=dict)

    @property
    def secrets(self) -> Mapping[str, Secret]:
        """Its secrets, by the names of their keys."""
        tables = {"env_secrets": self.env_secrets, "header_secrets": self.header_secrets}
        return {f"{key}.{name}": secret for key, table in tables.items() for name, secret in table.items()}

    def values(self) -> dict[str, str]:
        """Read its whole environment, or all of its headers; raise FatalError where a secret cannot be had."""
        secrets = {name: secret.read() for name, secret in {**self.env_secrets, **self.header_secrets}.items()}
        return {**self.env, **self.headers, **secrets}

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            message = "must be an address that begins with https://, or with http:// on this machine"
            raise ValueError(message)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            message = "goes over the network in the clear; use https:// to any other machine than this one"
            raise ValueError(message)
        if parts.username or parts.password or parts.query:
            message = "takes no user, password or question mark: what is secret stands in header_secrets"
            raise ValueError(message)
        return url

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.url is None):
            message = "give either command or url, one of them"
            raise ValueError(message)
        foreign = ("headers", "header_secrets") if self.command else ("env", "env_secrets")
        odd = next((key for key in foreign if getattr(self, key)), None)
        if odd:
            message = f"{odd}: a server with a {'command' if self.command else 'url'} takes none"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for key, pattern in (("env", VARIABLE), ("headers", HEADER)):
            secrets = f"{key.removesuffix('s')}_secrets"
            bad = [name for name in [*getattr(self, key), *getattr(self, secrets)] if not pattern.fullmatch(name)]
            if bad:
                message = f"{key}: {bad[0]!r} is no name that can stand there"
                raise ValueError(message)
            twice = getattr(self, key).keys() & getattr(self, secrets).keys()
            if twice:
                message = f"{min(twice)} stands in both {key} and {secrets}"
                raise ValueError(message)
            told = next((name for name in getattr(self, key) if SECRET_NAME.search(name)), None)
            if told:
                raise ValueError(NOT_PLAIN.format(f"{key}.{told}", secrets))
        return self


def named(servers: dict[str, OutsideServer]) -> dict[str, OutsideServer]:
    """Refuse names that the engine could not tell apart."""
    bad = next((name for name in servers if name == OWN or not NAME.fullmatch(name)), None)
    if bad is not None:
        raise ValueError(BAD_NAME.format(bad))
    return servers
