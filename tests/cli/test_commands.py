"""The commands, as a person runs them: beside a running daemon and without one."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.cli.log import parse_since
from daemon.errors import FatalError
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from daemon.steps.orders import obey
from knowledge import connections, feedback, service
from knowledge.tables import Feedback
from tests.bed import PASSWORD, USER, Bed, end, mail, wait_for
from tests.faults import Faults


@pytest.fixture(scope="module")
def worked_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work four mails: a question, an outage that is escalated, one that is held, one that is filed."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("worked"), server, model, faults)
        _deliver_four(bed)
        bed.work(4)
        yield bed


@pytest.fixture
def worked(worked_once: Bed, tmp_path: Path) -> Bed:
    """Lay a copy of the bed, which a test may change."""
    shutil.copytree(worked_once.root, tmp_path, dirs_exist_ok=True)
    return Bed(tmp_path, worked_once.server, worked_once.model, worked_once.faults)


def _deliver_four(bed: Bed) -> None:
    bed.server.deliver(mail("Opening hours", body="When do you open on Saturdays,\u200b please?"))
    bed.server.deliver(mail("URGENT: all is down", sender="Bo Tern <bo@tern.example>"))
    bed.server.deliver(mail("Two of us", sender="cy@vane.example, di@vane.example"))
    bed.server.deliver(mail("Away", sender="Eve Fern <eve@fern.example>", Auto_Submitted="auto-replied"))


def test_log_shows_a_table_newest_first(worked: Bed) -> None:
    """The table names sender, subject, category, actions and state, the newest decision on top.

    A rule decides at once, so the automatic reply that came last was filed first.
    """
    shown = worked.clerkd("log", "--config", str(worked.config))
    assert shown.returncode == 0, shown.stderr
    order = [shown.stdout.index(subject) for subject in ("URGENT", "Opening hours", "Away")]
    assert order == sorted(order)
    for word in ("question", "draft", "escalated", "held", "automated"):
        assert word in shown.stdout


@pytest.mark.parametrize(
    ("options", "subjects"),
    [
        (["--category", "question"], ["Opening hours"]),
        (["--person", "bo@tern"], ["URGENT: all is down"]),
        (["--person", "TERN.EXAMPLE"], ["URGENT: all is down"]),
        (["--state", "held"], ["Two of us"]),
        (["--search", "opening"], ["Opening hours"]),
        (["--search", "open hour"], ["Opening hours"]),
        (["--search", "pening"], []),
        (["--search", " ", "--limit", "1"], ["URGENT: all is down"]),
        (["--limit", "1"], ["URGENT: all is down"]),
        (["--since", "1h", "--category", "outage"], ["URGENT: all is down"]),
        (["--since", "2999-01-01"], []),
    ],
)
def test_log_filters(worked: Bed, options: list[str], subjects: list[str]) -> None:
    """Each option narrows the log to what it names."""
    shown = worked.clerkd("log", "--config", str(worked.config), "--json", *options)
    assert [json.loads(line)["subject"] for line in shown.stdout.splitlines()] == subjects


def test_log_show_tells_everything_about_one_mail(worked: Bed) -> None:
    """The mail as the model saw it, reason, tools, actions, session, turn, model, tokens, dollars and seconds."""
    shown = worked.clerkd("log", "show", "1", "--config", str(worked.config)).stdout
    for words in ("When do you open on Saturdays", "Stand-in rule", "decide", "draft", "sent", "session", "turn 1"):
        assert words in shown
    for words in ("claude-sonnet-5", "tokens:", "$0.0", " s"):
        assert words in shown


def test_log_show_gives_json(worked: Bed) -> None:
    """With --json, one object holds the decision and all turns."""
    shown = json.loads(worked.clerkd("log", "show", "1", "--json", "--config", str(worked.config)).stdout)
    assert shown["category"] == "question"
    assert shown["turns"][0]["prompt"].count("When do you open on Saturdays") == 1
    assert shown["case_cost_usd"] == pytest.approx(shown["turns"][0]["cost_usd"], abs=1e-6)
    assert shown["case_cost_usd"] > 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("authenticity", "not authenticated"),
        ("placement", "nothing in it leads to a known case"),
        ("removed", ["1 zero-width character in the text"]),
        ("feedback", []),
    ],
)
def test_log_show_tells_how_a_mail_was_read(worked: Bed, key: str, value: object) -> None:
    """Whether its domain vouches for it, why it is in its case, what was taken out, and what became of its draft."""
    shown = json.loads(worked.clerkd("log", "show", "1", "--json", "--config", str(worked.config)).stdout)
    assert shown[key] == value


def test_log_show_lays_out_how_a_mail_was_read(worked: Bed) -> None:
    """The same for a person's eyes, with a draft's fate in a panel beside the action."""
    action = worked.entries[0].actions[0].id or 0
    feedback.note(worked.db, Feedback(action_id=action, kind="edited", detail="+At nine.", noted_at=datetime.now(UTC)))
    said = worked.clerkd("log", "show", "1", "--config", str(worked.config)).stdout
    shown = " ".join(said.split())
    told = (
        "Case 1: nothing in it leads to a known case",
        "Authenticity not authenticated",
        "Removed 1 zero-width character in the text",
        f"action {action}: edited, noted",
        "+At nine.",
    )
    assert [words for words in told if words not in shown] == []


def test_log_show_of_an_unknown_number_says_so(worked: Bed) -> None:
    """A number that is not there is named, with where the numbers are to be found."""
    shown = worked.clerkd("log", "show", "99", "--config", str(worked.config))
    assert shown.returncode == 2
    assert "there is no message 99" in shown.stderr


@pytest.mark.exhaustive
def test_log_follow_prints_what_comes(bed: Bed) -> None:
    """A decision made while the log is followed appears."""
    bed.server.deliver(mail("First"))
    bed.work(1)
    follower = bed.start("-m", "daemon", "log", "--follow", "--json", "--config", str(bed.config))
    try:
        wait_for(lambda: "First" in bed.log_text, what="the first decision")
        bed.server.deliver(mail("Second", sender="Bo Tern <bo@tern.example>"))
        bed.work(2)
        wait_for(lambda: "Second" in bed.log_text, what="the second decision")
    finally:
        end(follower)


@pytest.mark.parametrize("words", ["yesterday", "5y", "2026-13-01"])
def test_log_refuses_a_since_that_is_no_time(words: str) -> None:
    """The error shows what was given and what is allowed."""
    with pytest.raises(FatalError, match="is no time: give"):
        parse_since(words)


def test_log_takes_a_date_as_the_readers_own(worked: Bed) -> None:
    """A date without a zone is read in the local zone."""
    assert worked.root.exists()
    assert parse_since("2026-11-21T00:00:00+00:00") == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("option", ["--search", "--person"])
def test_log_refuses_a_search_without_a_word(worked: Bed, option: str) -> None:
    """Signs are not looked for: it would find nothing, and look as if there were nothing."""
    shown = worked.clerkd("log", option, "%@", "--config", str(worked.config))
    assert shown.returncode == 2
    said = f"{option} '%@' holds no word: signs alone are not looked for, give letters or digits"
    assert said in " ".join(shown.stderr.split())


def test_log_refuses_an_unknown_state(worked: Bed) -> None:
    """The error lists the states that there are."""
    shown = worked.clerkd("log", "--state", "lost", "--config", str(worked.config))
    assert shown.returncode == 2
    assert "received, screened, asking, decided, waiting, done, escalated, held, failed" in shown.stderr


def test_status_counts_what_waits_for_a_person_and_exits_with_1(worked: Bed) -> None:
    """Held and escalated mails are listed by number and reason; the exit code says that a person is needed."""
    shown = worked.clerkd("status", "--config", str(worked.config))
    assert shown.returncode == 1
    assert "not running" in shown.stdout
    assert "2 for a person" in shown.stdout
    assert "ambiguous" in shown.stdout


@pytest.mark.exhaustive
def test_status_of_a_healthy_running_service_exits_with_0(bed: Bed) -> None:
    """At work, nothing paused, nobody needed: 0, also as JSON."""
    process = bed.start()
    try:
        wait_for(lambda: "started" in bed.log_text, what="the start")
        shown = bed.clerkd("status", "--json", "--config", str(bed.config))
        assert shown.returncode == 0, shown.stdout
        status = json.loads(shown.stdout)
        assert (status["running"], status["well"], status["pid"]) == (True, True, process.pid)
    finally:
        end(process)


@pytest.mark.exhaustive
def test_status_says_how_it_stands_with_each_watched_folder(bed: Bed) -> None:
    """One line a folder: since when it can be read, how new mail is noticed, when it was last seen, the last error."""
    bed.sections["mailbox"] = 'watch = ["INBOX", "Nowhere"]'
    process = bed.start()
    try:
        wait_for(lambda: "first_start" in bed.log_text and "paused" in bed.log_text, what="a look at both folders")
        wait_for(lambda: [row.heard_at is None for row in connections.every(bed.db)] == [False, True], what="the notes")
        shown = bed.clerkd("status", "--config", str(bed.config)).stdout
        kept = json.loads(bed.clerkd("status", "--json", "--config", str(bed.config)).stdout)["connections"]
    finally:
        end(process)
    nowhere, inbox = sorted((line for line in shown.splitlines() if "connected " in line), reverse=True)
    assert re.fullmatch(r"connected .* INBOX; since .*, the server tells of new mail; last seen [^;]*", inbox)
    assert re.match(r"not connected .* Nowhere; last seen -; last error .*: the folder 'Nowhere' cannot", nowhere)
    assert [(row["folder"], row["pushes"]) for row in kept] == [("INBOX", True), ("Nowhere", False)]


def test_status_of_a_service_that_does_not_run_shows_no_connections(worked: Bed) -> None:
    """What they were when it ended says nothing of now."""
    shown = json.loads(worked.clerkd("status", "--json", "--config", str(worked.config)).stdout)
    assert (shown["running"], shown["connections"]) == (False, [])


@pytest.mark.exhaustive
def test_status_shows_a_pause_of_the_running_service(bed: Bed) -> None:
    """A refused key is one clear line in the status, with the next try."""
    bed.faults.always = 401
    bed.server.deliver(mail("Opening hours"))
    process = bed.start()
    try:
        wait_for(lambda: "paused" in bed.log_text, what="the pause")
        shown = bed.clerkd("status", "--config", str(bed.config))
        assert shown.returncode == 1
        assert "paused model" in shown.stdout
        assert "key" in shown.stdout
    finally:
        end(process)


@pytest.mark.exhaustive
def test_requeue_puts_a_held_mail_to_the_model_while_the_daemon_runs(bed: Bed) -> None:
    """The command leaves an order, the daemon carries it out between two turns, the mail is worked."""
    bed.faults.poison, bed.faults.always = "Unlucky", 400
    bed.server.deliver(mail("Unlucky"))
    process = bed.start()
    try:
        wait_for(lambda: bed.through(1), what="the failure")
        bed.faults.always = None
        shown = bed.clerkd("requeue", "1", "--config", str(bed.config))
        assert (shown.returncode, shown.stdout) == (0, "message 1 is queued again\n")
        wait_for(lambda: bed.state_of(1) == "done", what="the second try")
    finally:
        end(process)


def test_requeue_works_without_a_daemon(worked: Bed) -> None:
    """With no daemon, the command takes the lock and carries the order out itself."""
    shown = worked.clerkd("requeue", "3", "--config", str(worked.config))
    assert shown.returncode == 0, shown.stderr
    assert worked.state_of(3) == "received"
    assert worked.clerkd("requeue", "3", "--config", str(worked.config)).returncode == 2


def test_done_closes_an_escalated_mail(worked: Bed) -> None:
    """A person's word ends the waiting; a mail that is done already is refused."""
    shown = worked.clerkd("done", "2", "--config", str(worked.config))
    assert shown.returncode == 0, shown.stderr
    assert worked.entries[1].message.state == "done"
    again = worked.clerkd("done", "2", "--config", str(worked.config))
    assert again.returncode == 2
    assert "message 2 is done" in again.stderr


