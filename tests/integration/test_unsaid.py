"""An answer that nobody gets: what was promised in it does not come up, and its words are not recalled."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from daemon.steps.orders import APPROVE, EDIT, REJECT
from knowledge import actions, service
from knowledge.tables import Passage, Promise
from tests.bed import Bed, mail
from tests.post_office import PostOffice
from tests.rules import DRAFT, deciding

LATER = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
PROMISE = {"by": "us", "what": "send the price list", "due": LATER}


@pytest.fixture
def asking(bed: Bed, office: PostOffice) -> Bed:
    """Lay a bed whose employee promises something in each answer."""
    office.serve(bed, '[autonomy]\nreply = "ask"')
    bed.model.rules = deciding(DRAFT, promises=[PROMISE])
    bed.server.deliver(mail("Prices", "What do you charge?"))
    return bed


def stands(bed: Bed) -> tuple[list[str], list[str]]:
    """Give the states of the promises, and what is recalled of our answers."""
    ours = select(Passage.text).where(col(Passage.ours), col(Passage.expired_at).is_(None))
    with bed.db.read() as session:
        return list(session.exec(select(Promise.state))), list(session.exec(ours))


def say(bed: Bed, kind: str, **words: str) -> None:
    """Say a word on the answer that waits, and run until it is carried out."""
    action = actions.of_message(bed.db, 1)[0]
    said = {"action": action.id, "digest": action.digest, "by": "ada", "place": "here", **words}
    service.leave_order(bed.db, kind, json.dumps(said), "waiting", datetime.now(UTC))
    bed.run(lambda db: len(service.orders(db, "done")) == 1)


@pytest.mark.exhaustive
def test_a_rejected_answer_promised_nothing_and_told_nothing(asking: Bed) -> None:
    """Nobody got it, so nothing of it is followed up or recalled."""
    asking.work(1)
    assert stands(asking) == (["open"], ["We close at six."])
    say(asking, REJECT, why="wrong price")
    assert stands(asking) == (["dropped"], [])


@pytest.mark.exhaustive
def test_an_approved_answer_is_followed_up_and_recalled(asking: Bed) -> None:
    """The sender gets it."""
    asking.work(1)
    say(asking, APPROVE)
    assert stands(asking) == (["open"], ["We close at six."])


@pytest.mark.exhaustive
def test_of_an_edited_answer_the_words_that_the_sender_gets_are_recalled(asking: Bed) -> None:
    """What a person wrote in its place; the promise stands, for the text may hold it still."""
    asking.work(1)
    say(asking, EDIT, body="We close at eight.", signature="")
    assert stands(asking) == (["open"], ["We close at eight."])


@pytest.mark.exhaustive
def test_an_answer_that_a_person_made_superfluous_promised_nothing(asking: Bed) -> None:
    """They have dealt with the mail themselves."""
    asking.work(1)
    assert asking.clerkd("done", "1", "--config", str(asking.config)).returncode == 0
    assert stands(asking) == (["dropped"], [])


@pytest.mark.exhaustive
def test_an_answer_that_the_config_refuses_promises_nothing_and_tells_nothing(bed: Bed, office: PostOffice) -> None:
    """What the sender says in the mail counts all the same."""
    office.serve(bed, '[autonomy]\nreply = "never"')
    theirs = {"by": "them", "what": "send the photos", "due": LATER}
    bed.model.rules = deciding(DRAFT, promises=[PROMISE, theirs])
    bed.server.deliver(mail("Prices", "What do you charge?"))
    bed.work(1)
    assert [action.state for action in actions.of_message(bed.db, 1)][:1] == ["refused"]
    with bed.db.read() as session:
        assert session.exec(select(Promise.by)).all() == ["them"]
    assert stands(bed)[1] == []
