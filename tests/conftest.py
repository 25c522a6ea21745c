"""Fixtures that every room's tests may use."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from tests import databases, dovecot
from tests.bed import PASSWORD, USER, Bed
from tests.faults import Faults
from tests.knowledge_server import KnowledgeServer, serving
from tests.post_office import PostOffice

# How long an example takes is no property: the first one loads what is looked up, on a machine that does other things.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def need(present: object, what: str) -> None:
    """Skip a test whose server is absent, with the reason; under CI that is a failure."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and under CI nothing may be skipped")
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, since they share servers, unless they are grouped by themselves.

    Those that kill a daemon share nothing, and take long: two workers go through a file of theirs.
    """
    for at, item in enumerate(items):
        if item.get_closest_marker("xdist_group") is None:
            half = at % 2 if item.path.parent.name == "crash" else 0
            item.add_marker(pytest.mark.xdist_group(f"{item.path} {half}"))


@pytest.fixture(scope="session")
def knowledge_server() -> Iterator[KnowledgeServer]:
    """Serve knowledge databases on a real PostgreSQL."""
    need(databases.POSTGRES, "postgresql is not installed (Debian: postgresql)")
    with serving() as server:
        yield server


@pytest.fixture
def model() -> Iterator[tuple[StandIn, Faults]]:
    """Serve the stand-in with faults that a test may set."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as stand_in:
        yield stand_in, faults


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """Open a submission server."""
    with PostOffice() as office:
        yield office


@pytest.fixture
def bed(tmp_path: Path, model: tuple[StandIn, Faults]) -> Iterator[Bed]:
    """Lay a bed on the embedded mail server."""
    with MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path, server, *model)
        yield bed
        bed.close()


@pytest.fixture
def real_bed(tmp_path: Path, model: tuple[StandIn, Faults]) -> Iterator[Bed]:
    """Lay a bed on a real Dovecot, whose sockets need a short path that its own users can reach."""
    need(dovecot.PROGRAM, "dovecot is not installed (Debian: dovecot-imapd)")
    with tempfile.TemporaryDirectory(prefix="dovecot-") as short:
        server = dovecot.Dovecot(Path(short), USER, PASSWORD)
        server.start()
        try:
            yield Bed(tmp_path, server, *model)
        finally:
            server.stop()
