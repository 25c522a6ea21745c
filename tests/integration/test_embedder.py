"""Vectors in the service: made in the background, and what was said in other words comes to mind."""

from collections.abc import Callable

import pytest

from daemon.checks import checks
from daemon.embedding.kinds import embedder_of
from knowledge import vectors
from knowledge.database import Database
from knowledge.whose import Whose
from tests.bed import Bed, is_through, mail

CAR = "My car broke down."
ASKED = "Vehicle problems"
VECTORS = "\n[knowledge]\nembedder = 'wordllama'"


def with_vectors(bed: Bed) -> str:
    """Switch the embedder on; give its name."""
    bed.sections["session"] = VECTORS
    found = embedder_of(bed.settings)
    assert found
    return found.name


def embedded(name: str, count: int) -> Callable[[Database], bool]:
    """Say when all mails are through, and no passage is without a vector."""
    return lambda db: is_through(db, count) and not vectors.missing(db, name, 1)


def last_prompt(bed: Bed) -> str:
    """Give what the last mail was put to the model with, without the mail itself."""
    turn = bed.entries[-1].turn
    assert turn
    return turn.prompt.partition("<<<")[0]


@pytest.mark.exhaustive
@pytest.mark.parametrize("wanted", [False, True])
def test_what_was_said_in_other_words_comes_to_mind(bed: Bed, wanted: bool) -> None:  # noqa: FBT001 - a parameter
    """With vectors; by words alone, nothing of it is found."""
    bed.server.deliver(mail("Hello", CAR))
    bed.work(1)
    if wanted:
        bed.run(embedded(with_vectors(bed), 1))
    bed.server.deliver(mail(ASKED, ASKED))
    bed.work(2)
    assert (CAR in last_prompt(bed)) is wanted


@pytest.mark.exhaustive
def test_an_older_database_is_filled_in_at_the_start(bed: Bed) -> None:
    """Whatever was remembered before the embedder was configured; told as one event, without a word of it."""
    bed.server.deliver(mail("Hello", CAR))
    bed.work(1)
    name = with_vectors(bed)
    assert vectors.missing(bed.db, name, 9)
    events = bed.run(embedded(name, 1))
    told = [event for event in events if event["event"] == "passages_embedded"]
    assert [event["embedder"] for event in told] == [name]
    assert CAR not in str(told)
    with bed.db.read() as session:
        assert len(vectors.find(session, Whose(1), name)) == told[0]["count"] > 0


@pytest.mark.exhaustive
def test_another_persons_words_do_not_come_to_mind_however_alike_they_are(bed: Bed) -> None:
    """With vectors as without."""
    bed.server.deliver(mail("Hello", CAR))
    name = with_vectors(bed)
    bed.work(1)
    bed.run(embedded(name, 1))
    bed.server.deliver(mail(ASKED, ASKED, sender="Bo Tern <bo@tern.example>"))
    bed.work(2)
    assert "Said earlier" not in last_prompt(bed)


def test_the_check_tries_the_embedder(bed: Bed) -> None:
    """By a word; without an embedder there is nothing to try."""
    bed.prepare()
    assert "embedder" not in dict(checks(bed.settings))
    name = with_vectors(bed)
    assert dict(checks(bed.settings))["embedder"]() == f"{name}, 256 bytes a passage"
