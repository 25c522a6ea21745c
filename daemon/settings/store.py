"""The section ``[session.store]``: where a second copy of the transcripts is kept."""

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from daemon.fields import Line, Section, Words
from daemon.secret import Secret
from daemon.settings.servers import LOOPBACK, refuse_odd_ports, refuse_passwords

STORES = {
    "sqlite": "sqlite:////path/transcripts.db",
    "postgresql": "postgresql://user@host/database",
    "redis": "redis://host:6379/0",
    "rediss": "rediss://host:6379/0",
    "s3": "s3://bucket/prefix",
}
ENDPOINT = r"^(https://[A-Za-z0-9.:-]+/?|http://(localhost|127\.0\.0\.1)(:\d+)?/?)?$"


class Store(Section):
    """The session store: where a second copy of the transcripts is kept."""

    url: Words
    required: bool = False
    timeout_seconds: Annotated[float, Field(ge=1, le=600)] = 10
    password: Secret | None = None
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = ""
    endpoint: Annotated[str, Field(pattern=ENDPOINT)] = ""
    access_key: Line = ""
    secret_key: Secret | None = None

    @property
    def kind(self) -> str:
        """What it is made of: the URL's scheme."""
        return urlsplit(self.url).scheme

    @property
    def file(self) -> Path | None:
        """The file, where it is one."""
        path = urlsplit(self.url).path
        return Path("/", path.lstrip("/")).resolve() if self.kind == "sqlite" else None

    @property
    def where(self) -> str:
        """The URL without what stands behind a question mark."""
        return self.url.partition("?")[0]

    @field_validator("url")
    @classmethod
    def _is_a_stores(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in STORES:
            message = f"must begin with one of {', '.join(f'{scheme}://' for scheme in STORES)}"
            raise ValueError(message)
        if parts.scheme == "sqlite" and not (url.startswith("sqlite:////") and parts.path.strip("/")):
            message = f"needs a whole path: {STORES['sqlite']}"
            raise ValueError(message)
        if parts.scheme != "sqlite" and not parts.netloc:
            message = f"names no server or bucket: {STORES[parts.scheme]}"
            raise ValueError(message)
        refuse_passwords(parts)
        _refuse_odd_parts(parts)
        return url

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        s3 = [name for name in ("region", "endpoint", "access_key", "secret_key") if getattr(self, name)]
        if s3 and self.kind != "s3":
            message = f"{', '.join(s3)}: only a store in s3:// takes that"
            raise ValueError(message)
        if self.password and self.kind in ("sqlite", "s3"):
            message = f"a store in {self.kind}:// takes no password"
            raise ValueError(message)
        if bool(self.access_key) != bool(self.secret_key):
            message = "give both access_key and secret_key, or neither: then the machine's own role is used"
            raise ValueError(message)
        return self


def _refuse_odd_parts(parts: SplitResult) -> None:
    """Refuse a port, a database or an option that the store's client would stumble over."""
    refuse_odd_ports(parts)
    if parts.query and parts.scheme != "postgresql":
        message = "takes no options behind a question mark"
        raise ValueError(message)
    if parts.scheme in ("redis", "rediss") and not re.fullmatch(r"/?\d{0,4}", parts.path):
        message = f"needs the number of a database at its end: {STORES[parts.scheme]}"
        raise ValueError(message)
    if parts.scheme == "redis" and parts.hostname not in LOOPBACK:
        message = "goes over the network in the clear; use rediss:// to any other machine than this one"
        raise ValueError(message)
