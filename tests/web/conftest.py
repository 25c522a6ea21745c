"""A mailbox of which some answers wait for a person, and the pages that show it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from tests.bed import PASSWORD, USER, Bed, mail
from tests.faults import Faults
from tests.rules import DRAFT, deciding
from tests.web.visitor import Pages, serving

ASKING = '[autonomy]\nreply = "ask"\nmove = "ask"\nflag = "ask"'
SMTP = """[smtp]
host = "127.0.0.1"
port = 9
security = "none"
user = "robin"
password = {{ file = "{}/mailbox-password" }}"""
HOSTILE = "My ord\u0435r is late. <script>alert(1)</script><img src=https://evil.example/p.png>"


def laid(root: Path, server: MailServer, model: StandIn, faults: Faults) -> Bed:
    """Lay a bed whose employee asks before it does anything."""
    bed = Bed(root, server, model, faults)
    bed.sections |= {"autonomy": ASKING, "smtp": SMTP.format(root)}
    return bed


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work three mails: an answer to each waits; the third answer runs into a wall, and a flag waits beside it."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = laid(tmp_path_factory.mktemp("pages"), server, model, faults)
        model.rules = deciding(DRAFT)
        server.deliver(mail("Opening hours", "When do you close?"))
        server.deliver(mail("Closing hours", sender="Bo <bo@tern.example>"))
        bed.work(2)
        links = {"kind": "draft", "body": "See https://evil.example/x."}
        model.rules = deciding(links, {"kind": "flag"}, category="complaint")
        server.deliver(mail("A compl\u0430int", HOSTILE, sender='"<b>bold</b>" <cy@vane.example>'))
        bed.work(3)
        yield bed
        bed.close()


@pytest.fixture
def waiting(worked: Bed, tmp_path: Path) -> Bed:
    """Give a copy of its state that a test may change."""
    shutil.copytree(worked.root / "state", tmp_path / "state", ignore=shutil.ignore_patterns("*.sock"))
    return laid(tmp_path, worked.server, worked.model, worked.faults)  # type: ignore[arg-type]


@pytest.fixture
def pages(waiting: Bed) -> Iterator[Pages]:
    """Serve the pages of that copy."""
    with serving(waiting) as pages:
        yield pages
