"""What goes wrong around a turn, and what the service makes of it."""

import json
import time

import pytest

from daemon.agent.tools import ALLOWED
from daemon.agent.turn import Reply
from daemon.judgement.money import Prices, Usage
from daemon.judgement.retry import Failure, FailureKind
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import Answer, Body, text, tool_use
from daemon.rehearsal.rules import DECIDE, decide
from daemon.steps.ask import charge
from knowledge import decisions, ledger, service, sessions, turns
from tests.bed import PASSWORD, USER, Bed, mail, prompts_in_transcript, settled_prompts, subjects_in_last_request

OUTAGES = [
    429,
    "cut",
    *(pytest.param(fault, marks=pytest.mark.exhaustive) for fault in (401, 402, 500, 529, "silence")),
]
TOOLS = ["Bash", "mcp__other__send"]
MORE_TOOLS = ["Read", "Write", "WebFetch", "Agent", "Task"]
GOOD = {
    "category": "question",
    "priority": "normal",
    "summary": "s",
    "reason": "r",
    "confidence": 1,
    "actions": [{"kind": "none"}],
}


def names(events: list[dict[str, object]]) -> list[object]:
    """Give the events' names."""
    return [event["event"] for event in events]


@pytest.mark.parametrize(
    ("failure", "heard", "unheard", "dollars"),
    [
        (None, 1_000_000, 0, 3.0),
        (Failure(FailureKind.NO_DECISION, ""), 1_000_000, 0, 3.0),  # all its calls have been heard of
        (Failure(FailureKind.UNAVAILABLE, ""), 0, 0, 5.0),  # nobody says what the call took
        (Failure(FailureKind.SILENCE, ""), 1_000_000, 1, 5.0),  # one was on its way
        (Failure(FailureKind.ENGINE, ""), 2_000_000, 1, 6.0),
        (Failure(FailureKind.AUTHENTICATION, ""), 0, 1, 0.0),  # a call that is refused costs nothing
    ],
)
def test_a_turn_that_breaks_off_is_charged_with_what_was_reserved(
    failure: Failure | None, heard: int, unheard: int, dollars: float
) -> None:
    """Where a call was on its way, what has been heard of its turn is the least that it cost."""
    reply = Reply(Usage(input_tokens=heard), 1.0, (), (), failure=failure, whole=not unheard)
    assert charge(reply, failure, Prices(3.0, 15.0, 0.3, 3.75), 5.0) == dollars


@pytest.mark.parametrize("fault", OUTAGES)
def test_an_outage_pauses_the_work_counts_against_no_message_and_ends_by_itself(bed: Bed, fault: int | str) -> None:
    """Whatever keeps the API from answering: one pause, the turn leaves no trace, and the mail is worked after it."""
    bed.sections["model"] = "turn_seconds = 2"
    bed.server.deliver(mail("First"))
    bed.server.deliver(mail("Second", sender="Bo Tern <bo@tern.example>"))
    bed.faults.coming = ["ok", "ok", fault]
    events = bed.work(2)
    assert names(events).count("paused") == 1
    assert names(events).count("resumed") == 1
    assert [entry.message.state for entry in bed.entries] == ["done", "done"]
    assert [entry.message.attempts for entry in bed.entries] == [1, 1]
    assert subjects_in_last_request(bed) == ["First", "Second"]
    assert prompts_in_transcript(bed) == settled_prompts(bed)


@pytest.mark.exhaustive
def test_an_account_out_of_credit_is_told_apart_from_a_bad_request(bed: Bed) -> None:
    """The API answers 400 for an empty account; that is a pause, not the mail's fault."""
    bed.faults.coming = [400]
    bed.faults.words = "Your credit balance is too low to access the Anthropic API."
    bed.server.deliver(mail("Opening hours"))
    events = bed.work(1)
    assert [event["kind"] for event in events if event["event"] == "paused"] == ["credit"]
    assert bed.entries[0].message.state == "done"


@pytest.mark.exhaustive
def test_a_pause_is_visible_in_the_database_while_it_lasts(bed: Bed) -> None:
    """While the model is out of reach, the part model stands as paused, with kind, reason and the next try."""
    bed.faults.always = 401
    bed.server.deliver(mail("Opening hours"))
    bed.run(lambda db: any(row.paused and row.tries > 1 for row in service.conditions(db)))
    (paused,) = [row for row in service.conditions(bed.db) if row.paused]
    assert (paused.part, paused.kind) == ("model", "authentication")
    assert "key" in paused.reason
    assert paused.retry_at


