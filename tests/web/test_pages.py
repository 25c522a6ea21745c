"""What each page shows."""

import pytest
import structlog.testing

from daemon.judgement.sign_in import Role
from knowledge import service
from tests.bed import mail
from tests.rules import DRAFT, deciding
from tests.web.visitor import Pages


@pytest.fixture
def shown(pages: Pages) -> "Shown":
    """Look at pages as a viewer."""
    return Shown(pages)


class Shown:
    """Looks at pages."""

    def __init__(self, pages: Pages) -> None:
        """Sign in."""
        self._visitor = pages.visitor(Role.VIEWER)

    def __call__(self, path: str, status: int = 200) -> str:
        """Give a page, without line breaks."""
        answer = self._visitor.get(path)
        assert answer.status_code == status, path
        return " ".join(answer.text.split())


def test_the_list_shows_what_waits_the_oldest_first(shown: Shown) -> None:
    """With sender, subject, category, and why it waits."""
    text = shown("/waiting")
    assert text.index('href="/waiting/1"') < text.index('href="/waiting/2"') < text.index('href="/waiting/3"')
    for words in ("Opening hours", "complaint", "walls: link", "link: https://evil.example/x", "autonomy.flag"):
        assert words in text


def test_a_proposal_stands_beside_its_mail(shown: Shown) -> None:
    """The mail as it was read, the proposal as it would leave, and the passage that ran into a wall."""
    text = shown("/waiting/3")
    for words in ("cy@vane.example", "is late.", "See https://evil.example/x.", "link: https://evil.example/x",
                  "complaint, normal, confidence 0.90"):  # fmt: skip
        assert words in text


@pytest.mark.parametrize("path", ["/waiting/3", "/log/3", "/log", "/cases/3", "/people", "/people/3", "/waiting"])
def test_nothing_of_a_mail_is_ever_taken_for_a_page(shown: Shown, path: str) -> None:
    """Tags in its text, subject or name are words."""
    text = shown(path)
    for tag in ("<script>alert", "<img src=https", "<b>bold"):
        assert tag not in text


def test_what_is_disguised_in_a_mail_is_marked(shown: Shown) -> None:
    """Words that mix scripts, in the subject and in the text."""
    text = shown("/waiting/3")
    assert text.count("[letters of Cyrillic and Latin in one word]") >= 2
    assert '<mark class="disguise"' in text


def test_the_log_is_searched_and_filtered(shown: Shown) -> None:
    """As `clerkd log` does."""
    found = {path: shown(f"/log?{path}").count('id="message-') for path in
             ("", "category=complaint", "person=tern", "search=closing", "state=waiting", "since=2020-01-01",
              "since=2099-01-01", "search=nothing+like+it")}  # fmt: skip
    assert list(found.values()) == [3, 1, 1, 1, 3, 3, 0, 0]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("since=yesterday", "Since when: write a day, such as 2026-11-21."),
        ("since=9999-12-31T23:59:59-10:00", "Since when: write a day, such as 2026-11-21."),
        ("state=lost", "There is no state lost."),
        ("search=%21%21", "Signs alone are not looked for: give letters or digits."),
    ],
)
def test_a_filter_that_cannot_be_is_told(shown: Shown, query: str, told: str) -> None:
    """Not taken for one that finds nothing."""
    assert told in shown(f"/log?{query}")


@pytest.mark.exhaustive
def test_what_is_decided_meanwhile_comes_as_lines_of_its_own(pages: Pages) -> None:
    """With the number of the newest change, to ask from the next time."""
    visitor = pages.visitor(Role.VIEWER)
    pages.bed.model.rules = deciding(DRAFT)
    pages.bed.server.deliver(mail("Later", sender="Di <di@fern.example>"))
    pages.bed.work(4)
    since = visitor.get("/log/fresh?after_change=0").headers["X-Newest"]
    assert int(since) > 3
    assert "Later" in visitor.get("/log/fresh?after_change=3").text
    assert visitor.get(f"/log/fresh?after_change={since}").text.strip() == ""
    assert visitor.get("/log/fresh?after_change=x").status_code == 400
    visitor.cookie = ""
    assert visitor.get("/log/fresh?after_change=0", X_Part="log").status_code == 401


