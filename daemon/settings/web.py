"""Where the pages are served, and how long somebody stays signed in to them: ``[web]``."""

from ipaddress import ip_address
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from daemon.fields import Port, Section, Words

LOCALHOST = "localhost"


class WebSettings(Section):
    """The pages of ``clerkd web``.

    ``url`` is their address as browsers know it, where that is another than ``host`` and ``port``: behind a proxy that
    does the TLS.
    """

    host: Words = "127.0.0.1"
    port: Port = 8620
    url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]+/?$")] | None = None
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12
    idle_minutes: Annotated[float, Field(gt=0, le=1440)] = 60

    @property
    def address(self) -> str:
        """Where a browser finds the pages, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which the pages may be asked for; another one is a trick on a browser (DNS rebinding)."""
        named = urlsplit(self.address).hostname or ""
        return tuple(dict.fromkeys(filter(None, (named, self.host, *([LOCALHOST] if _is_local(self.host) else [])))))

    @model_validator(mode="after")
    def _passwords_are_not_told(self) -> Self:
        if not _is_local(self.host) and not (self.url or "").startswith("https://"):
            message = (
                f"host: at {self.host} others on the network could read along; keep 127.0.0.1, or put a proxy with TLS "
                'before it and say url = "https://..."'
            )
            raise ValueError(message)
        if not _is_local(urlsplit(self.address).hostname or "") and not self.address.startswith("https://"):
            message = f"url: {self.url} is not encrypted, and a browser would not keep the sign-in; it must be https://"
            raise ValueError(message)
        return self


def _is_local(host: str) -> bool:
    """Say whether nobody but this machine can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == LOCALHOST