@pytest.mark.exhaustive
def test_a_bad_request_fails_that_message_and_the_next_goes_on(bed: Bed) -> None:
    """A request that the API calls invalid will never work: FAILED with the reason, and no other mail waits."""
    bed.faults.poison, bed.faults.always = "BAD", 400
    bed.server.deliver(mail("BAD"))
    bed.server.deliver(mail("Good", sender="Bo Tern <bo@tern.example>"))
    bed.work(2)
    assert [entry.message.state for entry in bed.entries] == ["failed", "done"]
    assert "refused" in bed.entries[0].message.reason
    assert subjects_in_last_request(bed) == ["Good"]


@pytest.mark.exhaustive
def test_a_prompt_that_is_too_long_goes_on_in_a_fresh_session_that_is_briefed(bed: Bed) -> None:
    """When the conversation no longer fits, a successor begins with what was decided, and the mail is asked again."""
    bed.server.deliver(mail("First"))
    bed.server.deliver(mail("Second", sender="Bo Tern <bo@tern.example>"))
    bed.faults.coming = ["ok", "ok", 400]
    bed.faults.words = "prompt is too long: 210000 tokens > 200000 maximum"
    bed.work(2)
    assert [entry.message.state for entry in bed.entries] == ["done", "done"]
    assert len(sessions.chain(bed.db)) == 2
    assert subjects_in_last_request(bed) == ["Second"]
    assert "First" in (bed.entries[1].turn.prompt if bed.entries[1].turn else "")


@pytest.mark.exhaustive
def test_a_mail_too_long_even_for_a_fresh_session_is_held(bed: Bed) -> None:
    """A mail that does not fit alone is not tried for ever."""
    bed.faults.always = 400
    bed.faults.words = "prompt is too long: 210000 tokens > 200000 maximum"
    bed.server.deliver(mail("Endless"))
    bed.work(1)
    assert bed.entries[0].message.state == "held"


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", [500, "silence"])
def test_a_mail_that_brings_the_outage_about_cannot_block_the_others(bed: Bed, fault: int | str) -> None:
    """A mail that fails whenever it is asked is found out by the others that pass, and held after three attempts."""
    bed.sections["model"] = "turn_seconds = 1"
    bed.faults.poison, bed.faults.always = "POISON", fault
    bed.server.deliver(mail("Before", sender="Cy Vane <cy@vane.example>"))
    bed.server.deliver(mail("POISON"))
    for number in range(5):
        bed.server.deliver(mail(f"After {number}", sender="Bo Tern <bo@tern.example>"))
    bed.work(7)
    states = {entry.message.subject: entry.message.state for entry in bed.entries}
    assert states.pop("POISON") == "held"
    assert set(states.values()) == {"done"}


@pytest.mark.exhaustive
def test_a_retry_waits_while_other_cases_pass_but_its_own_case_waits_too(bed: Bed) -> None:
    """A message that is tried again later holds back only the messages of its own case."""
    bed.sections["retry"] = "first_pause_seconds = 1.5\nlongest_pause_seconds = 1.5"
    bed.sections["limits"] = "dollars_per_turn = 0.002"
    bed.model.rules = lambda body: _costly_once(bed, body)
    bed.server.deliver(mail("Dear", Message_ID="<one@quill.example>"))
    bed.server.deliver(mail("Re: Dear", In_Reply_To="<one@quill.example>"))
    bed.server.deliver(mail("Other", sender="Bo Tern <bo@tern.example>"))
    bed.sections["limits"] = "dollars_per_turn = 0.05"
    bed.work(3)
    settled = [turn.message_id for turn in turns.in_state(bed.db, "settled")]
    assert settled == [3, 1, 2]


def _costly_once(bed: Bed, body: Body) -> Answer:
    """Answer the first request with more text than the turn may cost."""
    if len(bed.model.seen) == 1:
        return Answer((text("word " * 40_000),))
    return decide(body)


def test_a_turn_without_a_decision_is_asked_once_more(bed: Bed) -> None:
    """A model that only talks is reminded once; its decision then counts, and the log says what happened."""
    bed.model.rules = lambda body: Answer((text("Hm."),)) if len(bed.model.seen) == 1 else _after_reminder(body)
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    (entry,) = bed.entries
    assert entry.message.state == "done"
    assert entry.turn
    assert entry.turn.notes == ["the turn ended without a decision and was asked once more"]


