"""``clerkd case`` as a person calls it: how the cases stand, and what a person's word makes of them."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemon.clock import utc_now
from daemon.premises import is_held
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from daemon.steps import case_orders
from knowledge import cases, ledger, promises
from knowledge.database import Database
from knowledge.tables import Case, Decision, Promise
from tests.bed import PASSWORD, USER, Bed, end, mail, wait_for
from tests.cli import answers
from tests.faults import Faults
from tests.knowledge.test_promises import reminded

DUE = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
PHOTOS = f"I will send the photos by {DUE}."
PRICES = f"Could you send the price list by {DUE}?"
HUGE = str(2**63)
WRITTEN_BY_THE_MODEL = [(Decision, "summary"), (Promise, "what")]


@pytest.fixture(scope="module")
def worked_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work two mails of Ada's in one case, one of Bo's in another, and one of Cy's that leaves nothing to do."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("worked"), server, model, faults)
        server.deliver(mail("Photos", PHOTOS, Message_ID="<one@quill.example>"))
        server.deliver(mail("Re: Photos", "Did you get them?", In_Reply_To="<one@quill.example>"))
        server.deliver(mail("Prices", PRICES, sender="Bo Tern <bo@tern.example>"))
        server.deliver(mail("Thanks", "Thank you.", sender="Cy Vane <cy@vane.example>"))
        bed.work(4)
        yield bed
        bed.close()


@pytest.fixture
def worked(worked_once: Bed, tmp_path: Path) -> Bed:
    """Lay a copy of the bed, which a test may change."""
    shutil.copytree(worked_once.root, tmp_path, dirs_exist_ok=True)
    return Bed(tmp_path, worked_once.server, worked_once.model, worked_once.faults)


@pytest.fixture
def reminded_of(worked: Bed) -> Bed:
    """Let the promise in Bo's case come up, as message 5."""
    (promise,) = promises.of_case(worked.db, 2)
    made_in = ledger.get(worked.db, promise.message_id)
    assert made_in
    assert reminded(worked.db, promise, made_in) == 5
    return worked


said = partial(answers.said, "case")
records = partial(answers.records, "case")
refused = partial(answers.refused, "case")


def case(bed: Bed, number: int) -> Case:
    """Give a case that is there."""
    found = cases.get(bed.db, number)
    assert found
    return found


def messages_of(bed: Bed, number: int) -> list[int | None]:
    """Give the numbers of a case's messages."""
    return [row.id for row in ledger.of_case(bed.db, number)]


# Listing


def test_the_list_shows_what_is_not_closed_the_last_touched_first(worked_once: Bed) -> None:
    """Each with its state, mails, open promises and subject; Cy's case left nothing to do."""
    shown = worked_once.clerkd("case", "list", "--config", str(worked_once.config))
    header, _rule, *lines = (line.rstrip() for line in shown.stdout.splitlines())
    titles = ["Case", "State", "Last touched", "Mails", "Promises", "Subject"]
    assert [title for title in titles if title in header] == titles
    assert {line.split()[0] for line in lines} == {"1", "2"}
    ada, bo = sorted(lines, key=lambda line: line.split()[0])
    assert (ada.split()[1:4], ada.split()[-3:]) == (["waiting", "for", "us"], ["2", "1", "Photos"])
    assert bo.split()[-3:] == ["1", "1", "Prices"]
    assert "Thanks" not in shown.stdout


@pytest.mark.parametrize(
    ("options", "subjects"),
    [
        ([], {"Photos", "Prices"}),
        (["--state", "all"], {"Photos", "Prices", "Thanks"}),
        (["--state", "closed"], {"Thanks"}),
        (["--state", "waiting for us"], {"Photos", "Prices"}),
        (["--state", "reopened"], set()),
        (["--person", "1"], {"Photos"}),
        (["--person", "3"], set()),
        (["--person", "3", "--state", "all"], {"Thanks"}),
        (["--person", "99", "--state", "all"], set()),
    ],
)
def test_the_list_is_narrowed_by_each_option(worked_once: Bed, options: list[str], subjects: set[str]) -> None:
    """To a state and to a person's cases."""
    assert {row["subject"] for row in records(worked_once, "list", *options)} == subjects


def test_the_list_is_as_long_as_is_wanted(worked_once: Bed) -> None:
    """The last touched first."""
    every = records(worked_once, "list", "--state", "all")
    assert len(every) == 3
    assert [row["updated_at"] for row in every] == sorted((row["updated_at"] for row in every), reverse=True)
    assert records(worked_once, "list", "--state", "all", "--limit", "1") == every[:1]