def test_an_order_with_an_impossible_number_ends_no_daemon(worked: Bed) -> None:
    """Such an order, left in the database by whatever means, is refused instead of ending every start."""
    number = service.leave_order(worked.db, "requeue", "9" * 30, "waiting", datetime.now(UTC))
    obey(worked.db, lambda: datetime.now(UTC))
    order = service.order(worked.db, number)
    assert order
    assert order.state == "refused"


@pytest.mark.parametrize("command", ["requeue", "done"])
def test_an_order_for_an_unknown_message_is_refused(worked: Bed, command: str) -> None:
    """The refusal names the number and where to look."""
    shown = worked.clerkd(command, "99", "--config", str(worked.config))
    assert shown.returncode == 2
    assert "there is no message 99" in shown.stderr


def test_check_says_one_line_for_each_thing_that_works(worked_once: Bed) -> None:
    """Config, state, mailbox, drafts, key and session: all ok, exit 0."""
    shown = worked_once.clerkd("check", "--config", str(worked_once.config))
    assert shown.returncode == 0, shown.stdout
    lines = shown.stdout.splitlines()
    assert [line.split(":")[0].split(maxsplit=1) for line in lines] == [
        ["ok", name] for name in ("config", "state directory", "mailbox", "drafts folder", "API key", "session")
    ]


