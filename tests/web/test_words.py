"""A person's word, given on a page."""

import re
from datetime import timedelta

import pytest

from daemon.judgement.sign_in import Role
from daemon.judgement.states import WENT_OUT
from knowledge import actions, approvals, audit, corrections, facts, service
from knowledge.tables import Action
from tests.web.visitor import Pages


def action(pages: Pages, number: int) -> Action:
    """Give an action."""
    found = actions.get(pages.bed.db, number)
    assert found
    return found


def state(pages: Pages, number: int) -> str:
    """Say how far an action is."""
    return action(pages, number).state


def test_an_approval_is_bound_to_what_was_seen_and_leads_to_the_next_item(pages: Pages) -> None:
    """By whom and from where is written down and chained, and what was said is shown with the next one."""
    visitor = pages.visitor(Role.REVIEWER)
    answer = visitor.fill("/waiting/1", "/waiting/1/approve")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/waiting/next?after=1")
    onward = visitor.get("/waiting/next?after=1").headers["Location"]
    assert onward == "/waiting/2?after=1"
    assert "action 1: approved by rae (page from 127.0.0.1)" in visitor.get(onward).text
    (given,) = approvals.of_action(pages.bed.db, 1)
    assert (given.verdict, given.by, given.place) == ("approved", "rae", "page from 127.0.0.1")
    assert given.digest == action(pages, 1).digest
    assert state(pages, 1) == "planned"
    assert list(audit.verify(pages.bed.db, WENT_OUT)) == []


def test_an_approval_of_other_bytes_than_were_seen_is_refused(pages: Pages) -> None:
    """What changed meanwhile must be looked at again."""
    visitor = pages.visitor(Role.REVIEWER)
    answer = visitor.fill("/waiting/1", "/waiting/1/approve", digest="another")
    assert answer.status_code == 409
    assert "action 1 is not what you saw; look at it again" in answer.text
    assert state(pages, 1) == "waiting"


@pytest.mark.exhaustive
def test_whoever_comes_second_is_told_so(pages: Pages) -> None:
    """The first word stands."""
    one, other = pages.visitor(Role.REVIEWER), pages.visitor(Role.ADMIN)
    seen = other.get("/waiting/1").text
    one.fill("/waiting/1", "/waiting/1/approve")
    digest, csrf = action(pages, 1).digest, re.findall(r'name="csrf" value="([^"]+)"', seen)[0]
    answer = other.post("/waiting/1/reject", {"csrf": csrf, "digest": digest, "why": "no"})
    assert answer.status_code == 409
    assert "action 1 does not wait for anybody: it is planned" in answer.text
    assert other.get("/waiting/1").status_code == 404


def test_an_edited_answer_is_a_version_of_its_own_and_may_teach(pages: Pages) -> None:
    """The draft of the lesson is what the reviewer put in, and it is of the mail's category."""
    visitor = pages.visitor(Role.REVIEWER)
    answer = visitor.fill("/waiting/1", "/waiting/1/edit", body="We close at six.\r\nOn Fridays we close at seven.")
    assert answer.headers["Location"] == "/lesson/1?of=answer"
    (given,) = approvals.of_action(pages.bed.db, 1)
    assert given.version
    assert b"On Fridays we close at seven." in action(pages, given.version).content
    lesson = visitor.get("/lesson/1?of=answer").text
    assert "In answers to mail filed as question, write: &#34;On Fridays we close at seven&#34;" in lesson
    taught = visitor.fill("/lesson/1?of=answer", "/lesson/1?of=answer", text="On Fridays we close\r\nat seven.")
    assert taught.headers["Location"] == "/waiting/next?after=1"
    (fact,) = facts.find(pages.bed.db, ["lesson"], None, 10)
    assert (fact.text, fact.category, fact.author) == ("On Fridays we close at seven.", "question", "reviewer")
    assert fact.by == "rae"


@pytest.mark.exhaustive
def test_an_edit_that_changes_nothing_approves_nothing(pages: Pages) -> None:
    """Nobody approves by mistake."""
    answer = pages.visitor(Role.REVIEWER).fill("/waiting/1", "/waiting/1/edit", body="We close at six.\r\n")
    assert answer.status_code == 409
    assert "Nothing was changed. To send it as it is, approve it." in answer.text
    assert state(pages, 1) == "waiting"


@pytest.mark.exhaustive
def test_an_edit_that_is_refused_is_not_lost(pages: Pages) -> None:
    """What was written stands in the form again."""
    visitor = pages.visitor(Role.REVIEWER)
    answer = visitor.fill("/waiting/1", "/waiting/1/edit", body="Something else.", digest="another")
    assert answer.status_code == 409
    assert ">Something else.</textarea>" in answer.text


@pytest.mark.exhaustive
def test_a_rejection_without_a_reason_teaches_nothing(pages: Pages) -> None:
    """It leads on at once."""
    visitor = pages.visitor(Role.REVIEWER)
    lesson = visitor.fill("/waiting/2", "/waiting/2/reject", why="").headers["Location"]
    assert visitor.get(lesson).headers["Location"] == "/waiting/next?after=2"
    assert state(pages, 2) == "rejected"