def test_the_list_gives_json(worked_once: Bed) -> None:
    """One object a line, with all that the table shows."""
    (row,) = records(worked_once, "list", "--person", "1")
    known = case(worked_once, 1)
    assert row == {
        "case": 1,
        "state": "waiting for us",
        "subject": "Photos",
        "opened_at": known.opened_at.isoformat(),
        "updated_at": known.updated_at.isoformat(),
        "merged_into": None,
        "messages": 2,
        "open_promises": 1,
    }


def test_a_list_without_a_case_says_so(worked_once: Bed) -> None:
    """In words for a person; as JSON it is empty."""
    assert said(worked_once, "list", "--state", "reopened") == "No case fits."


# Showing


def test_a_case_is_shown_with_its_mails_decisions_promises_and_dollars(worked_once: Bed) -> None:
    """Each mail with its sender, its state, what was decided and what was done."""
    shown = said(worked_once, "show", "1")
    told = (
        "case 1: Photos",
        "waiting for us; opened ",
        "its turns and handoffs cost $0.0",
        "message 1, ",
        "from ada@quill.example, done: other: Photos | draft (sent)",
        "message 2, ",
        "from ada@quill.example, done: question: Re: Photos",
        f"promise 1, by them in message 1, due {DUE}, open: send the photos",
    )
    places = [shown.find(words) for words in told]
    assert places == sorted(places)
    assert places[0] == 0
    assert "message 3" not in shown
    assert "merged" not in shown


def test_a_case_is_shown_as_json(worked_once: Bed) -> None:
    """One object with its messages and its promises."""
    (shown,) = records(worked_once, "show", "1")
    assert (shown["case"], shown["state"], shown["subject"]) == (1, "waiting for us", "Photos")
    assert shown["cost_usd"] > 0
    assert [(row["message"], row["about"], row["from"], row["state"]) for row in shown["messages"]] == [
        (1, None, "ada@quill.example", "done"),
        (2, None, "ada@quill.example", "done"),
    ]
    assert [row["category"] for row in shown["messages"]] == ["other", "question"]
    assert shown["messages"][0]["summary"] == "Photos"
    (promise,) = shown["promises"]
    assert (promise["id"], promise["by"], promise["what"], promise["due"]) == (1, "them", "send the photos", DUE)
    assert (promise["state"], promise["message_id"], promise["closed_at"]) == ("open", 1, None)


def written(bed: Bed, table: type[Decision | Promise], column: str, words: str) -> str:
    """Let the model have written this in case 1, and give the case as it is shown."""
    with bed.db.write() as session:
        setattr(session.get_one(table, 1), column, words)
    return bed.clerkd("case", "show", "1", "--config", str(bed.config)).stdout


@pytest.mark.parametrize(("table", "column"), WRITTEN_BY_THE_MODEL)
def test_no_words_of_the_model_steer_the_terminal(worked: Bed, table: type[Decision | Promise], column: str) -> None:
    """A mail may have talked it into any."""
    shown = written(worked, table, column, "all is \x1b[31mwell")
    assert "all is [31mwell" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(("table", "column"), WRITTEN_BY_THE_MODEL)
def test_no_words_of_the_model_forge_a_line_of_a_case(
    worked: Bed, table: type[Decision | Promise], column: str
) -> None:
    """What it wrote stays on its own line, whatever a mail has talked it into."""
    shown = written(worked, table, column, f"all is well\npromise 2, by us in message 1, due {DUE}, kept: a refund")
    assert [line for line in shown.splitlines() if line.startswith("promise 2,")] == []


def test_a_promise_that_has_come_up_is_shown_with_its_message(reminded_of: Bed) -> None:
    """That one is clerkd's own, and counts as no mail."""
    shown = said(reminded_of, "show", "2")
    assert ", from clerkd, received: no decision yet" in shown
    assert "came up as message 5, open: " in shown
    messages = records(reminded_of, "show", "2")[0]["messages"]
    assert [(row["message"], row["about"]) for row in messages] == [(3, None), (5, 3)]
    assert {row["case"]: row["messages"] for row in records(reminded_of, "list")} == {1: 2, 2: 1}


# Closing


