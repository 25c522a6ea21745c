"""kill -9 while the supervisor is told something: each digest is written once, and never sent twice."""

import pytest

from knowledge import notices
from knowledge.tables import Notice
from tests.bed import Bed
from tests.crash.test_kill import die_at
from tests.post_office import PostOffice

pytestmark = pytest.mark.exhaustive
ENDED = ("sent", "held")
# Where the daemon dies, and what is true in the end: how many mails left, and how the digest stands.
STEPS = [
    ("before it is written down", "knowledge.notices:plan:before", 1, 1, "sent"),
    ("after it is written down", "knowledge.notices:plan:after", 1, 1, "sent"),
    ("before SENDING is committed", "knowledge.notices:change:before", 1, 1, "sent"),
    ("after SENDING is committed", "knowledge.notices:change:after", 1, 0, "held"),
    ("before it is handed over", "daemon.mail.submission:Submission.submit:before", 1, 0, "held"),
    ("after it is handed over", "daemon.mail.submission:Submission.submit:after", 1, 1, "held"),
    ("before SENT is committed", "knowledge.notices:change:before", 2, 1, "held"),
    ("after SENT is committed", "knowledge.notices:change:after", 2, 1, "sent"),
]


@pytest.fixture
def telling(bed: Bed, office: PostOffice) -> Bed:
    """Lay a bed whose supervisor gets a digest as soon as the service runs."""
    office.serve(bed)
    bed.sections["digest"] = '[digest]\nto = ["boss@harbourpine.example"]\nat = "00:00"'
    bed.prepare()
    return bed


def digest(bed: Bed) -> Notice | None:
    """Give the digest, if there is one."""
    return notices.last(bed.db, "digest", ("planned", "sending", *ENDED))


@pytest.mark.parametrize(
    ("step", "nth", "left", "state"), [case[1:] for case in STEPS], ids=[case[0] for case in STEPS]
)
def test_a_kill_at_each_step_sends_no_second_digest(
    telling: Bed, office: PostOffice, step: str, nth: int, left: int, state: str
) -> None:
    """What is known to have left is sent; what may have left is held, and the next digest says so."""
    die_at(telling, step, nth)
    telling.run(lambda _db: (found := digest(telling)) is not None and found.state in ENDED)
    found = digest(telling)
    assert found
    assert (len(office.delivered), found.state, found.id) == (left, state, 1)
