"""``clerkd fact`` and ``clerkd lesson``: what people write down, and what is remembered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.reviewer import at_the_keys
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from tests.bed import PASSWORD, USER, Bed, mail
from tests.faults import Faults


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work a mail that teaches a fact about Ada, once for all tests."""
    with StandIn(decide) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("facts"), server, model, Faults())
        server.deliver(mail("Hours", "I prefer mails in the morning."))
        bed.work(1)
        yield bed
        bed.close()


def out(bed: Bed, *arguments: str) -> str:
    """Give what a command prints that ends well."""
    done = bed.clerkd(*arguments, "--config", str(bed.root / "clerkd.toml"))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refusal(bed: Bed, *arguments: str) -> str:
    """Give the words with which a command is refused."""
    done = bed.clerkd(*arguments, "--config", str(bed.root / "clerkd.toml"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.replace("│", " ").split())


def test_a_fact_from_a_mail_is_listed_with_what_it_rests_on(worked: Bed) -> None:
    """About whom, which kind, and the mail."""
    shown = out(worked, "fact", "list")
    assert "person 1" in shown
    assert "message 1" in shown
    assert "They prefer mails in the morning" in shown


def given(bed: Bed, *options: str) -> list[dict[str, Any]]:
    """Give the facts as JSON has them."""
    return [json.loads(line) for line in out(bed, "fact", "list", "--json", *options).splitlines()]


def test_facts_are_given_as_json(worked: Bed) -> None:
    """One object a line, with the quoted words."""
    (fact,) = given(worked, "--person", "1")
    assert (fact["author"], fact["quote"], fact["message_id"]) == ("employee", "I prefer mails in the morning", 1)


def test_a_fact_is_written_down_put_right_and_dropped(worked: Bed) -> None:
    """The older rows are kept, closed, and shown where they are asked for."""
    added = out(worked, "fact", "add", "We close on Sundays.", "--kind", "circumstance", "--until", "2026-12-24")
    number = added.split()[1]
    assert added == f"fact {number} is written down, about everyone\n"
    corrected = out(worked, "fact", "correct", number, "We close on Mondays.")
    newer = corrected.split()[1]
    assert [fact["by"] for fact in given(worked) if fact["id"] == int(newer)] == [at_the_keys().by]
    assert "(until 2026-12-24)" in " ".join(out(worked, "fact", "list").split())
    assert "We close on Sundays." not in out(worked, "fact", "list")
    assert out(worked, "fact", "drop", newer).startswith(f"fact {newer} is dropped")
    assert "We close on" not in out(worked, "fact", "list")
    assert f"closed by fact {newer}" in " ".join(out(worked, "fact", "list", "--closed").split())


def test_a_lesson_stands_apart_from_the_facts(worked: Bed) -> None:
    """It is taught by people alone, and listed by itself."""
    assert out(worked, "lesson", "list") == "Nothing is remembered.\n"
    number = out(worked, "lesson", "add", "Quotes above 500 euros are escalated.").split()[1]
    assert "Quotes above 500" in out(worked, "lesson", "list")
    assert at_the_keys().by in out(worked, "lesson", "list")
    assert "Quotes above 500" not in out(worked, "fact", "list")
    out(worked, "lesson", "drop", number)
    assert out(worked, "lesson", "list") == "Nothing is remembered.\n"


def test_a_fact_about_an_organisation_is_written_down_put_right_and_dropped(worked: Bed) -> None:
    """It is said about whom it is, and how many people are known to be of it: a domain is soon misspelt."""
    added = out(worked, "fact", "add", "Their orders need a PO number.", "--organisation", "Quill.EXAMPLE")
    number = added.split()[1]
    assert added == f"fact {number} is written down, about quill.example (people known to be of it: 1)\n"
    corrected = out(worked, "fact", "correct", number, "Their orders need two PO numbers.")
    newer = corrected.split()[1]
    assert corrected == f"fact {newer} is written down, about quill.example (people known to be of it: 1)\n"
    out(worked, "fact", "drop", newer)
    misspelt = out(worked, "fact", "add", "They pay within 60 days.", "--organisation", "quil.example")
    assert misspelt.endswith("about quil.example (people known to be of it: 0)\n")
    out(worked, "fact", "drop", misspelt.split()[1])


def test_the_list_is_narrowed_to_an_organisation(worked: Bed) -> None:
    """With what was closed where that is asked for; as JSON, each says about whom it is."""
    number = out(worked, "fact", "add", "They pay late.", "--organisation", "quill.example").split()[1]
    about = ("--organisation", "quill.example", "--json")
    (fact,) = [json.loads(line) for line in out(worked, "fact", "list", *about).splitlines()]
    assert (fact["text"], fact["organisation"], fact["person_id"]) == ("They pay late.", "quill.example", None)
    assert out(worked, "fact", "list", "--organisation", "tern.example") == "Nothing is remembered.\n"
    assert "They pay late." not in out(worked, "fact", "list", "--person", "1")
    shown = " ".join(out(worked, "fact", "list").split())
    assert f"{number} quill.example circumstance" in shown
    out(worked, "fact", "drop", number)
    assert out(worked, "fact", "list", "--organisation", "quill.example") == "Nothing is remembered.\n"
    assert "They pay late." in out(worked, "fact", "list", "--organisation", "quill.example", "--closed")


def test_a_lesson_may_be_about_an_organisation(worked: Bed) -> None:
    """As it may be about a person."""
    taught = out(worked, "lesson", "add", "Their quotes are escalated.", "--organisation", "quill.example")
    assert "about quill.example" in taught
    assert "Their quotes are escalated." in out(worked, "lesson", "list", "--organisation", "quill.example")
    assert "Their quotes are escalated." not in out(worked, "fact", "list", "--organisation", "quill.example")
    out(worked, "lesson", "drop", taught.split()[1])


def test_a_person_is_shown_with_what_is_known_of_their_organisation(worked: Bed) -> None:
    """It says about whom it is."""
    number = out(worked, "fact", "add", "They pay late.", "--organisation", "quill.example").split()[1]
    assert "quill.example circumstance" in " ".join(out(worked, "person", "show", "1").split())
    out(worked, "fact", "drop", number)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fact", "add", "x", "--person", "77"], "there is no person 77; `clerkd person list` shows them"),
        (
            ["fact", "add", "x", "--kind", "lesson"],
            "--kind: 'lesson' is no kind of fact; known: preference",
        ),
        (["fact", "add", "  "], "text: String should have at least 1 character"),
        (["fact", "add", "x" * 301], "text: String should have at most 300 characters"),
        (["fact", "add", "x", "--until", "soon"], "'soon' does not match the formats '%Y-%m-%d'"),
        (["fact", "add", "x", "--since", "2026-13-01"], "'2026-13-01' does not match the formats"),
        (["fact", "add", "x", "--since", "2026-12-02", "--until", "2026-12-01"], "--until must not be before --since"),
        (["fact", "correct", "99", "x"], "there is no fact 99; `clerkd fact list` and `clerkd lesson list` show them"),
        (["fact", "correct", "1", " "], "text: String should have at least 1 character"),
        (["fact", "drop", "99"], "there is no fact 99"),
        (["fact", "drop", "many"], "'FACT': Input should be a valid integer"),
        (["fact", "list", "--limit", "0"], "'--limit': Input should be greater than or equal to 1"),
        (["fact", "list", "--person", "0"], "'--person': Input should be greater than or equal to 1"),
        (["fact", "add", "x", "--organisation", "Quill Ltd"], "'Quill Ltd' is no domain, such as quill.example"),
        (["fact", "add", "x", "--organisation", ""], "'' is no domain, such as quill.example"),
        (
            ["fact", "add", "x", "--organisation", "gmail.com"],
            "'--organisation': anybody gets an address at gmail.com, so it is no organisation; name a person",
        ),
        (
            ["fact", "add", "x", "--organisation", "quill.example", "--person", "1"],
            "give --person or --organisation, not both",
        ),
        (["fact", "list", "--organisation", "web.de"], "anybody gets an address at web.de"),
        (["fact", "list", "--organisation", "quill.example", "--person", "1"], "--organisation, not both"),
        (["lesson", "add", "x", "--organisation", "ada@quill.example"], "'ada@quill.example' is no domain"),
        (["lesson", "add", "x", "--organisation", "gmx.de"], "anybody gets an address at gmx.de"),
        (["lesson", "list", "--organisation", "quill"], "'quill' is no domain"),
        (["lesson", "add", "x", "--person", "77"], "there is no person 77"),
        (["lesson", "correct", "99", "x"], "there is no fact 99"),
        (["lesson", "drop", "99"], "there is no fact 99"),
        (["lesson", "list", "--person", "-1"], "'--person': Input should be greater than or equal to 1"),
    ],
)
def test_wrong_input_is_refused_in_words(worked: Bed, arguments: list[str], said: str) -> None:
    """What is wrong, where, and what there is instead."""
    assert said in refusal(worked, *arguments)


def test_a_fact_that_was_closed_cannot_be_put_right_again(worked: Bed) -> None:
    """The refusal names the one in its place."""
    number = out(worked, "fact", "add", "We sell pumps.").split()[1]
    newer = out(worked, "fact", "correct", number, "We sell boats.").split()[1]
    assert f"fact {number} was closed already by fact {newer}" in refusal(worked, "fact", "drop", number)
    out(worked, "fact", "drop", newer)


def test_the_service_need_not_have_run(tmp_path: Path) -> None:
    """Without a knowledge database there is nothing to list, and the words say how one comes to be."""
    with StandIn(decide) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path, server, model, Faults())
        assert bed.config
        assert "`clerkd run` creates it" in refusal(bed, "fact", "list")
