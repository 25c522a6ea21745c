"""What columns are made of: times that know their zone, and an index over some rows."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, TypeDecorator, text
from sqlmodel import Field


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time; the database stores it without a zone, because SQLite has none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse a naive time: it would be stored as if it were UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a time for the knowledge database must know its zone"
            raise ValueError(message)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


def time_field(*, index: bool = False) -> Any:  # noqa: ANN401 - SQLModel's Field is untyped by design
    """Declare a required time."""
    return Field(sa_type=UtcTime, index=index)


def optional_time() -> Any:  # noqa: ANN401 - SQLModel's Field is untyped by design
    """Declare a time that may be missing."""
    return Field(default=None, sa_type=UtcTime)


def where(condition: str) -> dict[str, Any]:
    """Bound an index to some rows, on either kind of database."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
