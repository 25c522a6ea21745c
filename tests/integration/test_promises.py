"""Promises with a date, from the mail that makes them to the day on which they come up."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body
from knowledge import cases, ledger, people, promises, service, sessions
from knowledge.tables import Message, Passage, Promise
from tests.bed import Bed, mail

LATER = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
THEIRS = f"I will send the photos by {LATER}."
OURS = f"Could you send the price list by {LATER}?"


def promised(bed: Bed) -> list[Promise]:
    """Give all promises."""
    with bed.db.read() as session:
        return list(session.exec(select(Promise).order_by(Promise.id)))  # type: ignore[arg-type]


def bring_forward(bed: Bed) -> None:
    """Let the day come on which the promises come up."""
    with bed.db.write() as session:
        session.connection().execute(update(Promise).values(comes_up_at=datetime.now(UTC) - timedelta(hours=1)))


def state_of_case(bed: Bed, number: int = 1) -> str:
    """Say how a case stands."""
    case = cases.get(bed.db, number)
    assert case
    return case.state


@pytest.mark.exhaustive
def test_a_promise_in_a_mail_is_written_down_with_its_day(bed: Bed) -> None:
    """By whom, what and when, with the mail and the decision that it comes from."""
    bed.server.deliver(mail("Photos", THEIRS))
    bed.work(1)
    (found,) = promised(bed)
    assert (found.by, found.what, found.due.isoformat(), found.state) == ("them", "send the photos", LATER, "open")
    assert (found.case_id, found.message_id) == (1, 1)
    assert bed.entries[0].decision
    assert found.decision_id == bed.entries[0].decision.id


@pytest.mark.exhaustive
def test_the_next_turn_of_the_case_is_told_what_is_promised(bed: Bed) -> None:
    """In one line, marked as not verified."""
    bed.server.deliver(mail("Photos", THEIRS, Message_ID="<one@quill.example>"))
    bed.work(1)
    bed.server.deliver(mail("Re: Photos", "They are on their way.", In_Reply_To="<one@quill.example>"))
    bed.work(2)
    shown = [turn.prompt for entry in bed.entries if (turn := entry.turn)]
    line = f'Promise 1, made by them in message 1, due {LATER}: "send the photos"'
    assert [line in prompt for prompt in shown] == [False, True]


@pytest.mark.exhaustive
def test_a_promise_comes_up_on_its_day_as_a_message_of_clerkds_own(bed: Bed) -> None:
    """It has a turn, its draft answers the mail in which it was made, and it does not come up again."""
    bed.server.deliver(mail("Photos", THEIRS, Message_ID="<one@quill.example>"))
    bed.work(1)
    bring_forward(bed)
    events = bed.work(2)
    bed.work(2)
    reminder = bed.entries[1]
    assert (reminder.message.about_id, reminder.message.case_id, reminder.message.state) == (1, 1, "done")
    assert [event["event"] for event in events].count("promise_due") == 1
    assert [row.state for row in promised(bed)] == ["dropped"]
    (action,) = reminder.actions
    assert (action.kind, action.state, action.recipients) == ("draft", "sent", ["ada@quill.example"])
    assert b"In-Reply-To: <one@quill.example>" in bed.mails_in("Drafts")[1]
    assert len(bed.entries) == 2


@pytest.mark.exhaustive
def test_our_own_promise_that_nobody_can_say_is_kept_is_given_to_a_person(bed: Bed) -> None:
    """The flag is set on the mail in which it was made; the promise stays open."""
    bed.server.deliver(mail("Prices", OURS))
    bed.work(1)
    bring_forward(bed)
    bed.work(2)
    assert bed.state_of(2) == "escalated"
    assert [row.state for row in promised(bed)] == ["open"]
    with bed.imap() as client:
        (uid,) = client.search("ALL")
        assert b"\\Flagged" in client.get_flags([uid])[uid]


@pytest.mark.exhaustive
def test_the_model_must_say_what_became_of_the_promise(bed: Bed) -> None:
    """A decision that passes over it is not taken, and the turn ends without one."""

    def passing_over(body: Body) -> Answer:
        answer = rules.decide(body)
        for block in answer.blocks:
            if block["type"] == "tool_use":
                block["input"].pop("settled", None)
        return answer

    bed.server.deliver(mail("Photos", THEIRS))
    bed.work(1)
    bed.model.rules = passing_over
    bring_forward(bed)
    bed.run(lambda db: bool(ledger.in_states(db, ["held"])))
    assert bed.state_of(2) == "held"
    assert [row.state for row in promised(bed)] == ["open"]


@pytest.mark.exhaustive
def test_a_case_stands_as_what_happens_in_it_says(bed: Bed) -> None:
    """Drafted: it is for us; nothing to do: it is closed; another mail: it is open again; held: it is for us."""
    bed.server.deliver(mail("Hours", Message_ID="<one@quill.example>"))
    bed.work(1)
    assert state_of_case(bed) == "waiting for us"
    bed.server.deliver(
        mail("Re: Hours", "Thanks!", In_Reply_To="<one@quill.example>", Message_ID="<two@quill.example>")
    )
    bed.work(2)
    assert state_of_case(bed) == "closed"
    bed.faults.always = 503
    bed.server.deliver(mail("Re: Hours", "One more thing?", In_Reply_To="<two@quill.example>"))
    bed.run(lambda db: bool(ledger.in_states(db, ["screened"])))
    assert state_of_case(bed) == "reopened"
    bed.faults.always, bed.model.rules = None, lambda _body: Answer(({"type": "text", "text": "No."},))
    bed.run(lambda db: ledger.counts(db).get("held", 0) == 1)
    assert state_of_case(bed) == "waiting for us"


@pytest.mark.exhaustive
def test_a_successor_is_told_of_every_promise_and_its_day(bed: Bed) -> None:
    """In clerkd's words alone; the handover counts only where none is missing."""
    bed.server.deliver(mail("Photos", THEIRS))
    bed.work(1)
    service.leave_order(bed.db, "rotate", "", "waiting", datetime.now(UTC))
    bed.run(lambda db: service.orders(db, "done") != [])
    successor = sessions.live(bed.db, "live")
    assert successor
    assert f"[promise 1] [case 1] promised by them in [message 1], due {LATER}" in successor.handover
    assert "send the photos" not in successor.handover.partition("Open cases")[0]


