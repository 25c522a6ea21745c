"""The kinds of value that the config knows, each with the error that says what is allowed."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Security = Literal["tls", "starttls", "none"]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Dollars = Annotated[float, Field(gt=0, le=1_000_000)]
ADDRESS = re.compile(r"[!-;=?A-~]+@[!-;=?A-~]+")


def _one_line(text: str) -> str:
    if any(ord(character) < ord(" ") or character == "\x7f" for character in text):
        message = "must be one line of text, without control characters"
        raise ValueError(message)
    return text


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text) or "," in text:
        message = f"{text!r} is not a plain address such as name@example.com (ASCII, without a display name)"
        raise ValueError(message)
    return text


def without_nul(text: str) -> str:
    """Refuse what no database server takes: a NUL in a text."""
    if "\0" in text:
        message = "must be text, without a NUL"
        raise ValueError(message)
    return text


Words = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Email = Annotated[str, AfterValidator(_address)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the TOML file: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
