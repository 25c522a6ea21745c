"""A migrated database for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.migrate import upgrade


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a database once, and give the file to copy."""
    database = Database(tmp_path_factory.mktemp("migrated") / "clerkd.db")
    upgrade(database)
    database.close()
    return database.path


@pytest.fixture
def db(tmp_path: Path, migrated: Path) -> Iterator[Database]:
    """Give a new, migrated database."""
    database = Database(tmp_path / "clerkd.db")
    shutil.copy(migrated, database.path)
    yield database
    database.close()