@pytest.mark.exhaustive
def test_a_rejection_with_a_reason_may_teach(pages: Pages) -> None:
    """The reason is kept, and is the draft."""
    visitor = pages.visitor(Role.REVIEWER)
    lesson = visitor.fill("/waiting/2", "/waiting/2/reject", why="never say six").headers["Location"]
    assert "In answers to mail filed as question: never say six" in visitor.get(lesson).text
    assert action(pages, 2).reason == "never say six"


def test_a_correction_is_kept_and_the_proposal_still_waits(pages: Pages) -> None:
    """Its lesson leads back to the proposal."""
    visitor = pages.visitor(Role.REVIEWER)
    answer = visitor.fill("/waiting/3", "/waiting/3/correct", should="category: order", why="it is one")
    assert answer.headers["Location"] == "/lesson/3?of=correction"
    lesson = visitor.get("/lesson/3?of=correction").text
    assert "What looks like complaint (category) may be order: it is one" in lesson
    assert 'href="/waiting/3"' in lesson
    (given,) = corrections.of_message(pages.bed.db, 3)
    assert (given.field, given.should, given.by, given.place) == ("category", "order", "rae", "page from 127.0.0.1")
    assert "corrected by rae" in visitor.get("/waiting/3").text
    assert state(pages, 3) == "waiting"


@pytest.mark.exhaustive
def test_a_correction_to_what_nobody_knows_is_refused(pages: Pages) -> None:
    """A form made by hand says nothing else than one of ours."""
    for should in ("category: gossip", "mood: bad", ""):
        answer = pages.visitor(Role.REVIEWER).fill("/waiting/3", "/waiting/3/correct", should=should)
        assert answer.status_code == 409
        assert "Say what should have been otherwise." in answer.text
    assert corrections.of_message(pages.bed.db, 3) == []


def test_several_are_approved_with_one_question_that_says_how_many(pages: Pages) -> None:
    """What was listed, byte for byte, and nothing that has come since."""
    visitor = pages.visitor(Role.REVIEWER)
    listed = visitor.get("/waiting?category=question").text
    seen = re.findall(r'name="seen" value="([^"]*)"', listed)[0]
    assert "Approve all 2 that are listed" in listed
    asked = visitor.fill("/waiting", "/waiting/approve", seen=seen)
    assert "Yes, approve these 2" in asked.text
    assert state(pages, 1) == "waiting"
    answer = visitor.fill("/waiting", "/waiting/approve", seen=seen, confirmed="yes")
    assert answer.headers["Location"] == "/waiting"
    assert [state(pages, number) for number in (1, 2, 3, 4)] == ["planned", "planned", "waiting", "waiting"]


@pytest.mark.exhaustive
def test_of_several_the_one_that_changed_is_told(pages: Pages) -> None:
    """The others are approved."""
    visitor = pages.visitor(Role.REVIEWER)
    seen = f"1:another 2:{action(pages, 2).digest} x:y"
    answer = visitor.fill("/waiting", "/waiting/approve", seen=seen, confirmed="yes")
    assert answer.status_code == 409
    assert "action 1 is not what you saw" in answer.text
    assert [state(pages, number) for number in (1, 2)] == ["waiting", "planned"]


@pytest.mark.exhaustive
def test_what_is_too_long_is_refused_in_words(pages: Pages) -> None:
    """Of a reason, a text and a lesson."""
    visitor = pages.visitor(Role.REVIEWER)
    long = "x" * 2_001
    assert "at most 2000 characters" in visitor.fill("/waiting/1", "/waiting/1/reject", why=long).text
    assert (
        "at most 2000 characters"
        in visitor.fill("/waiting/3", "/waiting/3/correct", should="category: order", why=long).text
    )
    visitor.fill("/waiting/2", "/waiting/2/reject", why="no")
    taught = visitor.fill("/lesson/2?of=answer", "/lesson/2?of=answer", text=long)
    assert taught.status_code == 409
    assert "text: String should have at most" in taught.text


def test_pause_and_resume_from_the_page(pages: Pages) -> None:
    """Every page says that the employee pauses, and who wants it."""
    visitor = pages.visitor(Role.REVIEWER)
    assert visitor.fill("/log", "/pause").status_code == 303
    shown = visitor.get("/log").text
    assert "rae wants it so" in shown
    assert 'action="/resume"' in shown
    assert visitor.fill("/log", "/resume").status_code == 303
    assert "rae wants it so" not in visitor.get("/log").text
    given = [(order.kind, order.by, order.place) for order in service.orders(pages.bed.db, "done")]
    assert given == [("pause", "rae", "page from 127.0.0.1"), ("resume", "rae", "page from 127.0.0.1")]
    assert visitor.fill("/log", "/pause", hours="4").status_code == 303
    paused = service.condition(pages.bed.db, "employee")
    assert paused
    assert paused.retry_at
    assert timedelta(hours=3) < paused.retry_at - pages.clock() < timedelta(hours=5)
    assert visitor.fill("/log", "/pause", hours="for ever").status_code == 409
