"""Who comes in, and who does not."""

from datetime import timedelta

import pytest

from daemon.judgement.sign_in import MOST_OF_NAME_AND_PLACE, WINDOW, Role
from knowledge import actions, users, visits
from tests.web.visitor import DIGEST, TOKEN, Pages, found

ANYWHERE = ["/", "/waiting", "/waiting/1", "/log", "/log/1", "/cases/1", "/people/1", "/sessions", "/numbers", "/users"]


def test_whoever_is_not_signed_in_is_led_to_the_sign_in(pages: Pages) -> None:
    """And sees nothing of what is asked for."""
    for path in ANYWHERE:
        answer = pages.visitor().get(path)
        assert answer.status_code == 303, path
        assert answer.headers["Location"].startswith("/sign-in?after=")
        assert answer.text == ""


def test_a_sign_in_leads_back_to_where_it_was_asked_for(pages: Pages) -> None:
    """The cookie is for this site over a safe way alone, and no script reads it."""
    answer = pages.visitor().sign_in("vic", after="/log?state=held")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/log?state=held")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-clerkd=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))


@pytest.mark.exhaustive
@pytest.mark.parametrize("after", ["https://evil.example/", "//evil.example/", "/\\evil.example", "log", "/a\r\nX: y"])
def test_a_sign_in_never_leads_elsewhere(pages: Pages, after: str) -> None:
    """A link that somebody sends around must not end at theirs."""
    assert pages.visitor().sign_in("vic", after=after).headers["Location"] == "/"


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "password"), [("vic", "wrong"), ("nobody", "wrong"), ("", ""), ("vic", "")])
def test_a_wrong_password_and_an_unknown_name_are_told_alike(pages: Pages, name: str, password: str) -> None:
    """Nobody learns from it who there is."""
    answer = pages.visitor().sign_in(name, password)
    assert answer.status_code == 401
    assert "That is not a name and a password that go together." in answer.text
    assert "Set-Cookie" not in answer.headers


def test_whoever_guesses_must_wait_even_with_the_right_password(pages: Pages) -> None:
    """Until a quarter of an hour has gone by."""
    visitor = pages.visitor()
    for _ in range(MOST_OF_NAME_AND_PLACE):
        assert visitor.sign_in("vic", "wrong").status_code == 401
    refused = visitor.sign_in("vic")
    assert refused.status_code == 429
    assert "Too many tries. The next one can be made in 15 minutes." in refused.text
    pages.clock.ahead = WINDOW
    assert visitor.sign_in("vic").status_code == 303


@pytest.mark.exhaustive
def test_a_visit_ends_without_a_look_and_at_its_end(pages: Pages) -> None:
    """After idle_minutes, and after session_hours however busy."""
    visitor = pages.visitor(Role.VIEWER)
    pages.clock.ahead = timedelta(minutes=59)
    assert visitor.get("/log").status_code == 200
    pages.clock.ahead = timedelta(minutes=59 + 61)
    assert visitor.get("/log").status_code == 303
    busy = pages.visitor(Role.VIEWER)
    for minutes in range(130, 130 + 720, 50):
        pages.clock.ahead = timedelta(minutes=minutes)
        assert busy.get("/log").status_code == 200
    pages.clock.ahead = timedelta(minutes=120 + 721)
    assert busy.get("/log").status_code == 303


@pytest.mark.exhaustive
def test_whoever_signs_out_is_out(pages: Pages) -> None:
    """With the old cookie, too."""
    visitor = pages.visitor(Role.VIEWER)
    assert visitor.fill("/log", "/sign-out").headers["Location"] == "/sign-in"
    assert visitor.get("/log").status_code == 303


def test_whoever_is_dropped_or_gets_another_role_is_out_at_once(pages: Pages) -> None:
    """A page that is open already does nothing more."""
    one, other = pages.visitor(Role.VIEWER), pages.visitor(Role.REVIEWER)
    users.drop(pages.bed.db, "vic")
    users.change(pages.bed.db, "rae", role=Role.VIEWER)
    assert [each.get("/log").status_code for each in (one, other)] == [303, 303]


SAYING = ["/waiting/1/approve", "/waiting/1/edit", "/waiting/1/reject", "/waiting/1/correct", "/waiting/approve",
          "/pause", "/resume", "/lesson/1"]  # fmt: skip


def test_a_viewer_says_no_word(pages: Pages) -> None:
    """They see no form for it, and one made by hand is refused."""
    visitor = pages.visitor(Role.VIEWER)
    for path in SAYING:
        assert f'action="{path}"' not in visitor.get("/waiting/1").text
        answer = visitor.fill("/waiting/1", path, why="x", body="y")
        assert answer.status_code == 403, path
        assert "For this you must be reviewer; you are viewer." in answer.text
    assert_nothing_was_said(pages)


def assert_nothing_was_said(pages: Pages) -> None:
    """See that all four still wait."""
    found = [actions.get(pages.bed.db, number) for number in (1, 2, 3, 4)]
    assert [each.state for each in found if each] == ["waiting"] * 4