def test_a_case_is_closed_and_its_promises_are_dropped(worked: Bed) -> None:
    """It leaves the list, and is shown with why its promise ended."""
    assert said(worked, "close", "1") == "case 1 is closed; 1 open promise(s) are dropped"
    assert case(worked, 1).state == "closed"
    assert [row["case"] for row in records(worked, "list")] == [2]
    assert "dropped (its case was closed by a person): send the photos" in said(worked, "show", "1")
    assert [row.state for row in promises.of_case(worked.db, 2)] == ["open"]
    assert said(worked, "close", "1") == "case 1 is closed"


# Merging


def test_two_cases_are_made_one(worked: Bed) -> None:
    """The kept one has the mails and promises of both; the other one says where they are."""
    assert said(worked, "merge", "1", "2") == "case 2 is now part of case 1"
    (row,) = records(worked, "list")
    assert (row["case"], row["messages"], row["open_promises"]) == (1, 3, 2)
    (shown,) = records(worked, "show", "1")
    assert [message["message"] for message in shown["messages"]] == [1, 2, 3]
    assert [promise["id"] for promise in shown["promises"]] == [1, 2]
    (gone,) = records(worked, "show", "2")
    assert (gone["merged_into"], gone["messages"], gone["promises"]) == (1, [], [])
    assert "merged into case 1" in said(worked, "show", "2")


def test_what_was_merged_away_cannot_be_ordered_about(worked: Bed) -> None:
    """Each command names the case that it is part of now, and changes nothing."""
    said(worked, "merge", "1", "2")
    for words in (("merge", "1", "2"), ("merge", "2", "1"), ("close", "2"), ("split", "2", "3")):
        assert refused(worked, *words) == "clerkd: case 2 was merged into case 1\n"
    assert messages_of(worked, 1) == [1, 2, 3]
    assert case(worked, 1).state == "waiting for us"


# Splitting


def test_mails_are_taken_out_of_a_case_with_what_was_promised_in_them(worked: Bed) -> None:
    """They have a case of their own from then on."""
    assert said(worked, "split", "1", "1") == "case 4 now holds message(s) 1 of case 1"
    assert (messages_of(worked, 1), messages_of(worked, 4)) == ([2], [1])
    assert [row.what for row in promises.of_case(worked.db, 4)] == ["send the photos"]
    assert promises.of_case(worked.db, 1) == []
    assert (case(worked, 4).subject, case(worked, 4).state) == ("Photos", "waiting for us")


def test_several_mails_are_taken_out_at_once(worked: Bed) -> None:
    """One that is named twice is one."""
    said(worked, "merge", "1", "2")
    assert said(worked, "split", "1", "1", "2", "1") == "case 4 now holds message(s) 1, 2 of case 1"
    assert (messages_of(worked, 1), messages_of(worked, 4)) == ([3], [1, 2])


@pytest.mark.parametrize("chosen", [("1", "2"), ("1", "2", "1")])
def test_a_case_cannot_be_left_without_a_mail(worked_once: Bed, chosen: tuple[str, ...]) -> None:
    """Nothing is taken out of it then."""
    assert refused(worked_once, "split", "1", *chosen) == "clerkd: at least one message must stay in case 1\n"
    assert messages_of(worked_once, 1) == [1, 2]


def test_clerkds_own_message_is_no_mail_to_take_out_or_to_leave_behind(reminded_of: Bed) -> None:
    """It belongs to the mail that it is about."""
    assert refused(reminded_of, "split", "2", "3") == "clerkd: at least one message must stay in case 2\n"
    told = "clerkd: message 5 is no mail of case 2; `clerkd case show 2` lists them\n"
    assert refused(reminded_of, "split", "2", "5") == told
    assert messages_of(reminded_of, 2) == [3, 5]


