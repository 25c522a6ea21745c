"""The pages in a real Chromium: by the keyboard alone, at two widths, and as axe-core judges them.

Screenshots are written to build/screenshots, for a person to look at.
"""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from daemon.judgement.sign_in import Role
from knowledge import actions, approvals, facts
from tests.bed import mail
from tests.conftest import need
from tests.rules import DRAFT, deciding
from tests.web.visitor import NAMES, PASSWORD, Pages

CHROMIUM = shutil.which("chromium")
# Nothing of its own goes out to the network; as root it runs without its sandbox.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
EVERY_PAGE = ["/waiting", "/waiting/3", "/lesson/2?of=answer", "/log", "/log/3", "/cases", "/cases/3", "/people",
              "/people/3", "/sessions", "/numbers", "/users", "/log/99", "/sign-in"]  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCREENSHOTS = Path("build") / "screenshots"
pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    need(CHROMIUM, "chromium is not installed (Debian: chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env={"PATH": os.environ["PATH"]})
        yield browser
        browser.close()


@pytest.fixture(params=list(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    """Give each width."""
    return str(request.param)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Open a window of its own."""
    context = chromium.new_context(viewport=SIZES["desktop"])  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    yield context
    context.close()


def signed_in(context: BrowserContext, pages: Pages, role: Role = Role.ADMIN) -> Page:
    """Sign in with the keyboard alone."""
    page = context.new_page()
    page.goto(pages.url)
    page.wait_for_selector("#name:focus")  # a loaded machine gives it later than it has loaded the page
    page.keyboard.type(NAMES[role])
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/waiting")
    return page


def states(pages: Pages) -> list[str]:
    """Say how far the four actions are."""
    return [each.state for number in (1, 2, 3, 4) if (each := actions.get(pages.bed.db, number))]


def test_a_reviewer_goes_through_all_that_waits_with_the_keyboard_alone(context: BrowserContext, pages: Pages) -> None:
    """Begin, approve, reject and teach, edit, skip, and open the case: one key each, and the next item at once."""
    page = signed_in(context, pages, Role.REVIEWER)
    page.keyboard.press("n")
    page.wait_for_url("**/waiting/1")
    page.keyboard.press("a")
    page.wait_for_url("**/waiting/2?after=1")
    page.keyboard.press("r")
    page.keyboard.type("too short")
    page.keyboard.press("Enter")
    page.wait_for_url("**/lesson/2?of=answer")
    page.keyboard.press("t")
    page.wait_for_url("**/waiting/3?after=2")
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type("We are sorry, and will look into it.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/lesson/3?of=answer")
    page.keyboard.press("s")
    page.wait_for_url("**/waiting/4?after=3")
    page.keyboard.press("o")
    page.wait_for_url("**/cases/3")
    assert states(pages) == ["planned", "rejected", "cancelled", "waiting"]
    (taught,) = facts.find(pages.bed.db, ["lesson"], None, 10)
    assert taught.text == "In answers to mail filed as question: too short"
    version = actions.get(pages.bed.db, approvals.of_action(pages.bed.db, 3)[0].version or 0)
    assert version
    assert b"We are sorry, and will look into it." in version.content


def test_a_key_does_nothing_while_somebody_writes(context: BrowserContext, pages: Pages) -> None:
    """An a in a reason approves nothing; nor does one with Control held down."""
    page = signed_in(context, pages, Role.REVIEWER)
    page.goto(f"{pages.url}/waiting/1")
    page.keyboard.press("Control+a")
    page.keyboard.press("r")
    page.keyboard.type("a bad answer")
    assert page.input_value("#why") == "a bad answer"
    assert states(pages) == ["waiting"] * 4


def test_nothing_that_a_mail_holds_runs_or_is_fetched(context: BrowserContext, pages: Pages) -> None:
    """No script, no picture, no address but our own, and nothing that the policy of the page had to stop."""
    asked: list[str] = []
    complaints: list[str] = []
    page = signed_in(context, pages)
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "404" not in message.text else None)
    for path in EVERY_PAGE:
        page.goto(f"{pages.url}{path}")
    assert complaints == []
    assert [url for url in asked if not url.startswith(f"{pages.url}/")] == []


def test_what_is_decided_meanwhile_appears_on_the_open_log(context: BrowserContext, pages: Pages) -> None:
    """On top, and it is said to whoever does not see it."""
    page = signed_in(context, pages, Role.VIEWER)
    page.goto(f"{pages.url}/log")
    pages.bed.model.rules = deciding(DRAFT)
    pages.bed.server.deliver(mail("Just in", sender="Ed <ed@fern.example>"))
    with ThreadPoolExecutor() as elsewhere:  # the browser's client has its own loop in this thread
        elsewhere.submit(pages.bed.work, 4).result()
    page.wait_for_selector("#lines tr:first-child:has-text('Just in')")
    assert "new" in page.inner_text("#live")


def test_each_page_is_for_everybody_to_use(context: BrowserContext, pages: Pages, size: str) -> None:
    """By WCAG 2.2 AA as far as axe-core can tell, at both widths, and nothing reaches beyond the window."""
    page = signed_in(context, pages)
    pages.visitor(Role.REVIEWER).fill("/waiting/2", "/waiting/2/reject", why="too short")
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.goto(f"{pages.url}/sessions")
    session = page.get_attribute("tbody a", "href") or ""
    for path in (*EVERY_PAGE, session):
        page.goto(f"{pages.url}{path}")
        name = "session" if path == session else path.strip("/").replace("/", "-").partition("?")[0]
        judge(page, f"{name}-{size}")
    page.goto(f"{pages.url}/waiting")
    page.click("text=/Approve all/")
    page.wait_for_selector("text=/Yes, approve these/")
    judge(page, f"several-{size}")


def judge(page: Page, name: str) -> None:
    """Hold a page against the rules, with all of it unfolded; its picture is kept."""
    for closed in page.query_selector_all("details:not([open]) > summary"):
        closed.click()
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.response["passes"], name
    assert found.response["violations"] == [], f"{name}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