@pytest.mark.parametrize(
    ("section", "line", "told"),
    [
        ("mailbox", "port = 1", "mailbox: the mailbox at 127.0.0.1:1 is out of reach"),
        ("mailbox", 'watch = ["Nowhere"]', "mailbox: the folder 'Nowhere' cannot be opened"),
        (
            "mailbox",
            'password = { env = "NOT_SET_ANYWHERE" }',
            "mailbox: the secret from env NOT_SET_ANYWHERE is empty",
        ),
        ("model", 'base_url = "http://127.0.0.1:1"', "API key: the API at 127.0.0.1:1 does not answer"),
        (
            "model",
            'api_key = { file = "/nonexistent/key" }',
            "API key: the secret from file /nonexistent/key cannot be read",
        ),
    ],
)
def test_check_says_what_fails_and_exits_with_1(bed: Bed, section: str, line: str, told: str) -> None:
    """Each failure is one line that names the part and what is wrong with it; the other lines are still tried."""
    bed.sections[section] = line
    shown = bed.clerkd("check", "--config", str(bed.config))
    assert shown.returncode == 1
    assert f"FAIL  {told}" in shown.stdout
    assert shown.stdout.count("\n") == 6


@pytest.mark.exhaustive
def test_check_tries_the_submission_server_where_one_is_configured(bed: Bed) -> None:
    """A refused SMTP password is told; a right one is ok."""
    port = bed.server.smtp_port  # type: ignore[attr-defined]
    text = bed.config.read_text()
    smtp = f'\n[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nuser = "support@harbourpine.example"\n'
    good, bad = bed.root / "good.toml", bed.root / "bad.toml"
    (bed.root / "wrong").write_text("wrong")
    good.write_text(f'{text}{smtp}password = {{ file = "{bed.root}/mailbox-password" }}\n')
    bad.write_text(f'{text}{smtp}password = {{ file = "{bed.root}/wrong" }}\n')
    assert "ok    SMTP" in bed.clerkd("check", "--config", str(good)).stdout
    shown = bed.clerkd("check", "--config", str(bad))
    assert shown.returncode == 1
    assert "does not accept the password" in shown.stdout


