"""Fixtures of the contract."""

from collections.abc import Iterator
from typing import Any

import pytest

from daemon.mail.imap import Imap
from tests.contract.servers import SERVERS, Rack, connect, serving


@pytest.fixture(scope="module")
def rack() -> Iterator[Rack]:
    """Keep the servers that were started until the module's tests are through."""
    rack = Rack()
    with rack.stack:
        yield rack


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, rack: Rack) -> Iterator[Any]:
    """Serve one empty mailbox, by each of the servers."""
    with serving(rack, request.param) as found:
        yield found


@pytest.fixture
def imap(server: Any) -> Iterator[Imap]:
    """Open a connection, and end it."""
    connection = connect(server)
    yield connection
    connection.close()
