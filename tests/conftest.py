"""Fixtures that every room's tests may use."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from tests.bed import PASSWORD, USER, Bed
from tests.faults import Faults


@pytest.fixture
def model(tmp_path: Path) -> Iterator[tuple[StandIn, Faults]]:
    """Serve the stand-in with faults that a test may set."""
    assert tmp_path.exists()
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as stand_in:
        yield stand_in, faults


@pytest.fixture
def bed(tmp_path: Path, model: tuple[StandIn, Faults]) -> Iterator[Bed]:
    """Lay a bed on the embedded mail server."""
    with MailServer(USER, PASSWORD) as server:
        yield Bed(tmp_path, server, *model)
    shutil.rmtree(tmp_path / "state", ignore_errors=True)
