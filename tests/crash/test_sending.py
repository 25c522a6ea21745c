"""kill -9 while a mail leaves: at every step of SMTP and of the protocol around it, there are never two copies."""

import signal

import pytest

from knowledge import actions
from knowledge.tables import Action
from tests.bed import Bed, end, mail, wait_for
from tests.crash.test_kill import die_at, finish
from tests.post_office import AFTER_250, AFTER_RCPT, BEFORE_MAIL, IN_DATA, UNHEARD, PostOffice
from tests.rules import REPLY, deciding

pytestmark = pytest.mark.exhaustive
# Where the daemon dies, and what is true then: how many mails left, and where their action may stand in the end.
STEPS = [
    ("before SENDING is committed", "knowledge.actions:change:before", 1, 1, "sent"),
    ("after SENDING is committed", "knowledge.actions:change:after", 1, 0, "held"),
    ("before it is handed over", "daemon.mail.submission:Submission.submit:before", 1, 0, "held"),
    ("after it is handed over", "daemon.mail.submission:Submission.submit:after", 1, 1, "held"),
    ("before SUBMITTED is committed", "knowledge.actions:change:before", 2, 1, "held"),
    ("after SUBMITTED is committed", "knowledge.actions:change:after", 2, 1, "sent"),
    ("before the copy is stored", "daemon.mail.outbox:Outbox.store_sent:before", 1, 1, "sent"),
    ("after the copy is stored", "daemon.mail.outbox:Outbox.store_sent:after", 1, 1, "sent"),
    ("before SENT is committed", "knowledge.actions:change:before", 3, 1, "sent"),
    ("after SENT is committed", "knowledge.actions:change:after", 3, 1, "sent"),
]


@pytest.fixture
def sending(bed: Bed, office: PostOffice) -> Bed:
    """Lay a bed whose employee answers alone."""
    office.serve(bed)
    bed.model.rules = deciding(REPLY)
    bed.server.deliver(mail("Opening hours"))
    return bed


def reply(bed: Bed) -> Action:
    """Give the answer to the mail."""
    return actions.of_message(bed.db, 1)[0]


def copies(bed: Bed) -> int:
    """Count the copies where sent mail lies."""
    return len(bed.mails_in("Sent"))


@pytest.mark.parametrize(("step", "left", "state"), [(BEFORE_MAIL, 0, "held"), (AFTER_RCPT, 0, "held"),
                                                     (IN_DATA, 0, "held"), (UNHEARD, 1, "held")])  # fmt: skip
def test_a_kill_at_each_step_of_smtp_sends_no_second_copy(
    sending: Bed, office: PostOffice, step: str, left: int, state: str
) -> None:
    """The server breaks off and the daemon is killed: after the restart a person decides, and nothing is sent again."""
    process = sending.start()
    office.then = process.kill
    office.at = step
    assert process.wait(60) == -signal.SIGKILL
    finish(sending, 1)
    assert (len(office.delivered), reply(sending).state, copies(sending)) == (left, state, 0)
    assert sending.state_of(1) == "held"


def test_a_kill_just_behind_the_servers_last_word_sends_no_second_copy(sending: Bed, office: PostOffice) -> None:
    """Whether the word was heard in time or not, it left once."""
    process = sending.start()
    office.then = process.kill
    office.at = AFTER_250
    assert process.wait(60) == -signal.SIGKILL
    finish(sending, 1)
    assert len(office.delivered) == 1
    assert (reply(sending).state, copies(sending)) in (("held", 0), ("sent", 1))


@pytest.mark.parametrize(
    ("step", "nth", "left", "state"), [case[1:] for case in STEPS], ids=[case[0] for case in STEPS]
)
def test_a_kill_at_each_step_around_it_sends_no_second_copy(
    sending: Bed, office: PostOffice, step: str, nth: int, left: int, state: str
) -> None:
    """What is known to have left is sent, with one copy; what may have left is held for a person."""
    die_at(sending, step, nth)
    finish(sending, 1)
    assert (len(office.delivered), reply(sending).state) == (left, state)
    assert copies(sending) == (1 if state == "sent" else 0)


def test_a_kill_while_an_approval_is_taken_counts_it_once(sending: Bed, office: PostOffice) -> None:
    """The order is carried out in one transaction: after the restart the mail leaves once."""
    sending.sections["autonomy"] = '[autonomy]\nreply = "ask"'
    sending.prepare()
    sending.model.rules = deciding({**REPLY, "kind": "draft"})
    process = sending.start()
    try:
        wait_for(lambda: sending.state_of(1) == "waiting", what="a mail that waits")
    finally:
        end(process)
    command = sending.start(
        "-m", "tests.crash.victim", "knowledge.approvals:say:after", "1", "review", "approve", "1", "--config",
        str(sending.config),
    )  # fmt: skip
    assert command.wait(60) == -signal.SIGKILL
    assert reply(sending).state == "waiting"
    process = sending.start()
    try:
        wait_for(lambda: sending.state_of(1) == "done", what="the end of the work")
    finally:
        end(process)
    assert len(office.delivered) == 1
