"""The main job on the real engine: mail in, decision logged, answer drafted."""

import email
import email.policy

import pytest

from daemon.judgement.states import SessionState
from knowledge import sessions
from tests.bed import (
    PASSWORD,
    Bed,
    end,
    mail,
    prompts_in_transcript,
    settled_prompts,
    subjects_in_last_request,
    wait_for,
)


def test_it_decides_on_a_mail_and_stores_a_draft(bed: Bed) -> None:
    """One mail becomes one decision and one draft, and the ledger says done."""
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    (entry,) = bed.entries
    assert entry.decision
    assert (entry.message.state, entry.decision.category) == ("done", "question")
    assert [(action.kind, action.state) for action in entry.actions] == [("draft", "sent")]
    assert len(bed.mails_in("Drafts")) == 1


def test_the_draft_carries_threading_headers_and_the_marks_of_an_automatic_reply(bed: Bed) -> None:
    """The draft answers its mail by Message-ID, says that a machine wrote it, and goes to the sender."""
    bed.server.deliver(mail("Opening hours", Message_ID="<one@quill.example>", References="<zero@quill.example>"))
    bed.work(1)
    draft = email.message_from_bytes(bed.mails_in("Drafts")[0], policy=email.policy.default)
    assert draft["In-Reply-To"] == "<one@quill.example>"
    assert draft["References"] == "<zero@quill.example> <one@quill.example>"
    assert draft["Auto-Submitted"] == "auto-replied"
    assert draft["To"] == "Ada Quill <ada@quill.example>"
    assert draft["Message-ID"] == bed.entries[0].actions[0].own_message_id


@pytest.mark.exhaustive
def test_the_draft_is_flagged_as_a_draft_and_the_mail_stays_unseen_where_it_was(bed: Bed) -> None:
    r"""The stored reply has the flag \Draft; the mail keeps its folder and is not marked as seen."""
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    with bed.imap("Drafts") as client:
        assert b"\\Draft" in client.get_flags(client.search("ALL"))[client.search("ALL")[0]]
    with bed.imap() as client:
        uids = client.search("ALL")
        assert len(uids) == 1
        assert b"\\Seen" not in client.get_flags(uids)[uids[0]]


def test_all_mails_are_worked_in_order_in_one_session(bed: Bed) -> None:
    """Three mails make three turns of one session, in the order in which they came."""
    for subject in ("First", "Second", "Third"):
        bed.server.deliver(mail(subject))
    bed.work(3)
    entries = bed.entries
    assert [entry.message.subject for entry in entries] == ["First", "Second", "Third"]
    assert len({entry.turn.session_id for entry in entries if entry.turn}) == 1
    assert prompts_in_transcript(bed) == settled_prompts(bed)
    assert len(settled_prompts(bed)) == 3


@pytest.mark.exhaustive
def test_the_request_for_the_second_mail_holds_the_first_one(bed: Bed) -> None:
    """What the model is asked about the second mail contains the first: it is one conversation."""
    bed.server.deliver(mail("The blue pump"))
    bed.server.deliver(mail("The red valve", sender="Bo Tern <bo@tern.example>"))
    bed.work(2)
    assert subjects_in_last_request(bed) == ["The blue pump", "The red valve"]


def test_an_answer_can_depend_on_an_earlier_mail_of_the_session(bed: Bed) -> None:
    """The stand-in finds the sender's earlier mail in the request itself, and its answer says so."""
    bed.server.deliver(mail("The blue pump"))
    bed.server.deliver(mail("Something else"))
    bed.work(2)
    first, second = bed.entries
    assert first.decision
    assert second.decision
    assert "The blue pump" in second.decision.summary
    assert "In this session" not in first.decision.summary


@pytest.mark.exhaustive
def test_a_second_start_resumes_the_same_session(bed: Bed) -> None:
    """After a clean stop the next mail is worked in the same session, which still holds the first."""
    bed.server.deliver(mail("Before the stop"))
    bed.work(1)
    bed.server.deliver(mail("After the stop", sender="Bo Tern <bo@tern.example>"))
    events = bed.work(2)
    assert "session_resumed" in {event["event"] for event in events}
    assert subjects_in_last_request(bed) == ["Before the stop", "After the stop"]
    assert len(sessions.chain(bed.db)) == 1


def test_a_reply_joins_the_case_of_the_mail_it_answers_and_the_model_looks_at_it(bed: Bed) -> None:
    """A follow-up is put to the model with its case, and the tool for the case is used."""
    bed.server.deliver(mail("Pump", Message_ID="<one@quill.example>"))
    bed.server.deliver(mail("Re: Pump", In_Reply_To="<one@quill.example>"))
    bed.work(2)
    first, second = bed.entries
    assert first.message.case_id == second.message.case_id
    assert second.turn
    assert second.turn.tools == ["look_at_case", "decide"]


