"""Where a secret comes from. It is read when it is needed, and never shown."""

import os
import subprocess
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from daemon.errors import FatalError
from daemon.fields import Section, Words

SECRET_SECONDS = 30


def _as_tuple(value: object) -> object:
    """Take a list of the file for a tuple: behind a validator that runs first, strict mode no longer does so itself."""
    return tuple(value) if isinstance(value, list) else value


class Secret(Section):
    """Where a secret comes from; exactly one source. It is read when it is needed, never kept in the settings."""

    file: Path | None = None
    credential: Words | None = None
    env: Words | None = None
    command: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _not_in_the_open(cls, value: object) -> object:
        if not isinstance(value, dict):
            message = (
                "a secret never stands in the TOML itself; "
                "give { file = }, { credential = }, { env = } or { command = [] }"
            )
            raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueError
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            message = f"give exactly one of file, credential, env, command; given: {', '.join(given) or 'none'}"
            raise ValueError(message)
        return self

    def read(self) -> str:
        """Fetch the secret; raise FatalError where it cannot be had. The error never holds the secret."""
        value = self._fetch().strip()
        if not value:
            message = f"the secret from {self} is empty"
            raise FatalError(message)
        return value

    def missing(self) -> str:
        """Say what is missing before the first use, or nothing; a command is not run for that."""
        if self.command:
            return ""
        try:
            self.read()
        except FatalError as error:
            return str(error)
        return ""

    def __str__(self) -> str:
        """Name the source, never the secret."""
        if self.command:
            return f"command {self.command[0]}"
        name = next(name for name in ("file", "credential", "env") if getattr(self, name))
        return f"{name} {getattr(self, name)}"

    def _fetch(self) -> str:
        try:
            if self.file:
                return self.file.read_text(encoding="utf-8")
            if self.credential:
                return (_credentials_directory() / self.credential).read_text(encoding="utf-8")
            if self.env:
                return os.environ.get(self.env, "")
            return _output_of(self.command or ())
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            why = error.strerror if isinstance(error, OSError) else type(error).__name__
            message = f"the secret from {self} cannot be read: {why}"
            raise FatalError(message) from None


def _credentials_directory() -> Path:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        message = (
            "a secret comes from a credential, but $CREDENTIALS_DIRECTORY is not set: "
            "run under systemd with LoadCredential=, or use { file = } instead"
        )
        raise FatalError(message)
    return Path(directory)


def _output_of(command: tuple[str, ...]) -> str:
    done = subprocess.run(  # noqa: S603 - the operator's own command, from the operator's own file
        command, capture_output=True, text=True, timeout=SECRET_SECONDS, check=True
    )
    return done.stdout
