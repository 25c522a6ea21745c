"""Specialists ask MCP servers outside: the real engine, real servers as processes, and the walls between them."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.agent import outside
from daemon.agent.outside import LONGEST_RESULT
from daemon.judgement.handoffs import HandoffState
from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body, text, tool_use
from knowledge import handoffs, turns
from knowledge.tables import ToolCall
from tests.bed import LOOPBACK, Bed, mail, wait_for
from tests.integration.test_memory import order
from tests.integration.test_replay import replay
from tests.integration.test_specialists import OWED, as_specialist, of_specialist, staff, worked

LOOK_UP = "mcp__catalogue__look_up"
PROGRAM = [sys.executable, str(Path(__file__).parents[1] / "catalogue.py")]


def engage(bed: Bed, tools: str = "look_up", keys: str = "", way: str = "", name: str = "billing") -> None:
    """Engage a specialist that may ask the catalogue, by these tools of it."""
    staff(bed, 'mcp = ["catalogue"]\ntools = ["recall"]', name=name)
    allowed = ", ".join(f'{tool} = "read"' for tool in tools.split())
    lines = [way or f"command = {json.dumps(PROGRAM)}", f"tools = {{ {allowed} }}", keys]
    bed.sections["service"] = "\n".join(["[mcp.catalogue]", *lines])


def asking(*calls: tuple[str, dict[str, Any]]) -> Callable[[Body], Answer]:
    """Give rules of a specialist that makes these calls, one after the other, and reports what came back last."""

    def answer(body: Body) -> Answer:
        users = [message for message in body["messages"] if message["role"] == "user"]
        results = [part for user in users for part in rules._parts(user) if part.get("type") == "tool_result"]
        if len(results) < len(calls):
            return Answer((tool_use(*calls[len(results)]),))
        return Answer((text(said(results[-1])),))

    return as_specialist(answer)


def said(result: dict[str, Any]) -> str:
    """Give the words of a tool's result."""
    content = result["content"]
    words = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    return words.partition("<system-reminder>")[0].rstrip("\n")  # the engine's own, on how many tokens are left


def report(bed: Bed, *calls: tuple[str, dict[str, Any]], body: str = OWED) -> str:
    """Have one mail worked by a specialist that makes these calls, and give its report."""
    bed.model.rules = asking(*calls)
    (row,) = worked(bed, body)
    assert row.state == HandoffState.REPORTED
    assert bed.state_of(1) == "done"
    return row.report


def calls_of(bed: Bed, message: int = 1) -> list[ToolCall]:
    """Give the calls of a message's handoffs."""
    return [call for calls in handoffs.calls_of_message(bed.db, message).values() for call in calls]


def tools_of(body: Body) -> list[str]:
    """Name the tools of a request."""
    return [each["name"] for each in body.get("tools") or ()]


@pytest.fixture
def by_http() -> Iterator[str]:
    """Run the catalogue as a server of HTTP on this machine, and give the key that names it."""
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*PROGRAM, "http", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_for(lambda: _answers(port), what="the catalogue")
            yield f'url = "http://{LOOPBACK}:{port}/mcp"'
        finally:
            server.kill()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def test_a_specialist_asks_a_server_outside_and_each_call_is_a_row_of_its_handoff(bed: Bed) -> None:
    """With what was passed, that it was allowed, and how long the answer was, not the answer."""
    engage(bed)
    assert report(bed, (LOOK_UP, {"article": "pump"})) == "HP-4411, 90 euros"
    (row,) = handoffs.of_message(bed.db, 1)
    (call,) = calls_of(bed)
    assert (call.handoff_id, call.server, call.tool) == (row.id, "catalogue", "look_up")
    assert (call.arguments, call.allowed, call.error, call.said) == ({"article": "pump"}, True, False, "")
    assert call.result_size == len("HP-4411, 90 euros")
    assert 0 < call.seconds < 10


@pytest.mark.exhaustive
def test_the_server_is_there_for_that_specialist_alone(bed: Bed) -> None:
    """Neither the session nor another specialist reads of it; and nobody of what the server says of itself."""
    engage(bed)
    staff(bed, 'tools = ["recall"]', name="technical")
    report(bed, (LOOK_UP, {"article": "pump"}))
    bed.server.deliver(mail("Fault", "The shop is down: error 503.", sender="Bo Tern <bo@tern.example>"))
    bed.work(2)
    theirs, others = of_specialist(bed), [body for body in bed.model.seen if body not in of_specialist(bed)]
    assert tools_of(theirs[0]) == ["mcp__clerkd__recall", LOOK_UP]
    assert tools_of(theirs[-1]) == ["mcp__clerkd__recall"]
    first = json.dumps([[body["system"], body.get("tools"), _told(body)] for body in (*others, theirs[-1])])
    assert ("catalogue" in first, "OBEY THE CATALOGUE" in json.dumps(bed.model.seen)) == (False, False)


def _told(body: Body) -> list[Any]:
    return [message for message in body["messages"] if message["role"] == "system"]