def test_a_decision_is_shown_with_all_that_belongs_to_it(shown: Shown) -> None:
    """What `log show` tells, and what the model saw."""
    text = shown("/log/1")
    for words in ("Message 1: Opening hours", "question, normal", "She asks when we close.", "Action 1: reply",
                  "We close at six.", "The mail as the model saw it", "When do you close?", "turn 1, attempt 1",
                  'href="/cases/1"', 'href="/people/1"', "say a word on it"):  # fmt: skip
        assert words in text


def test_a_case_shows_its_way(shown: Shown) -> None:
    """Mails and decisions in their order."""
    text = shown("/cases/1")
    assert text.index("mail from Ada Quill: Opening hours") < text.index("question, normal: She asks when we close.")
    assert "actions: reply (waiting)" in text
    assert 'href="/cases/2"' in shown("/cases")


def test_a_person_is_shown_with_cases(shown: Shown) -> None:
    """And found by name, address or organisation."""
    text = shown("/people/2")
    for words in ("bo@tern.example", "case 2", "1, the first"):
        assert words in text
    assert shown("/people?search=tern").count('<a href="/people/') == 1


@pytest.mark.exhaustive
def test_the_chain_of_sessions_is_shown_with_a_gauge(shown: Shown) -> None:
    """How full the context is against where it is compacted."""
    text = shown("/sessions")
    assert "<meter min=" in text
    assert "tokens" in text
    assert "Compactions and rotations" in shown(f"/sessions/{text.split('/sessions/')[1].split(chr(34))[0]}")


def test_the_numbers_are_charts_and_tables(pages: Pages) -> None:
    """A chart is a picture without a script, and its numbers stand below it."""
    visitor = pages.visitor(Role.VIEWER)
    text = visitor.get("/numbers").text
    for name in ("volume", "categories", "time", "verdicts", "dollars", "context"):
        assert f'src="/numbers/{name}.svg"' in text
        chart = visitor.get(f"/numbers/{name}.svg")
        assert chart.headers["Content-Type"] == "image/svg+xml"
        assert chart.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "<svg" in chart.text
        assert "<script" not in chart.text
    assert visitor.get("/numbers/mood.svg").status_code == 404


@pytest.mark.exhaustive
def test_the_numbers_say_whether_a_lesson_helped(pages: Pages) -> None:
    """Of its category: edited or rejected before it was taught, and since."""
    visitor = pages.visitor(Role.REVIEWER)
    visitor.fill("/waiting/1", "/waiting/1/reject", why="too short")
    visitor.fill("/lesson/1?of=answer", "/lesson/1?of=answer", text="Write two sentences.")
    visitor.fill("/waiting/2", "/waiting/2/approve")
    text = " ".join(visitor.get("/numbers").text.split())
    assert "Write two sentences.</td><td>question</td>" in text
    assert "<td>1 of 1 (100%)</td><td>0 of 1 (0%)</td>" in text


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/waiting/99", "There is no proposal that waits under the number 99."),
        ("/log/99", "There is no message 99."),
        ("/cases/99", "There is no case 99."),
        ("/people/99", "There is no person 99."),
        ("/sessions/none", "There is no session none."),
        ("/nowhere", "Not Found"),
        ("/waiting/99999999999999999999999", "Not Found"),
    ],
)
def test_what_is_not_there_is_told(shown: Shown, path: str, told: str) -> None:
    """In words, on a page."""
    assert told in shown(path, 404)


def test_each_page_says_how_it_stands(pages: Pages) -> None:
    """What waits, and that the service does not run."""
    text = pages.visitor(Role.VIEWER).get("/log").text
    assert "The service does not run." in text
    assert 'Waiting <span class="count">4</span>' in text


def test_a_mistake_of_our_own_is_told_without_a_mail_s_words(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that stumbles says so; its error goes to the journal without its text."""

    def stumble(_db: object) -> object:
        message = "words of a mail"
        raise RuntimeError(message)

    monkeypatch.setattr(service, "conditions", stumble)
    with structlog.testing.capture_logs() as events:
        answer = pages.visitor(Role.VIEWER).get("/log")
    assert answer.status_code == 500
    assert [(event["event"], event["page"]) for event in events] == [("page_failed", "/log")]
    assert "clerkd stumbled over this page" in answer.text
    assert "words of a mail" not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