def test_a_mail_that_a_machine_wrote_is_filed_without_the_model(bed: Bed) -> None:
    """An automatic reply becomes a decision by rule; no turn is spent and nothing is drafted."""
    bed.server.deliver(mail("Out of office", Auto_Submitted="auto-replied"))
    bed.work(1)
    (entry,) = bed.entries
    assert entry.decision
    assert (entry.message.state, entry.decision.rule, entry.turn) == ("done", "auto-submitted", None)
    assert bed.faults.calls == 0


@pytest.mark.exhaustive
def test_an_escalated_mail_is_flagged_and_waits_for_a_person(bed: Bed) -> None:
    r"""What the model escalates gets \Flagged in the mailbox and the state escalated."""
    bed.server.deliver(mail("URGENT: everything is down"))
    events = bed.work(1)
    assert bed.entries[0].message.state == "escalated"
    assert any(event["event"] == "message_escalated" and event["log_level"] == "warning" for event in events)
    with bed.imap() as client:
        assert len(client.search("FLAGGED")) == 1


@pytest.mark.exhaustive
def test_a_mail_with_two_senders_is_held_and_flagged(bed: Bed) -> None:
    r"""A mail whose sender is ambiguous never reaches the model; it is held, with a reason, and \Flagged."""
    bed.server.deliver(mail("Hello", sender="ada@quill.example, bo@tern.example"))
    bed.work(1)
    (entry,) = bed.entries
    assert entry.message.state == "held"
    assert "ambiguous" in entry.message.reason
    assert bed.faults.calls == 0
    with bed.imap() as client:
        assert len(client.search("FLAGGED")) == 1


@pytest.mark.exhaustive
def test_a_mail_larger_than_allowed_is_held_with_its_headers(bed: Bed) -> None:
    """Of a mail above the limit only the header is fetched; it is recorded and held."""
    bed.sections["mailbox"] = "largest_mail = 2048"
    bed.server.deliver(mail("Huge", body="x" * 5000))
    bed.work(1)
    (entry,) = bed.entries
    assert (entry.message.state, entry.message.subject) == ("held", "Huge")
    assert "largest_mail" in entry.message.reason


@pytest.mark.exhaustive
def test_only_new_mail_is_worked_on_a_first_start_with_start_new(bed: Bed) -> None:
    """With the default start, mail that was there before the first start is left alone; later mail is worked."""
    text = bed.config.read_text().replace('since = "all"', 'since = "new"')
    bed.server.deliver(mail("Old"))
    config = bed.root / "new.toml"
    config.write_text(text)
    process = bed.start("-m", "daemon", "run", "--config", str(config))
    try:
        wait_for(lambda: "first_start" in bed.log_text, what="the first start")
        bed.server.deliver(mail("New"))
        wait_for(lambda: bed.through(1), what="the new mail's end")
    finally:
        end(process)
    assert [entry.message.subject for entry in bed.entries] == ["New"]


@pytest.mark.exhaustive
def test_a_handled_mail_is_flagged_and_moved_where_that_is_configured(bed: Bed) -> None:
    """handled_flag and handled_folder are carried out as actions of their own, after the draft."""
    bed.sections["mailbox"] = 'handled_flag = "\\\\Answered"\nhandled_folder = "Done"'
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    assert [action.kind for action in bed.entries[0].actions] == ["draft", "flag", "move"]
    assert bed.mails_in("INBOX") == []
    with bed.imap("Done") as client:
        assert len(client.search("ANSWERED")) == 1


def test_no_event_holds_a_mails_text_or_a_secret(bed: Bed) -> None:
    """Neither body nor subject of a mail, nor key or password, stands in any event."""
    bed.server.deliver(mail("Zanzibar subject", body="Quokka body?"))
    words = str(bed.work(1))
    for secret in ("Zanzibar", "Quokka", PASSWORD, "a-key-for-the-stand-in"):
        assert secret not in words


def test_every_step_of_the_story_is_an_event_with_its_ids(bed: Bed) -> None:
    """A mail's way leaves one event a step, each with the message's id."""
    bed.server.deliver(mail("Opening hours"))
    events = bed.work(1)
    story = [event["event"] for event in events if event.get("message") == 1 or "turn" in event]
    assert story == [
        "message_received",
        "message_screened",
        "turn_opened",
        "turn_settled",
        "action_sending",
        "action_sent",
        "message_done",
    ]


@pytest.mark.exhaustive
def test_new_standing_orders_begin_a_new_session_that_knows_what_was_decided(bed: Bed) -> None:
    """The engine keeps a session's first orders for good, so a change begins a successor, briefed on the past."""
    bed.server.deliver(mail("Before the change"))
    bed.work(1)
    bed.sections["employee"] = 'signature = "The team"\ncategories = ["question", "other"]'
    bed.server.deliver(mail("After the change", sender="Bo Tern <bo@tern.example>"))
    bed.work(2)
    newest, oldest = sessions.chain(bed.db)
    assert (oldest.state, newest.predecessor) == (SessionState.ENDED, oldest.id)
    assert "Before the change" in (bed.entries[1].turn.prompt if bed.entries[1].turn else "")