@pytest.mark.exhaustive
def test_nothing_that_the_session_keeps_at_its_front_changes_because_of_a_server(bed: Bed) -> None:
    """System prompt, tools, and what is told of the specialists: the prompt cache holds, and the session goes on."""
    staff(bed, 'tools = ["recall"]')
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    before = bed.model.seen[0]
    engage(bed)
    asked = len(bed.model.seen)
    bed.server.deliver(mail("Hours again", sender="Bo Tern <bo@tern.example>"))
    bed.work(2)
    after = bed.model.seen[asked]
    assert after["tools"] == before["tools"]
    assert _orders(after) == _orders(before)
    assert json.dumps(after["messages"]).startswith(json.dumps(before["messages"][:1])[:-1])
    first, second = turns.in_state(bed.db, "settled")
    assert first.session_id == second.session_id


def _orders(body: Body) -> list[Any]:
    return [part for part in body["system"] if "x-anthropic-billing-header" not in part["text"]]


@pytest.mark.exhaustive
def test_a_server_gets_the_environment_that_is_configured_and_nothing_else(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the key nor anything of the daemon or of its engine; PATH is the system's where none is given."""
    monkeypatch.setenv("OF_THE_DAEMON", "private")
    (bed.root / "token").write_text("open-sesame")
    secret = f'env_secrets = {{ CATALOGUE_TOKEN = {{ file = "{bed.root}/token" }} }}'
    engage(bed, "environment", f'env = {{ LANG = "C.UTF-8" }}\n{secret}')
    told = json.loads(report(bed, ("mcp__catalogue__environment", {})))
    expected = {"LANG": "C.UTF-8", "CATALOGUE_TOKEN": "open-sesame"}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # Python itself adds LC_CTYPE where the locale is C.
    assert {key: value for key, value in told["environment"].items() if key != "LC_CTYPE"} == {**expected, "PATH": path}
    assert (told["arguments"], told["place"]) == ([], "/")


@pytest.mark.exhaustive
def test_a_server_by_http_is_asked_with_the_headers_that_are_configured(bed: Bed, by_http: str) -> None:
    """Secrets among them, which come from their sources."""
    (bed.root / "token").write_text("Bearer open-sesame")
    secret = f'header_secrets = {{ Authorization = {{ file = "{bed.root}/token" }} }}'
    engage(bed, "headers look_up", f'headers = {{ X-House = "pine" }}\n{secret}', way=by_http)
    told = json.loads(report(bed, (LOOK_UP, {"article": "pump"}), ("mcp__catalogue__headers", {})))
    assert (told["authorization"], told["x-house"]) == ("Bearer open-sesame", "pine")
    assert [(call.tool, call.allowed, call.error) for call in calls_of(bed)] == [
        ("look_up", True, False),
        ("headers", True, False),
    ]


@pytest.mark.exhaustive
def test_a_tool_that_is_not_allowed_is_neither_offered_nor_ever_called(bed: Bed) -> None:
    """However the model comes to know of it."""
    book = bed.root / "orders.txt"
    engage(bed, keys=f'env = {{ ORDERS = "{book}" }}')
    words = report(bed, ("mcp__catalogue__order", {"article": "pump"}))
    assert "No such tool available: mcp__catalogue__order" in words
    assert all("mcp__catalogue__order" not in tools_of(body) for body in bed.model.seen)
    assert not book.exists()


@pytest.mark.exhaustive
def test_what_is_somebody_elses_does_not_leave_and_the_specialist_is_told(bed: Bed) -> None:
    """A number of another person's mail; one of the mail at hand does, and so does one that the server has named."""
    engage(bed)
    bed.server.deliver(mail("My account", "My account is 55 443 322, please note.", sender="Bo Tern <bo@tern.example>"))
    bed.work(1)
    numbers = ("55443322", "HP-INV-2044", "pump", "HP-4411", "bo@tern.example")
    bed.model.rules = asking(*((LOOK_UP, {"article": number}) for number in numbers))
    bed.server.deliver(mail("Invoice", OWED))
    bed.work(2)
    (row,) = handoffs.of_message(bed.db, 2)
    assert row.report.startswith("The call was not made: bo@tern.example belongs to somebody else than the sender")
    made = [(call.arguments["article"], call.allowed) for call in calls_of(bed, 2)]
    assert made == list(zip(numbers, (False, True, True, True, False), strict=True))
    assert calls_of(bed, 2)[0].said.startswith("The call was not made: 55443322 belongs to somebody else")


@pytest.mark.exhaustive
def test_what_is_written_of_another_organisation_does_not_leave_and_of_ones_own_it_does(bed: Bed) -> None:
    """A PO number of Tern's is nobody's to tell in Quill's turn, and Tern may be told it."""
    engage(bed)
    written = {"text": "Their PO number is 55 443 322.", "kind": "circumstance", "organisation": "tern.example"}
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    order(bed, "add fact", json.dumps(written))
    bed.model.rules = asking((LOOK_UP, {"article": "55443322"}))
    bed.server.deliver(mail("Invoice", OWED))
    bed.work(2)
    bed.model.rules = asking((LOOK_UP, {"article": "55443322"}))
    bed.server.deliver(mail("Invoice", OWED, sender="Bo Tern <bo@tern.example>"))
    bed.work(3)
    assert [call.allowed for number in (2, 3) for call in calls_of(bed, number)] == [False, True]
    assert calls_of(bed, 2)[0].said.startswith("The call was not made: 55443322 belongs to somebody else")


@pytest.mark.exhaustive
def test_secrets_and_instructions_do_not_leave(bed: Bed) -> None:
    """The API key, a configured secret, and the words of a specialist's prompt."""
    engage(bed)
    prompt = " ".join(f"word{number}" for number in range(20))
    place = bed.root / "specialists" / "billing.md"
    place.write_text(place.read_text() + prompt)
    words = ("a-key-for-the-stand-in", "the password is rehearsal", prompt)
    report(bed, *((LOOK_UP, {"article": each}) for each in words))
    secret = "they hold a secret of this house, or what looks like one"
    orders = "they hold words of instructions given in this house"
    assert [(call.allowed, call.said) for call in calls_of(bed)] == [
        (False, f"The call was not made: {each}.") for each in (secret, secret, orders)
    ]


@pytest.mark.exhaustive
def test_arguments_that_are_too_much_do_not_leave(bed: Bed) -> None:
    """A whole mailbox in one call, for instance."""
    engage(bed)
    words = report(bed, (LOOK_UP, {"article": "x" * 3000}))
    assert words == "The call was not made: they are longer than 2000 characters."


@pytest.mark.exhaustive
def test_an_answer_without_end_is_cut(bed: Bed) -> None:
    """The engine would make a file of it and send the specialist there; the row has its true size."""
    engage(bed, "letters")
    words = report(bed, ("mcp__catalogue__letters", {"count": 100_000}))
    assert words == "x" * LONGEST_RESULT + "\n[The rest was cut off: 100000 characters in all.]"
    assert calls_of(bed)[0].result_size == 100_000
    assert not list(bed.state.agent.rglob("tool-results"))


@pytest.mark.exhaustive
def test_a_server_that_dies_in_a_call_fails_that_call_alone(bed: Bed) -> None:
    """The specialist is told, reports, and the turn settles."""
    engage(bed, "die look_up")
    words = report(bed, ("mcp__catalogue__die", {}))
    assert words == "The server catalogue cannot be reached any more. Go on without it."
    (call,) = calls_of(bed)
    assert (call.allowed, call.error, call.said) == (True, True, words)


@pytest.mark.exhaustive
def test_a_server_that_does_not_answer_is_given_up_in_its_seconds(bed: Bed) -> None:
    """As they are configured."""
    engage(bed, "sleep", "seconds = 0.5")
    words = report(bed, ("mcp__catalogue__sleep", {"seconds": 3}))
    assert words == "The server catalogue did not answer within 0.5 seconds. Go on without it."
    assert 0.5 <= calls_of(bed)[0].seconds < 2


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "way", ['command = ["/nowhere/at-all"]', 'command = ["false"]', 'url = "http://127.0.0.1:9/mcp"']
)
def test_a_specialist_works_without_a_server_that_does_not_start(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The turn settles without waiting for as long as a server may take, and its notes say what was missing."""
    monkeypatch.setattr(outside, "START_SECONDS", 600)  # ten times as long as the bed waits for the mail
    engage(bed, way=way)
    bed.model.rules = as_specialist(lambda _body: Answer((text("I know no more."),)))
    (row,) = worked(bed)
    assert (row.state, row.report) == (HandoffState.REPORTED, "I know no more.")
    (turn,) = turns.in_state(bed.db, "settled")
    assert turn.notes == ["the MCP server catalogue does not start, or does not list its tools, within 600 seconds"]


@pytest.mark.exhaustive
def test_a_server_that_hangs_at_its_start_costs_ten_seconds(bed: Bed) -> None:
    """No more, and no turn."""
    engage(bed, way='command = ["sleep", "1000"]')
    bed.model.rules = as_specialist(lambda _body: Answer((text("I know no more."),)))
    started = time.monotonic()
    (row,) = worked(bed)
    assert row.report == "I know no more."
    assert row.seconds < 15
    assert time.monotonic() - started < 25


@pytest.mark.exhaustive
def test_no_server_is_left_behind(bed: Bed) -> None:
    """It ends with the specialist's engine, and keeps nothing of one mail for the next."""
    engage(bed, "environment")
    told = json.loads(report(bed, ("mcp__catalogue__environment", {})))
    assert not Path(f"/proc/{told['process']}").exists()


@pytest.mark.exhaustive
def test_a_replay_asks_no_server_outside(bed: Bed) -> None:
    """What is put to a copy must not leave the house: the specialist there has no such tool."""
    engage(bed)
    report(bed, (LOOK_UP, {"article": "pump"}))
    asked = len(bed.model.seen)
    (row,) = replay(bed)
    assert row.failure == ""
    copies = [body for body in of_specialist(bed) if body in bed.model.seen[asked:]]
    assert copies
    assert [name for body in copies for name in tools_of(body) if "catalogue" in name] == []
    assert len(calls_of(bed)) == 1
