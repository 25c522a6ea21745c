"""Two employees who write to each other stop by themselves."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from knowledge import approvals
from tests.bed import PASSWORD, USER, Bed, mail
from tests.faults import Faults
from tests.post_office import Delivered, PostOffice
from tests.rules import REPLY, deciding

OTHER = "help@ternbay.example"
MARKS = re.compile(rb"(?im)^auto-submitted:.*\r\n")
FIRST_CAP = 10  # mails in ten minutes


@dataclass
class House:
    """One of the two: its daemon's bed, and the server that its mail leaves by."""

    bed: Bed
    office: PostOffice


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[tuple[House, House]]:
    """Set two daemons face to face, each with a mailbox, a model that answers everything, and a way out."""
    with ExitStack() as stack:
        yield _house(stack, tmp_path / "one", USER), _house(stack, tmp_path / "other", OTHER)


def _house(stack: ExitStack, root: Path, address: str) -> House:
    root.mkdir()
    faults = Faults()
    model = stack.enter_context(StandIn(decide, wrap=faults.around))
    model.rules = deciding(REPLY)
    server = stack.enter_context(MailServer(USER, PASSWORD))
    office = stack.enter_context(PostOffice())
    bed = Bed(root, server, model, faults)
    stack.callback(bed.close)
    bed.sections["employee"] = f'address = "{address}"'
    office.serve(bed)
    bed.sections["smtp"] += "\ncopy_to_sent = false"
    return House(bed, office)


def carrying(source: House, target: House, *, strips: bool) -> None:
    """Carry whatever one sends into the other's mailbox; ``strips`` takes the marks of a machine out on the way."""

    def carry(sent: Delivered) -> None:
        target.bed.server.deliver(MARKS.sub(b"", sent.raw) if strips else sent.raw)

    source.office.carry = carry


@pytest.mark.exhaustive
def test_two_employees_stop_after_the_first_answer(houses: tuple[House, House]) -> None:
    """The answer says that a machine wrote it, so nobody answers it."""
    one, other = houses
    carrying(one, other, strips=False)
    carrying(other, one, strips=False)
    one.bed.server.deliver(mail("Hello", "Are you there?", sender=f"Robin <{OTHER}>"))
    one.bed.work(1)
    other.bed.work(1)
    assert (len(one.office.delivered), len(other.office.delivered)) == (1, 0)
    assert [entry.decision.rule for entry in other.bed.entries if entry.decision] == ["auto-submitted"]


@pytest.mark.exhaustive
def test_two_employees_whose_marks_are_lost_on_the_way_stop_at_the_cap(houses: tuple[House, House]) -> None:
    """A relay strips what says that a machine wrote it: the caps end it, and a person is asked."""
    one, other = houses
    carrying(one, other, strips=True)
    carrying(other, one, strips=True)
    one.bed.server.deliver(mail("Hello", "Are you there?", sender=f"Robin <{OTHER}>"))
    for _ in range(FIRST_CAP + 2):
        count = len(one.office.delivered)
        one.bed.work(count + 1)
        other.bed.work(len(one.office.delivered))
        if len(one.office.delivered) == count:
            break
    assert len(one.office.delivered) == FIRST_CAP
    (item,) = approvals.waiting(one.bed.db, "waiting")
    assert item.action.rule == "limits: 10 mails in 10 minutes in this case"
    assert one.bed.state_of(item.message.id or 0) == "waiting"