def _after_reminder(body: Body) -> Answer:
    if "decision is recorded" in json.dumps(body["messages"][-2:]):
        return Answer((text("Done."),))
    return Answer((tool_use(DECIDE, GOOD),))


@pytest.mark.exhaustive
def test_a_turn_that_never_decides_is_dropped_and_held_and_the_next_goes_on(bed: Bed) -> None:
    """Twice without a decision: the message is HELD, its turn leaves the transcript, and the next mail is worked."""
    bed.model.rules = lambda body: Answer((text("Hm."),)) if "MUTE" in json.dumps(body) else decide(body)
    bed.server.deliver(mail("First", sender="Cy Vane <cy@vane.example>"))
    bed.server.deliver(mail("MUTE"))
    bed.server.deliver(mail("Third", sender="Bo Tern <bo@tern.example>"))
    bed.work(3)
    assert [entry.message.state for entry in bed.entries] == ["done", "held", "done"]
    assert subjects_in_last_request(bed) == ["First", "Third"]
    assert prompts_in_transcript(bed) == settled_prompts(bed)


def test_a_wrong_call_is_answered_so_that_the_model_can_correct_itself(bed: Bed) -> None:
    """A decision with an unknown folder is refused with what is allowed; the corrected one counts."""
    wrong = {**GOOD, "actions": [{"kind": "move", "folder": "Trash"}]}
    bed.sections["mailbox"] = 'folders = ["Archive"]'

    def rules(body: Body) -> Answer:
        spoken = json.dumps(body["messages"][-2:])
        if "decision is recorded" in spoken:
            return Answer((text("Done."),))
        return Answer((tool_use(DECIDE, GOOD if "was not accepted" in spoken else wrong),))

    bed.model.rules = rules
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    assert bed.entries[0].message.state == "done"
    assert "allowed: Archive" in json.dumps(bed.model.seen[1])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"confidence": 3}, "confidence|maximum", marks=pytest.mark.exhaustive),
        ({"category": "gossip"}, "gossip"),
        ({"actions": [{"kind": "none"}, {"kind": "flag"}]}, "stands alone"),
        pytest.param({"actions": [{"kind": "draft"}]}, "body", marks=pytest.mark.exhaustive),
        pytest.param({"actions": []}, "actions|non-empty", marks=pytest.mark.exhaustive),
        pytest.param({"recipient": "eve@evil.example"}, "recipient", marks=pytest.mark.exhaustive),
    ],
)
def test_each_kind_of_wrong_decision_is_told_what_is_wrong(bed: Bed, change: dict[str, object], told: str) -> None:
    """The tool's answer names the field, so that the model can correct itself."""

    def rules(body: Body) -> Answer:
        spoken = json.dumps(body["messages"][-2:])
        if "decision is recorded" in spoken:
            return Answer((text("Done."),))
        corrected = "tool_result" in spoken and "is_error" in spoken
        return Answer((tool_use(DECIDE, GOOD if corrected else {**GOOD, **change}),))

    bed.model.rules = rules
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    answer = json.dumps(bed.model.seen[1]["messages"])
    assert any(word in answer for word in told.split("|"))
    assert bed.entries[0].message.state == "done"


@pytest.mark.exhaustive
def test_a_second_decision_replaces_the_first_and_is_noted(bed: Bed) -> None:
    """The last valid call of decide counts; the turn's notes say that there were two."""

    def rules(body: Body) -> Answer:
        recorded = json.dumps(body["messages"]).count("decision is recorded")
        if recorded == 2:
            return Answer((text("Done."),))
        category = ("complaint", "invoice")[recorded]
        return Answer((tool_use(DECIDE, {**GOOD, "category": category}),))

    bed.model.rules = rules
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    (entry,) = bed.entries
    assert entry.decision
    assert entry.turn
    assert (entry.decision.category, entry.turn.notes) == ("invoice", ["a second call of decide replaced the first"])


@pytest.mark.parametrize("tool", [*TOOLS, *(pytest.param(tool, marks=pytest.mark.exhaustive) for tool in MORE_TOOLS)])
def test_no_tool_but_ours_ever_runs(bed: Bed, tool: str) -> None:
    """A model that calls a built-in tool by name gets an error and no effect; the turn still ends in a decision."""
    victim = bed.root / "touched"
    arguments = {
        "command": f"touch {victim}",
        "file_path": str(victim),
        "content": "x",
        "prompt": "x",
        "url": "http://127.0.0.1:1",
    }

    def rules(body: Body) -> Answer:
        spoken = json.dumps(body["messages"][-2:])
        if "decision is recorded" in spoken:
            return Answer((text("Done."),))
        if "is_error" in spoken:
            return Answer((tool_use(DECIDE, GOOD),))
        return Answer((tool_use(tool, arguments),))

    bed.model.rules = rules
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    assert not victim.exists()
    assert bed.entries[0].message.state == "done"
    offered = {item["name"] for item in bed.model.seen[0]["tools"]}
    assert offered == set(ALLOWED)