@pytest.mark.exhaustive
def test_a_rollback_takes_back_what_the_turn_promised_and_settled(bed: Bed) -> None:
    """A promise that came of a session that was taken over is none; one that it dropped is open again."""
    bed.server.deliver(mail("Photos", THEIRS))
    bed.work(1)
    bring_forward(bed)
    bed.work(2)
    assert [row.state for row in promised(bed)] == ["dropped"]
    service.leave_order(bed.db, "roll back", "2", "waiting", datetime.now(UTC))
    bed.run(lambda db: len(service.orders(db, "done")) == 1)
    assert [(row.state, row.closed_at) for row in promised(bed)] == [("open", None)]
    service.leave_order(bed.db, "roll back", "1", "waiting", datetime.now(UTC))
    bed.run(lambda db: len(service.orders(db, "done")) == 2)
    assert [row.state for row in promised(bed)] == ["withdrawn"]
    assert state_of_case(bed) == "waiting for us"


@pytest.mark.exhaustive
def test_what_we_promised_in_a_draft_that_is_deleted_was_not_promised(bed: Bed) -> None:
    """The sender never read it; what they promised themselves stands."""
    bed.sections["mailbox"] = "follow_seconds = 1"
    bed.server.deliver(mail("Prices", f"{OURS} {THEIRS}"))
    bed.work(1)
    with bed.imap("Drafts") as client:
        client.delete_messages(client.search("ALL"))
        client.expunge()
    bed.run(lambda db: any(row.state != "open" for row in promises.of_case(db, 1)))
    assert [(row.by, row.state) for row in promised(bed)] == [("us", "dropped"), ("them", "open")]
    with bed.db.read() as session:
        standing = session.exec(select(Passage).where(Passage.expired_at.is_(None))).all()  # type: ignore[union-attr]
    assert [row.ours for row in standing] == [False]
    assert state_of_case(bed) == "waiting for them"


@pytest.mark.exhaustive
def test_a_forged_sender_is_nobody_we_know(bed: Bed) -> None:
    """What is known of whom it names is not told in its turn."""
    bed.sections["mailbox"] = 'authserv_id = "mx.harbourpine.example"\nauthserv_strips_forgeries = true'
    bed.server.deliver(mail("Hours"))
    verdict = "mx.harbourpine.example; dmarc=fail header.from=quill.example"
    bed.server.deliver(mail("Prices", "What is known of me?", Authentication_Results=verdict))
    bed.work(2)
    with bed.db.read() as session:
        assert [row.person_id for row in session.exec(select(Message).order_by(Message.id))] == [1, None]  # type: ignore[arg-type]
    assert "writes for the first time" in (bed.entries[1].turn or bed.entries[0].turn).prompt  # type: ignore[union-attr]
    (known,) = people.find(bed.db, "", 9)
    assert (known.addresses, known.person.organisation, known.messages) == (["ada@quill.example"], "quill.example", 1)


@pytest.mark.exhaustive
def test_a_reminder_whose_promise_was_withdrawn_is_put_aside_without_the_model(bed: Bed) -> None:
    """It holds the words of a session that was taken over, perhaps: its successor does not read them."""
    bed.sections["model"] = "turn_seconds = 2"
    bed.server.deliver(mail("Photos", THEIRS))
    bed.work(1)
    bring_forward(bed)
    bed.faults.always = 503
    bed.run(lambda db: len(ledger.in_states(db, ["screened"])) == 1)
    bed.faults.always = None
    service.leave_order(bed.db, "roll back", "1", "waiting", datetime.now(UTC))
    asked = len(bed.model.seen)
    bed.run(lambda db: [row.id for row in ledger.in_states(db, ["done"])] == [2])
    assert [row.state for row in promised(bed)] == ["withdrawn"]
    assert not any("Its day has come" in str(body["messages"]) for body in bed.model.seen[asked:])
    assert bed.entries[1].decision
    assert (bed.entries[1].decision.rule, bed.entries[1].decision.summary) == (
        "promise",
        "Put aside: promise 1 is withdrawn.",
    )


@pytest.mark.exhaustive
def test_a_person_who_closes_the_reminder_has_dealt_with_the_promise(bed: Bed) -> None:
    """It would stay open for ever, for it comes up once only."""
    bed.server.deliver(mail("Prices", OURS))
    bed.work(1)
    bring_forward(bed)
    bed.work(2)
    service.leave_order(bed.db, "done", "2", "waiting", datetime.now(UTC))
    bed.run(lambda db: len(service.orders(db, "done")) == 1)
    assert [(row.state, row.closing) for row in promised(bed)] == [("kept", "closed by a person")]
    assert state_of_case(bed) == "closed"