@pytest.mark.exhaustive
def test_check_finds_a_session_that_cannot_be_resumed(bed: Bed) -> None:
    """A transcript that is gone is found by check before the daemon meets it."""
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    assert "can be resumed" in bed.clerkd("check", "--config", str(bed.config)).stdout
    for transcript in bed.state.agent.rglob("*.jsonl"):
        transcript.unlink()
    shown = bed.clerkd("check", "--config", str(bed.config))
    assert shown.returncode == 1
    assert "its transcript is missing" in shown.stdout


SESSION = [["session", "list"], ["session", "show", "1"], ["session", "compact"], ["session", "rotate"],
           ["session", "rollback", "1"], ["replay", "--ids", "1", "--with", "/dev/null"]]  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "command", [["log"], ["log", "show", "1"], ["status"], ["requeue", "1"], ["done", "1"], *SESSION]
)
def test_a_command_before_the_first_start_says_that_there_is_no_database(bed: Bed, command: list[str]) -> None:
    """No traceback, but where the database would be and what creates it."""
    shown = bed.clerkd(*command, "--config", str(bed.config))
    assert shown.returncode == 2
    assert "there is no knowledge database" in shown.stderr


@pytest.mark.parametrize(
    "command", [["run"], ["check"], ["log"], ["status"], ["requeue", "1"], ["done", "1"], *SESSION]
)
def test_a_command_without_a_config_says_how_to_write_one(tmp_path: Path, bed: Bed, command: list[str]) -> None:
    """The error names the missing file and `clerkd init`."""
    shown = bed.clerkd(*command, "--config", str(tmp_path / "none.toml"))
    assert shown.returncode == 2
    assert "clerkd init" in shown.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["requeue"],
        ["requeue", "one"],
        ["log", "--limit", "0"],
        ["frobnicate"],
        ["run", "--fast"],
        ["session", "show"],
        ["session", "rollback", "one"],
        ["session", "rollback", "0"],
        ["session", "frobnicate"],
        ["replay", "--case", "0"],
        ["replay", "--parallel", "0"],
    ],
)
def test_a_wrong_call_is_refused_with_the_usage(bed: Bed, arguments: list[str]) -> None:
    """Missing or wrong arguments end with 2 and the command's usage, never a traceback."""
    shown = bed.clerkd(*arguments)
    assert shown.returncode == 2
    assert "Usage" in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "command", ["demo", "init", "check", "run", "status", "log", "read", "requeue", "done", "session", "replay"]
)
def test_every_command_has_help_with_an_example(bed: Bed, command: str) -> None:
    """Each help page shows how the command is used."""
    shown = bed.clerkd(command, "--help")
    assert shown.returncode == 0
    assert "Example" in shown.stdout


def test_a_mail_cannot_steer_the_terminal(bed: Bed) -> None:
    """Escape sequences in subject, sender or text do not reach the terminal, nor does rich's own markup work."""
    bed.server.deliver(mail("=?utf-8?q?=1b[31mRED_[bold]x[/bold]?=", body="\x1b]0;title\x07 [red]hello[/red]?"))
    bed.work(1)
    shown = (
        bed.clerkd("log", "show", "1", "--config", str(bed.config)).stdout
        + bed.clerkd("log", "--config", str(bed.config)).stdout
    )
    assert "\x1b" not in shown
    assert "[red]hello[/red]" in shown
