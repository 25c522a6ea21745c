"""``clerkd web`` and its users, as an operator calls them."""

import json
import signal
import subprocess
import urllib.request
from functools import partial

import pytest

from knowledge import users
from tests.bed import Bed, end, wait_for
from tests.cli import answers
from tests.databases import free_port

refused = partial(answers.refused, "web")
GOOD = "correct horse battery\n"


@pytest.fixture
def laid(bed: Bed) -> Bed:
    """Give a bed with an empty knowledge database, and pages on a port of their own."""
    bed.prepare()
    return bed


def typed(bed: Bed, words: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a line on its standard input."""
    return bed.clerkd("web", *arguments, "--config", str(bed.config), typed=words)


def test_users_are_added_changed_and_dropped(laid: Bed) -> None:
    """The password is read from standard input, and nobody sees it again."""
    added = typed(laid, GOOD, "user", "add", "ada", "--role", "reviewer")
    assert (added.returncode, added.stdout) == (0, "ada may sign in as reviewer\n")
    (ada,) = users.every(laid.db)
    assert ada.password.startswith("$argon2id$")
    listed = laid.clerkd("web", "user", "list", "--json", "--config", str(laid.config)).stdout
    assert {**json.loads(listed), "added_at": ""} == {"name": "ada", "role": "reviewer", "added_at": ""}
    assert "$argon2" not in listed
    assert answers.said("web", laid, "user", "role", "ada", "admin") == "ada is admin now"
    assert typed(laid, "another password\n", "user", "password", "ada").returncode == 0
    (changed,) = users.every(laid.db)
    assert changed.role == "admin"
    assert changed.password != ada.password
    assert "ada" in answers.said("web", laid, "user", "list")
    assert answers.said("web", laid, "user", "drop", "ada") == "ada may not sign in any more"
    assert answers.said("web", laid, "user", "list") == "Nobody may sign in."


def test_a_name_is_given_once(laid: Bed) -> None:
    """Who has it keeps it."""
    typed(laid, GOOD, "user", "add", "ada")
    again = typed(laid, GOOD, "user", "add", "ada")
    assert (again.returncode, again.stderr) == (
        2, "clerkd: ada is a user already; `clerkd web user role` and `password` change one\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"),
    [("short\n", "the password has 5 characters; give 12 at least"), ("", "the password has 0 characters")],
)
def test_a_short_password_is_refused(laid: Bed, words: str, told: str) -> None:
    """It is not told again."""
    done = typed(laid, words, "user", "add", "ada")
    assert done.returncode == 2
    assert told in done.stderr
    assert users.every(laid.db) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["user", "role", "bo", "admin"], "there is no user bo; `clerkd web user list` shows them"),
        (["user", "password", "bo"], "there is no user bo"),
        (["user", "drop", "bo"], "there is no user bo"),
        (["user", "role", "bo", "boss"], "'boss' is not one of 'viewer', 'reviewer', 'admin'"),
        (["user", "add", " "], "NAME: ' ' is no name: give one line of at most 100 characters"),
        (["user", "add", "a\nb"], "is no name"),
        (["user", "add", "x" * 101], "is no name"),
        ([], "nobody may sign in yet; add somebody with: clerkd web user add NAME --role reviewer"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(laid: Bed, arguments: list[str], told: str) -> None:
    """Nothing is changed by it."""
    assert told in " ".join(refused(laid, *arguments).split())


def test_without_a_knowledge_database_there_is_nothing_to_show(bed: Bed) -> None:
    """The service makes it."""
    assert "`clerkd run` creates it" in refused(bed)


@pytest.mark.exhaustive
def test_the_pages_are_served_until_somebody_stops_them(laid: Bed) -> None:
    """Beside another one on the same port it says so and ends."""
    port = free_port()
    laid.sections["web"] = f"[web]\nport = {port}"
    typed(laid, GOOD, "user", "add", "ada")
    process = laid.start("-m", "daemon", "web", "--config", str(laid.config))
    try:
        wait_for(lambda: _is_served(port), what="the pages")
        assert f"the pages cannot be served at 127.0.0.1:{port}: the port is taken" in refused(laid)
    finally:
        assert end(process, signal.SIGTERM) in (0, -signal.SIGTERM)
    assert "pages_served" in laid.log_text
    assert "Traceback" not in laid.log_text


def _is_served(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=5) as answer:
            return "Password" in answer.read().decode()
    except OSError:
        return False
