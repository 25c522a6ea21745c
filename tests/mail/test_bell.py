"""The bell between a thread that waits and those that have something to say."""

import select
import threading
from collections.abc import Iterator

import pytest

from daemon.mail.bell import Bell

PATIENCE = 20.0


@pytest.fixture
def bell() -> Iterator[Bell]:
    """Hang up a bell."""
    bell = Bell()
    yield bell
    bell.close()


def is_heard(bell: Bell) -> bool:
    """Say whether it rings, without waiting."""
    return bell.wait(0)


def test_a_silent_bell_is_not_heard(bell: Bell) -> None:
    """Nobody has rung."""
    assert not is_heard(bell)


def test_a_ring_is_heard(bell: Bell) -> None:
    """Whoever listens already hears it."""
    assert not is_heard(bell)
    bell.ring()
    assert is_heard(bell)


def test_a_ring_before_anybody_listened_is_heard(bell: Bell) -> None:
    """Whoever is asked to stop before the first wait does not wait in vain."""
    bell.ring()
    assert is_heard(bell)


def test_a_ring_is_heard_until_it_is_quietened(bell: Bell) -> None:
    """A wait alone takes nothing away: several may wait for the same ring."""
    bell.ring()
    assert (is_heard(bell), is_heard(bell)) == (True, True)


def test_many_rings_are_heard_once(bell: Bell) -> None:
    """However often it was rung: quietened once, it is silent."""
    for _ in range(1000):
        bell.ring()
    assert is_heard(bell)
    bell.quieten()
    assert not is_heard(bell)


def test_more_rings_than_a_socket_holds_never_block(bell: Bell) -> None:
    """Whoever rings does not wait for whoever listens."""
    bell.listened()

    def ring_on() -> None:
        for _ in range(20_000):
            bell.ring()

    ringing = threading.Thread(target=ring_on, daemon=True)
    ringing.start()
    ringing.join(PATIENCE)
    assert not ringing.is_alive()


def test_it_can_be_rung_again_after_it_was_quietened(bell: Bell) -> None:
    """Quiet is not the end."""
    bell.ring()
    bell.quieten()
    bell.ring()
    assert is_heard(bell)


def test_a_ring_that_was_quietened_before_anybody_listened_is_not_heard(bell: Bell) -> None:
    """What was answered already does not ring when the sockets are opened later."""
    bell.ring()
    bell.quieten()
    assert not is_heard(bell)


def test_quietening_a_silent_bell_does_nothing(bell: Bell) -> None:
    """There is nothing to read, and nobody waits for it."""
    bell.listened()
    bell.quieten()
    assert not is_heard(bell)


def test_a_ring_from_another_thread_ends_a_wait(bell: Bell) -> None:
    """The wait ends long before its time is over."""
    bell.listened()
    threading.Timer(0.05, bell.ring).start()
    assert bell.wait(PATIENCE)


def test_it_can_be_waited_for_beside_a_connection(bell: Bell) -> None:
    """Its socket stands in one call of select with that of a server."""
    bell.ring()
    assert select.select([bell.listened()], [], [], 0)[0] == [bell.listened()]


def test_a_closed_bell_can_be_hung_up_again(bell: Bell) -> None:
    """Whoever listens after the end of a connection hears what is rung from then on."""
    bell.listened()
    bell.close()
    bell.ring()
    assert is_heard(bell)


def test_closing_twice_does_nothing(bell: Bell) -> None:
    """The second time there is nothing to give back."""
    bell.listened()
    bell.close()
    bell.close()
    assert not is_heard(bell)
