"""Servers outside, on the command line: ``clerkd check`` tries them, ``clerkd log show`` tells of each call."""

import json
from collections.abc import Iterator

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from tests.bed import PASSWORD, USER, Bed
from tests.cli import answers
from tests.faults import Faults
from tests.integration.test_outside import LOOK_UP, calls_of, engage, report

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work one mail whose specialist asks the catalogue twice, the second time for too much."""
    with StandIn(decide) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("asked"), server, model, Faults())
        engage(bed)
        report(bed, (LOOK_UP, {"article": "pump"}), (LOOK_UP, {"article": "x" * 2001}))
        yield bed
        bed.close()


def test_log_show_tells_of_each_call_under_its_handoff(asked: Bed) -> None:
    """What was passed, what came of it, and why one did not leave."""
    made, refused = calls_of(asked)
    shown = answers.said("log", asked, "show", "1")
    line = f'call catalogue.look_up {{"article": "pump"}}: 17 characters came back; {made.seconds:.2f} s'
    assert line in shown
    assert "refused: The call was not made: they are longer than 2000 characters." in shown.replace(" │ │ ", " ")
    (record,) = answers.records("log", asked, "show", "1")
    (handoff,) = record["handoffs"]
    assert handoff["calls"][0] == {
        "id": made.id, "server": "catalogue", "tool": "look_up", "arguments": {"article": "pump"}, "allowed": True,
        "error": False, "said": "", "seconds": made.seconds, "result_size": 17,
    }  # fmt: skip
    assert (handoff["calls"][1]["allowed"], handoff["calls"][1]["said"]) == (False, refused.said)


def test_the_list_of_specialists_names_the_servers_that_each_may_ask(asked: Bed) -> None:
    """By the names of the config."""
    (line,) = answers.records("specialist", asked, "list")
    assert line["mcp"] == ["catalogue"]


def test_check_starts_each_server_and_names_its_tools(asked: Bed) -> None:
    """In a line of its own."""
    engage(asked, "look_up letters")
    assert "ok MCP server catalogue: look_up, letters; " in answers.said("check", asked)


@pytest.mark.parametrize(
    ("tools", "way", "said"),
    [
        ("look_up gone away", "", "it has no tool gone, away; correct mcp.catalogue.tools"),
        ("look_up", 'command = ["/nowhere"]', "the MCP server catalogue does not start, or does not list its tools,"),
        ("look_up", 'url = "http://127.0.0.1:9/mcp"', "the MCP server catalogue does not start, or does not list its"),
    ],
)
def test_check_says_what_is_wrong_with_a_server(asked: Bed, tools: str, way: str, said: str) -> None:
    """An allowed tool that it does not have, or that it is out of reach."""
    engage(asked, tools, way=way)
    shown = asked.clerkd("check", "--config", str(asked.config))
    assert (shown.returncode, "Traceback" in shown.stderr) == (1, False)
    assert f"FAIL  MCP server catalogue: {said}" in shown.stdout


def test_check_names_a_secret_that_is_missing(asked: Bed) -> None:
    """By its source."""
    engage(asked, keys='env_secrets = { TOKEN = { file = "/nowhere/token" } }')
    shown = asked.clerkd("check", "--config", str(asked.config))
    why = "the secret from file /nowhere/token cannot be read: No such file or directory"
    assert f"FAIL  MCP server catalogue: the MCP server catalogue: {why}" in shown.stdout
    assert json.dumps(shown.stderr) == '""'