@pytest.mark.exhaustive
def test_a_mail_full_of_commands_and_mentions_is_only_text(bed: Bed) -> None:
    """Slash commands and @-mentions in a mail are neither run nor expanded."""
    secret = bed.root / "secret.txt"
    secret.write_text("the word is XYLOPHONE")
    bed.server.deliver(mail("/compact", body=f"/clear\n@{secret}\n/model opus?\n"))
    bed.work(1)
    assert "XYLOPHONE" not in json.dumps(bed.model.seen)
    assert bed.entries[0].message.state == "escalated"
    assert f"@{secret}" in json.dumps(bed.model.seen[0])


@pytest.mark.exhaustive
def test_a_cap_on_dollars_stops_the_work_before_the_next_turn(bed: Bed) -> None:
    """When the next turn's reservation could break the cap of the day, it is not begun; the part budget is paused."""
    bed.sections["limits"] = "dollars_per_turn = 0.5\ndollars_per_day = 0.501"
    bed.server.deliver(mail("First"))
    bed.server.deliver(mail("Second", sender="Bo Tern <bo@tern.example>"))
    asked: list[bool] = []

    def until(_db: object) -> bool:
        asked.extend(row.paused for row in service.conditions(bed.db) if row.part == "budget")
        return asked.count(True) > 60

    bed.run(until)
    assert [turn.message_id for turn in turns.in_state(bed.db, "settled")] == [1]
    (paused,) = [row for row in service.conditions(bed.db) if row.paused]
    assert "dollars_per_day" in paused.reason
    assert paused.tries == 1


@pytest.mark.exhaustive
def test_a_mailbox_that_is_down_pauses_intake_and_ends_by_itself(bed: Bed) -> None:
    """While the mail server is away the part mailbox is paused; when it is back, its mail is worked."""
    with MailServer(USER, PASSWORD) as gone:
        port = gone.imap_port
    bed.server.imap_port = port
    back: list[MailServer] = []

    def revive_when_paused(_db: object) -> bool:
        paused = [row for row in service.conditions(bed.db) if row.paused]
        if paused and not back:
            assert paused[0].part.startswith("mailbox ")
            back.append(MailServer(USER, PASSWORD, port).__enter__())
            back[0].deliver(mail("Opening hours"))
        return bool(back) and any(entry.message.state == "done" for entry in decisions.log(bed.db, decisions.Filter()))

    events = bed.run(revive_when_paused)
    back[0].__exit__()
    assert names(events).count("paused") == 1
    assert names(events).count("resumed") == 1


def test_a_wrong_password_of_the_mailbox_is_one_clear_pause(bed: Bed) -> None:
    """The reason names server and user, and never the password."""
    config = bed.config
    (bed.root / "wrong").write_text("not-the-password")
    bed.sections["mailbox"] = f'password = {{ file = "{bed.root}/wrong" }}'
    assert config.exists()
    bed.run(lambda db: any(row.paused for row in service.conditions(db)))
    (paused,) = [row for row in service.conditions(bed.db) if row.paused]
    assert "does not accept the password" in paused.reason
    assert "not-the-password" not in paused.reason


