"""``clerkd person`` as a person calls it: who writes, and what a person's word makes of who is who."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from daemon.clock import utc_now
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from daemon.steps import person_orders
from knowledge import decisions, ledger, people
from knowledge.database import Database
from knowledge.people import Acquaintance, Known
from tests.bed import PASSWORD, USER, Bed, mail
from tests.cli import answers
from tests.faults import Faults

ADA, HOME, BO = "ada@quill.example", "ada@gmail.com", "bo@tern.example"
GERMAN = "Sehr geehrte Damen und Herren, wann haben Sie am Samstag und am Sonntag geöffnet? Ich danke Ihnen sehr."
HUGE = str(2**63)


@pytest.fixture(scope="module")
def worked_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work two mails of Ada's from the office, one from home, and one of Bo's."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("worked"), server, model, faults)
        server.deliver(mail("Hours", Message_ID="<one@quill.example>"))
        server.deliver(mail("Re: Hours", "Thank you.", In_Reply_To="<one@quill.example>"))
        server.deliver(mail("Private", sender=f"Ada at Home <{HOME}>"))
        server.deliver(mail("Preise", GERMAN, sender=f"Bo Tern <{BO}>"))
        bed.work(4)
        yield bed
        bed.close()


@pytest.fixture
def worked(worked_once: Bed, tmp_path: Path) -> Bed:
    """Lay a copy of the bed, which a test may change."""
    shutil.copytree(worked_once.root, tmp_path, dirs_exist_ok=True)
    return Bed(tmp_path, worked_once.server, worked_once.model, worked_once.faults)


said = partial(answers.said, "person")
records = partial(answers.records, "person")
refused = partial(answers.refused, "person")


def number_of(bed: Bed, address: str) -> int:
    """Give the number of the person who has this address."""
    (known,) = people.find(bed.db, address, 9)
    return known.person.id or 0


def known(bed: Bed, number: int) -> Known:
    """Give a person who is there."""
    found = people.get(bed.db, number)
    assert found
    return found


def senders(bed: Bed) -> dict[str, int | None]:
    """Give the person of each message, by its subject."""
    return {entry.message.subject: entry.message.person_id for entry in bed.entries}


@pytest.fixture
def one(worked: Bed) -> tuple[Bed, int, int]:
    """Merge the two who are Ada; give the number of the one kept, and that of the one merged away."""
    kept, other = number_of(worked, ADA), number_of(worked, HOME)
    assert said(worked, "merge", str(kept), str(other)) == f"person {other} is now the same as person {kept}"
    return worked, kept, other


# Listing


def test_the_list_shows_who_has_written(worked_once: Bed) -> None:
    """Each with their name, addresses, language, mails and when they were seen."""
    shown = worked_once.clerkd("person", "list", "--config", str(worked_once.config))
    header, _rule, *lines = (line.rstrip() for line in shown.stdout.splitlines())
    titles = ("Person", "Name", "Addresses", "Language", "Mails", "First seen", "Last seen")
    assert [title for title in titles if title not in header] == []
    assert len(lines) == 3
    found = {address: line.split() for address in (ADA, HOME, BO) for line in lines if address in line}
    assert found[ADA][1:4] == ["Ada", "Quill", ADA]
    assert found[HOME][1:5] == ["Ada", "at", "Home", HOME]
    assert found[BO][1:6] == ["Bo", "Tern", BO, "de", "1"]
    assert "2" in found[ADA][4:6]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], {"Ada Quill", "Ada at Home", "Bo Tern"}),
        (["--search", "ada"], {"Ada Quill", "Ada at Home"}),
        (["--search", "AT HOME"], {"Ada at Home"}),
        (["--search", "quill.example"], {"Ada Quill"}),
        (["--search", "@"], {"Ada Quill", "Ada at Home", "Bo Tern"}),
        (["--search", "%"], set()),
        (["--search", "a_a"], set()),
        (["--search", "nobody"], set()),
    ],
)
def test_the_list_is_narrowed_by_a_search(worked_once: Bed, options: list[str], names: set[str]) -> None:
    """The words stand in a name, an address or an organisation, and are taken literally."""
    assert {row["name"] for row in records(worked_once, "list", *options)} == names


def test_the_list_is_as_long_as_is_wanted(worked_once: Bed) -> None:
    """The last seen first."""
    every = records(worked_once, "list")
    assert [row["last_seen_at"] for row in every] == sorted((row["last_seen_at"] for row in every), reverse=True)
    assert records(worked_once, "list", "--limit", "1") == every[:1]


def test_the_list_gives_json(worked_once: Bed) -> None:
    """One object a line, with all that is known; a public provider is no organisation."""
    (row,) = records(worked_once, "list", "--search", HOME)
    person = known(worked_once, row["person"]).person
    assert row == {
        "person": person.id,
        "name": "Ada at Home",
        "addresses": [HOME],
        "organisation": "",
        "language": person.language,
        "messages": 1,
        "first_seen_at": person.first_seen_at.isoformat(),
        "last_seen_at": person.last_seen_at.isoformat(),
        "merged_into": None,
    }


def test_a_list_without_anybody_says_so(worked_once: Bed) -> None:
    """In words for a person; as JSON it is empty."""
    assert said(worked_once, "list", "--search", "nobody") == "Nobody fits."


# Showing


def test_a_person_is_shown_with_addresses_organisation_language_and_cases(worked_once: Bed) -> None:
    """Closed cases, too."""
    shown = said(worked_once, "show", str(number_of(worked_once, ADA)))
    assert shown.startswith(
        f"person {number_of(worked_once, ADA)}: Ada Quill, quill.example addresses: {ADA} language:"
    )
    assert "; 2 mail(s) first seen " in shown
    assert "closed" in shown
    assert shown.endswith("2 0 Hours")
    assert "merged" not in shown


def test_what_is_not_known_of_a_person_is_said_to_be_so(worked_once: Bed) -> None:
    """A public provider tells no organisation, and few words no language."""
    shown = said(worked_once, "show", str(number_of(worked_once, HOME)))
    assert ": Ada at Home, no organisation known addresses: " in shown
    german = said(worked_once, "show", str(number_of(worked_once, BO)))
    assert "language: de; 1 mail(s)" in german


def test_a_person_is_shown_as_json(worked_once: Bed) -> None:
    """One object with their cases."""
    (shown,) = records(worked_once, "show", str(number_of(worked_once, ADA)))
    assert (shown["name"], shown["addresses"], shown["organisation"]) == ("Ada Quill", [ADA], "quill.example")
    assert shown["messages"] == 2
    (case,) = shown["cases"]
    assert (case["subject"], case["state"], case["messages"], case["open_promises"]) == ("Hours", "closed", 2, 0)


def test_no_name_steers_the_terminal(worked: Bed) -> None:
    """Everybody chooses their own."""
    with worked.db.write() as session:
        people.meet(session, Acquaintance(BO, "Bo \x1b[31mTern"), utc_now())
    for words in (("show", str(number_of(worked, BO))), ("list",)):
        shown = worked.clerkd("person", *words, "--config", str(worked.config)).stdout
        assert "Bo [31mTern" in shown
        assert "\x1b" not in shown


# Merging


def test_two_people_are_made_one(one: tuple[Bed, int, int]) -> None:
    """The kept one has the addresses, mails and cases of both; the other one says who they are now."""
    bed, kept, other = one
    (shown,) = records(bed, "show", str(kept))
    assert (shown["name"], shown["addresses"], shown["messages"]) == ("Ada Quill", [HOME, ADA], 3)
    assert sorted(case["subject"] for case in shown["cases"]) == ["Hours", "Private"]
    assert {row["person"] for row in records(bed, "list")} == {kept, number_of(bed, BO)}
    assert sorted(shown["names"]) == ["Ada Quill", "Ada at Home"]
    assert "also wrote as: Ada at Home" in said(bed, "show", str(kept))
    (gone,) = records(bed, "show", str(other))
    assert (gone["merged_into"], gone["addresses"], gone["messages"], gone["cases"]) == (kept, [], 0, [])
    told = said(bed, "show", str(other))
    assert "addresses: none" in told
    assert told.endswith(f"merged into person {kept}")


def test_who_was_merged_away_cannot_be_ordered_about(one: tuple[Bed, int, int]) -> None:
    """Each command names who they are now, and changes nothing."""
    bed, kept, other = one
    for words in (("merge", str(kept), str(other)), ("merge", str(other), str(kept)), ("split", str(other), HOME)):
        assert refused(bed, *words) == f"clerkd: person {other} was merged into person {kept}\n"
    assert known(bed, kept).addresses == [HOME, ADA]
    assert known(bed, kept).person.merged_into is None


def test_the_next_turn_knows_who_the_two_are(one: tuple[Bed, int, int]) -> None:
    """All mails of both are those of one person."""
    bed, kept, _other = one
    assert senders(bed) == {"Hours": kept, "Re: Hours": kept, "Private": kept, "Preise": number_of(bed, BO)}
    count, since = decisions.acquaintance(bed.db, kept, 99)
    assert (count, since) == (3, known(bed, kept).person.first_seen_at)


# Splitting


def test_an_address_becomes_a_person_of_its_own(one: tuple[Bed, int, int]) -> None:
    """With its mails, and with the name that stands in them."""
    bed, kept, _other = one
    told = said(bed, "split", str(kept), HOME)
    fresh = number_of(bed, HOME)
    assert told == f"{HOME} is now person {fresh}"
    assert senders(bed) == {"Hours": kept, "Re: Hours": kept, "Private": fresh, "Preise": number_of(bed, BO)}
    (shown,) = records(bed, "show", str(fresh))
    assert (shown["name"], shown["addresses"], shown["messages"]) == ("Ada at Home", [HOME], 1)
    assert [case["subject"] for case in shown["cases"]] == ["Private"]
    assert [case["subject"] for case in records(bed, "show", str(kept))[0]["cases"]] == ["Hours"]


def test_an_address_may_be_given_in_any_letters(one: tuple[Bed, int, int]) -> None:
    """Addresses are known in lower case."""
    bed, kept, _other = one
    assert said(bed, "split", str(kept), HOME.upper()).startswith(f"{HOME} is now person ")


def test_only_an_address_of_theirs_can_be_split_off(one: tuple[Bed, int, int]) -> None:
    """Those that they have are named."""
    bed, kept, _other = one
    for address in (BO, "nobody@quill.example", "ada", "%"):
        told = refused(bed, "split", str(kept), address)
        assert told == f"clerkd: {address} is no address of person {kept}; known: {HOME}, {ADA}\n"
    assert known(bed, kept).addresses == [HOME, ADA]


# Wrong calls


def test_the_only_address_of_a_person_stays(worked_once: Bed) -> None:
    """Nobody would be left behind."""
    number = number_of(worked_once, BO)
    assert refused(worked_once, "split", str(number), BO) == f"clerkd: {BO} is the only address of person {number}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "99"], "there is no person 99; `clerkd person list` shows them"),
        (["merge", "99", "1"], "there is no person 99; `clerkd person list` shows them"),
        (["merge", "1", "99"], "there is no person 99; `clerkd person list` shows them"),
        (["split", "99", ADA], "there is no person 99; `clerkd person list` shows them"),
        (["merge", "1", "1"], "a person cannot be merged into themselves"),
        (["merge", "99", "99"], "a person cannot be merged into themselves"),
        (["split", "1", "nobody@quill.example"], "nobody@quill.example is no address of person 1; known: "),
    ],
)
def test_a_wrong_call_says_what_is_wrong(worked_once: Bed, words: list[str], told: str) -> None:
    """With where the right numbers are to be found."""
    assert refused(worked_once, *words).startswith(f"clerkd: {told}")


@pytest.mark.parametrize(
    "words",
    [
        ["show", "ada"],
        ["show", "0"],
        ["show", HUGE],
        ["merge", "1"],
        ["merge", "one", "2"],
        ["merge", "1", "0"],
        ["merge", HUGE, "1"],
        ["split", "1"],
        ["split", ADA, "1"],
        ["split", "-1", ADA],
        ["list", "--limit", "0"],
        ["frobnicate", "1"],
    ],
    ids=" ".join,
)
def test_what_is_no_number_of_a_person_is_refused_with_the_usage(worked_once: Bed, words: list[str]) -> None:
    """No order is left for the service."""
    assert "Usage: clerkd person" in refused(worked_once, *words)


def test_a_refused_order_changes_nothing_of_the_people(worked_once: Bed) -> None:
    """After all those wrong calls everybody stands as they were met."""
    refused(worked_once, "merge", "1", "1")
    assert sorted(address for found in people.find(worked_once.db, "", 9) for address in found.addresses) == [
        HOME,
        ADA,
        BO,
    ]
    assert {entry.message.state for entry in worked_once.entries} == {"done"}
    assert ledger.counts(worked_once.db) == {"done": 4}


@pytest.mark.parametrize("words", [["list"], ["show", "1"], ["merge", "1", "2"], ["split", "1", ADA]], ids=" ".join)
def test_without_a_knowledge_database_each_command_says_so(worked_once: Bed, tmp_path: Path, words: list[str]) -> None:
    """Nothing was worked yet."""
    empty = Bed(tmp_path, worked_once.server, worked_once.model, worked_once.faults)
    assert "clerkd: there is no knowledge database at" in refused(empty, *words)


# Beside the service


def comes_in_between(bed: Bed, monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    """Let the screening of a mail meet Ada after an order has looked at her and before it writes."""
    look = person_orders.person_of

    def looked_at(db: Database, number: int) -> Known:
        found = look(db, number)
        if ADA in found.addresses:
            with bed.db.write() as session:
                people.meet(session, Acquaintance(ADA, "Ada Fern"), at)
        return found

    monkeypatch.setattr(person_orders, "person_of", looked_at)


@pytest.mark.parametrize("order", ["merge", "split"])
def test_a_mail_that_is_screened_during_an_order_is_not_overwritten(
    one: tuple[Bed, int, int], monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """The screening writes from a thread of its own: the name and the time that it learnt must stand."""
    bed, kept, _other = one
    at = datetime.now(UTC) + timedelta(days=1)
    comes_in_between(bed, monkeypatch, at)
    if order == "merge":
        person_orders.merge(bed.db, utc_now, f"{kept} {number_of(bed, BO)}")
    else:
        person_orders.split(bed.db, utc_now, f"{kept} {HOME}")
    assert (known(bed, kept).person.name, known(bed, kept).person.last_seen_at) == ("Ada Fern", at)