# Wrong calls


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "99"], "there is no case 99; `clerkd case list` shows them"),
        (["close", "99"], "there is no case 99; `clerkd case list` shows them"),
        (["merge", "99", "1"], "there is no case 99; `clerkd case list` shows them"),
        (["merge", "1", "99"], "there is no case 99; `clerkd case list` shows them"),
        (["merge", "1", "1"], "a case cannot be merged into itself"),
        (["merge", "99", "99"], "a case cannot be merged into itself"),
        (["split", "99", "1"], "there is no case 99; `clerkd case list` shows them"),
        (["split", "1", "3"], "message 3 is no mail of case 1; `clerkd case show 1` lists them"),
        (["split", "1", "1", "3"], "message 3 is no mail of case 1; `clerkd case show 1` lists them"),
        (["split", "1", "99"], "message 99 is no mail of case 1; `clerkd case show 1` lists them"),
        (["split", "2", "3"], "at least one message must stay in case 2"),
        (
            ["list", "--state", "frozen"],
            (
                "--state: 'frozen' is no state of a case; known: "
                "open, waiting for us, waiting for them, closed, reopened, all"
            ),
        ),
        (["list", "--state", "Closed"], "--state: 'Closed' is no state of a case"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(worked_once: Bed, words: list[str], told: str) -> None:
    """With where the right numbers or words are to be found."""
    assert refused(worked_once, *words).startswith(f"clerkd: {told}")


@pytest.mark.parametrize(
    "words",
    [
        ["show", "one"],
        ["show", "0"],
        ["show", HUGE],
        ["close", "-1"],
        ["close", "1.5"],
        ["merge", "1"],
        ["merge", "1", "two"],
        ["merge", "1", HUGE],
        ["split", "1"],
        ["split", "1", "1", "0"],
        ["split", "1", "1", "two"],
        ["list", "--person", "ada"],
        ["list", "--person", "0"],
        ["list", "--limit", "0"],
        ["frobnicate", "1"],
    ],
    ids=" ".join,
)
def test_what_is_no_number_of_a_case_is_refused_with_the_usage(worked_once: Bed, words: list[str]) -> None:
    """No order is left for the service."""
    assert "Usage: clerkd case" in refused(worked_once, *words)


def test_a_refused_order_changes_nothing_of_the_cases(worked_once: Bed) -> None:
    """After all those wrong calls everything stands as it was worked."""
    refused(worked_once, "merge", "1", "1")
    assert [messages_of(worked_once, number) for number in (1, 2, 3)] == [[1, 2], [3], [4]]
    assert [case(worked_once, number).merged_into for number in (1, 2, 3)] == [None, None, None]
    assert cases.get(worked_once.db, 4) is None


@pytest.mark.parametrize(
    "words", [["list"], ["show", "1"], ["close", "1"], ["merge", "1", "2"], ["split", "1", "2"]], ids=" ".join
)
def test_without_a_knowledge_database_each_command_says_so(worked_once: Bed, tmp_path: Path, words: list[str]) -> None:
    """Nothing was worked yet."""
    empty = Bed(tmp_path, worked_once.server, worked_once.model, worked_once.faults)
    assert "clerkd: there is no knowledge database at" in refused(empty, *words)


# Beside the service


@pytest.mark.exhaustive
def test_a_running_service_carries_an_order_out(worked: Bed) -> None:
    """Between two turns, while the command waits for it."""
    service = worked.start()
    try:
        wait_for(lambda: "started" in worked.log_text and is_held(worked.state), what="the start")
        assert said(worked, "merge", "1", "2") == "case 2 is now part of case 1"
        assert refused(worked, "merge", "1", "2") == "clerkd: case 2 was merged into case 1\n"
        assert said(worked, "close", "1") == "case 1 is closed; 2 open promise(s) are dropped"
        assert worked.log_text.count("merge cases") == 2
    finally:
        assert end(service) == 0, worked.log_text


def comes_in_between(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the screening of a mail touch case 1 after an order has looked at it and before it writes."""
    look = case_orders.case_of

    def looked_at(db: Database, number: int) -> Case:
        found = look(db, number)
        if number == 1:
            with bed.db.write() as session:
                row = session.get_one(Case, number)
                row.state, row.updated_at = "reopened", row.updated_at + timedelta(days=1)
                session.add(row)
        return found

    monkeypatch.setattr(case_orders, "case_of", looked_at)


@pytest.mark.parametrize("order", [(case_orders.merge, "1 2"), (case_orders.split, "1 1")], ids=["merge", "split"])
def test_a_mail_that_is_screened_during_an_order_is_not_overwritten(
    worked: Bed, monkeypatch: pytest.MonkeyPatch, order: tuple[Any, str]
) -> None:
    """The screening writes from a thread of its own: its word on the case's state and time must stand."""
    before = case(worked, 1)
    comes_in_between(worked, monkeypatch)
    carry_out, argument = order
    carry_out(worked.db, utc_now, argument)
    row = case(worked, 1)
    assert (row.state, row.updated_at) == ("reopened", before.updated_at + timedelta(days=1))