@pytest.mark.exhaustive
def test_a_mail_that_the_library_stumbles_over_stops_nobody(bed: Bed) -> None:
    """An attached mail whose header cannot be written again was once the end of the daemon, at every start."""
    inner = b"From: a@b.example\r\nSubject: a\x0cfoo: b\r\n\r\ninner\r\n"
    head = b"From: Ada <ada@quill.example>\r\nSubject: Wicked\r\nContent-Type: multipart/mixed; boundary=x\r\n"
    wicked = head + b"\r\n--x\r\n\r\nWhen?\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--x--\r\n"
    bed.server.deliver(mail("Before", sender="Cy Vane <cy@vane.example>"))
    bed.server.deliver(wicked)
    bed.server.deliver(mail("After", sender="Bo Tern <bo@tern.example>"))
    bed.work(3)
    assert [entry.message.state for entry in bed.entries] == ["done", "done", "done"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("words", ["You have reached your specified API usage limits.", "Your credit balance is low"])
def test_a_limit_of_the_account_pauses_the_work_and_fails_no_mail(bed: Bed, words: str) -> None:
    """The API says 400 for both; neither is the mail's fault."""
    bed.faults.always, bed.faults.words = 400, words
    bed.server.deliver(mail("Opening hours"))
    bed.run(lambda db: any(row.paused for row in service.conditions(db)))
    assert bed.state_of(1) == "screened"


@pytest.mark.exhaustive
def test_a_flag_that_the_server_refuses_holds_the_message_and_pauses_nothing(bed: Bed) -> None:
    """A refused command is told apart from an unreachable mailbox; the draft before it is kept."""
    bed.sections["mailbox"] = 'handled_flag = "a(b"'
    bed.server.deliver(mail("Opening hours"))
    events = bed.work(1)
    assert "paused" not in names(events)
    (entry,) = bed.entries
    assert (entry.message.state, [action.state for action in entry.actions]) == ("held", ["sent", "held", "sent"])
    assert "cannot be set" in entry.message.reason


@pytest.mark.exhaustive
def test_a_message_held_for_its_draft_is_flagged_and_stays_where_it_was(real_bed: Bed) -> None:
    r"""The move behind a held draft waits too, the mail gets \Flagged, and a requeue carries both out."""
    real_bed.sections["mailbox"] = 'drafts = "No/Such/Folder"\nhandled_folder = "Done"'
    real_bed.server.deliver(mail("Opening hours"))
    real_bed.work(1)
    assert real_bed.state_of(1) == "held"
    with real_bed.imap() as client:
        assert len(client.search("FLAGGED")) == 1
    real_bed.sections["mailbox"] = 'handled_folder = "Done"'
    assert real_bed.clerkd("requeue", "1", "--config", str(real_bed.config)).returncode == 0
    real_bed.work(1)
    assert real_bed.state_of(1) == "done"
    assert len(real_bed.mails_in("Done")) == 1


@pytest.mark.exhaustive
def test_an_action_whose_content_was_changed_is_not_carried_out(bed: Bed) -> None:
    """What goes out is what was decided, to the byte: a row edited in the database is held."""
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    with bed.db.write() as session:
        session.connection().exec_driver_sql("UPDATE actions SET content = X'666f72676564', state = 'planned'")
        session.connection().exec_driver_sql("UPDATE messages SET state = 'decided'")
    bed.work(1)
    (entry,) = bed.entries
    assert entry.message.state == "held"
    assert entry.actions[0].reason == "its content is not what was decided"


@pytest.mark.exhaustive
def test_a_folder_numbered_anew_repeats_nothing_and_leaves_old_mail_alone(real_bed: Bed) -> None:
    """After a change of UIDVALIDITY known mails get their new place, older ones stay untouched, new ones are worked."""
    real_bed.sections["mailbox"] = 'since = "new"'
    real_bed.server.deliver(mail("Before the first start"))
    real_bed.run(lambda db: ledger.cursor(db, f"{USER}@127.0.0.1", "INBOX") is not None)
    time.sleep(1.1)  # INTERNALDATE counts in seconds
    real_bed.server.deliver(mail("Known", sender="Bo Tern <bo@tern.example>"))
    real_bed.work(1)
    with real_bed.imap() as client:
        kept = [item[b"BODY[]"] for item in client.fetch(client.search("ALL"), ["BODY.PEEK[]"]).values()]
        dates = [item[b"INTERNALDATE"] for item in client.fetch(client.search("ALL"), ["INTERNALDATE"]).values()]
        client.create_folder("Rebuilt")
        for raw, date in zip(kept, dates, strict=True):
            client.append("Rebuilt", raw, msg_time=date)
    real_bed.sections["mailbox"] = 'since = "new"\nwatch = ["Rebuilt"]'
    with real_bed.db.write() as session:  # the same folder under another number, as a rebuilt server shows it
        session.connection().exec_driver_sql("UPDATE cursors SET folder = 'Rebuilt'")
        session.connection().exec_driver_sql("UPDATE messages SET folder = 'Rebuilt'")
    real_bed.run(lambda db: ledger.cursor(db, f"{USER}@127.0.0.1", "Rebuilt").last_uid >= 2)  # type: ignore[union-attr]
    assert [entry.message.subject for entry in real_bed.entries] == ["Known"]
    assert len(real_bed.mails_in("Entwürfe")) == 1
