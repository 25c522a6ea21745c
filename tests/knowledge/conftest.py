"""A migrated database for each test: a file, and the same on a real PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.migrate import upgrade
from tests.knowledge_server import KnowledgeServer, run


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a database once, and give the file to copy."""
    database = Database(tmp_path_factory.mktemp("migrated") / "clerkd.db")
    upgrade(database)
    database.close()
    return database.path


@pytest.fixture
def file(tmp_path: Path, migrated: Path) -> Iterator[Database]:
    """Give a new, migrated database in a file."""
    database = Database(tmp_path / "clerkd.db")
    shutil.copy(migrated, database.path)
    yield database
    database.close()


@pytest.fixture
def served(knowledge_server: KnowledgeServer) -> Iterator[Database]:
    """Give a new, migrated database on a server."""
    database = Database(knowledge_server.copy())
    yield database
    database.close()
    run(knowledge_server.url, f"DROP DATABASE {database.engine.url.database} WITH (FORCE)")


@pytest.fixture(params=["file", pytest.param("served", marks=pytest.mark.exhaustive)])
def db(request: pytest.FixtureRequest) -> Database:
    """Give a new, migrated database of either kind."""
    found: Database = request.getfixturevalue(request.param)
    return found