def test_only_an_admin_sees_who_has_looked(pages: Pages) -> None:
    """Reviewers have no look at one another."""
    assert pages.visitor(Role.REVIEWER).get("/users").status_code == 403
    assert pages.visitor(Role.ADMIN).get("/users").status_code == 200


@pytest.mark.parametrize(
    "forged",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "", "Sec_Fetch_Site": "cross-site"}],
    ids=["elsewhere", "nowhere", "another site"],
)
def test_a_form_from_another_site_is_refused(pages: Pages, forged: dict[str, str]) -> None:
    """However good its token is: the browser says where it comes from."""
    visitor = pages.visitor(Role.REVIEWER)
    seen = visitor.get("/waiting/1").text
    form = {"csrf": found(TOKEN, seen), "digest": found(DIGEST, seen)}
    for path in SAYING:
        assert visitor.post(path, form, **forged).status_code == 403, path
    assert_nothing_was_said(pages)


def test_a_form_without_its_token_is_refused(pages: Pages) -> None:
    """One of another visit is none."""
    one, other = pages.visitor(Role.REVIEWER), pages.visitor(Role.ADMIN)
    theirs = found(TOKEN, other.get("/waiting/1").text)
    digest = found(DIGEST, other.get("/waiting/1").text)
    for path in SAYING:
        assert one.post(path, {"csrf": theirs, "digest": digest}).status_code == 403, path
        assert one.post(path, {"digest": digest}).status_code == 403, path
    assert_nothing_was_said(pages)


def test_a_form_without_end_is_refused(pages: Pages) -> None:
    """Before it is read."""
    visitor = pages.visitor(Role.REVIEWER)
    assert visitor.post("/waiting/1/edit", {"body": "x" * 300_000}).status_code == 413
    assert visitor.post("/sign-in", {"name": "x"}, Transfer_Encoding="chunked").status_code in (400, 413)


@pytest.mark.exhaustive
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8620", "127.0.0.1.evil.example", "[", "[::2]:1"])
def test_another_name_of_the_host_is_refused(pages: Pages, host: str) -> None:
    """A page of somebody else's whose name leads to this machine gets nothing (DNS rebinding)."""
    assert pages.visitor(Role.VIEWER).get("/log", Host=host).status_code == 400


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", ["/log/" + "9" * 5_000, "/log/" + "9" * 15, "/cases/" + "9" * 16, "/people/0"])
def test_a_number_that_is_none_leads_nowhere(pages: Pages, path: str) -> None:
    """However long it is."""
    assert pages.visitor(Role.VIEWER).get(path).status_code == 404


def test_what_no_database_takes_is_left_out_of_a_form(pages: Pages) -> None:
    """A NUL in a reason would stop a server's database, and with it the service."""
    visitor = pages.visitor(Role.REVIEWER)
    assert visitor.fill("/waiting/1", "/waiting/1/reject", why="too\x00 short").status_code == 303
    rejected = actions.get(pages.bed.db, 1)
    assert rejected
    assert rejected.reason == "too short"
    assert visitor.get("/people?search=%00").status_code == 200


@pytest.mark.exhaustive
def test_an_open_page_that_looks_for_news_keeps_nobody_signed_in(pages: Pages) -> None:
    """Whoever has left must sign in anew, whatever their browser does."""
    visitor = pages.visitor(Role.VIEWER)
    for minutes in (30, 59):
        pages.clock.ahead = timedelta(minutes=minutes)
        assert visitor.get("/log/fresh?after_change=0", X_Part="log").status_code == 200
    pages.clock.ahead = timedelta(minutes=61)
    assert visitor.get("/log/fresh?after_change=0", X_Part="log").status_code == 401


def test_each_answer_carries_what_keeps_a_browser_safe(pages: Pages) -> None:
    """No script and no picture but our own, in no frame, kept by nobody."""
    visitor = pages.visitor(Role.VIEWER)
    for path in ("/sign-in", "/waiting/1", "/log/99", "/static/keys.js"):
        headers = visitor.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_each_look_at_what_people_wrote_is_written_down(pages: Pages) -> None:
    """Who, when, from where, at what; an admin sees it."""
    visitor = pages.visitor(Role.VIEWER)
    lists = ("/waiting", "/log", "/cases", "/people", "/log/fresh?after_change=0")
    for path in ("/waiting/1", "/log/2", "/cases/1", "/people/3", *lists):
        assert visitor.get(path).status_code == 200
    looked = visits.looks(pages.bed.db, 20)
    assert [(each.page, each.number) for each in reversed(looked)] == [
        ("waiting", 1), ("decision", 2), ("case", 1), ("person", 3), ("waiting", 0), ("log", 0), ("cases", 0),
        ("people", 0), ("log", 0),
    ]  # fmt: skip
    assert {(each.user, each.place) for each in looked} == {("vic", "127.0.0.1")}
    shown = pages.visitor(Role.ADMIN)
    assert "<td>decision 2</td>" in shown.get("/users").text
    assert "vic (127.0.0.1)" in shown.get("/log/2").text
    assert "vic (127.0.0.1)" not in pages.visitor(Role.REVIEWER).get("/log/2").text
