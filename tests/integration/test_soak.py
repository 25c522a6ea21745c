"""Deliveries that come faster than they are handled: none may wait until something else happens."""

import random
import threading
import time
from typing import Any

import pytest

from daemon.mail.imap import Account, Imap, Pass
from daemon.mail.inbox import Inbox
from tests.bed import LOOPBACK, PASSWORD, USER, Bed, mail

DELIVERIES, HANDLING_SECONDS = 63, 0.1
NEXT_EVENT_SECONDS = 20.0  # a mail that is noticed only then has waited for the next event


@pytest.fixture(params=["bed", "real_bed"], ids=["embedded", "dovecot"])
def either(request: pytest.FixtureRequest) -> Bed:
    """Lay a bed on either mail server."""
    bed: Bed = request.getfixturevalue(request.param)
    return bed


def deliver_all(server: Any, seed: int) -> None:
    """Deliver at times that nobody chose, in bursts and with pauses."""
    chance = random.Random(seed)
    for number in range(DELIVERIES):
        server.deliver(mail(f"Mail {number}"))
        time.sleep(chance.choice([0, 0, 0.01, 0.05, 0.2]))


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_delivery_waits_for_the_next_event_while_others_are_handled(either: Bed, seed: int) -> None:
    """63 mails, each of which takes 100 ms: all are handled, in order, and not one ``listen`` runs into its end."""
    account = Account(LOOPBACK, either.server.imap_port, "none", USER, lambda: Pass(PASSWORD), 10)
    inbox = Inbox(Imap(account), "INBOX", 1_000_000)
    position = inbox.start(everything=True)
    delivering = threading.Thread(target=deliver_all, args=(either.server, seed))
    delivering.start()
    handled: list[int] = []
    try:
        while len(handled) < DELIVERIES:
            for batch in inbox.new(position):
                for fetched in batch.mails:
                    handled.append(fetched.uid)
                    time.sleep(HANDLING_SECONDS)
                position = batch.position
            heard = len(handled) == DELIVERIES or inbox.listen(NEXT_EVENT_SECONDS)
            assert heard, f"mail waits after {len(handled)} were handled"
    finally:
        delivering.join()
        inbox.close()
    assert handled == sorted(set(handled))
