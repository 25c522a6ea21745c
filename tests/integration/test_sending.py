"""Mail that leaves: by a real submission server, once, to whom the harness says, with a copy where sent mail lies."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from knowledge import actions, approvals, cases, service
from knowledge.actions import Change
from tests.bed import PASSWORD, USER, Bed, mail
from tests.post_office import (
    AFTER_250,
    AFTER_RCPT,
    BEFORE_MAIL,
    IN_DATA,
    UNHEARD,
    Delivered,
    PostOffice,
)
from tests.rules import REPLY, deciding

FORWARD = {"kind": "forward", "to": "books", "note": "Is this paid?"}
ALONE = '[autonomy]\nreply = "do"\nforward = "do"\naddressees = { books = "alice@books.example" }'


@pytest.fixture
def sending(bed: Bed, office: PostOffice) -> Bed:
    """Lay a bed whose employee may send alone, and whose model answers each mail."""
    office.serve(bed, ALONE)
    bed.model.rules = deciding(REPLY)
    return bed


def states(bed: Bed) -> list[tuple[str, str]]:
    """Give kind and state of all actions of the first message."""
    return [(action.kind, action.state) for action in actions.of_message(bed.db, 1)]


def parsed(mail: Delivered) -> EmailMessage:
    """Read a mail that was handed over."""
    found = email.message_from_bytes(mail.raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_reply_is_sent_with_its_threading_and_the_mark_of_a_machine(sending: Bed, office: PostOffice) -> None:
    """It goes to the sender alone, from the employee, and says that a machine wrote it (RFC 3834)."""
    sending.server.deliver(mail("Opening hours", Message_ID="<one@quill.example>"))
    sending.work(1)
    (sent,) = office.delivered
    assert (sent.sender, sent.recipients) == (USER, ("ada@quill.example",))
    read = parsed(sent)
    assert (read["In-Reply-To"], read["Auto-Submitted"]) == ("<one@quill.example>", "auto-replied")
    assert read.get_content().startswith("We close at six.")
    assert states(sending) == [("reply", "sent")]
    assert sending.state_of(1) == "done"


def test_what_is_sent_is_what_was_frozen_and_a_copy_lies_where_sent_mail_lies(sending: Bed, office: PostOffice) -> None:
    """Byte for byte: in the action, on the wire and in the folder."""
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    (action,) = actions.of_message(sending.db, 1)
    assert action.content == office.delivered[0].raw
    assert sending.mails_in("Sent") == [action.content]
    assert sending.mails_in("Drafts") == []


@pytest.mark.exhaustive
def test_no_copy_is_made_where_the_provider_makes_one(sending: Bed, office: PostOffice) -> None:
    """The config says so."""
    sending.sections["smtp"] += "\ncopy_to_sent = false"
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    assert len(office.delivered) == 1
    assert sending.mails_in("Sent") == []
    assert states(sending) == [("reply", "sent")]


def test_a_mail_is_forwarded_as_it_came_to_the_address_of_the_config(sending: Bed, office: PostOffice) -> None:
    """The mail is enclosed byte for byte, under the employee's note; the customer learns nothing of it."""
    raw = mail("Invoice 7")
    sending.model.rules = deciding(FORWARD)
    sending.server.deliver(raw)
    sending.work(1)
    (sent,) = office.delivered
    assert sent.recipients == ("alice@books.example",)
    read = parsed(sent)
    assert "Is this paid?" in str(read.get_body(("plain",)))
    (enclosed,) = read.iter_attachments()
    assert enclosed.get_content_type() == "message/rfc822"
    assert raw in sent.raw
    assert "quill.example" not in str(read["To"])


@pytest.mark.exhaustive
def test_the_case_waits_for_them_once_they_are_answered(sending: Bed) -> None:
    """It is no longer ours to go on with."""
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    found = cases.get(sending.db, 1)
    assert found
    assert found.state == "waiting for them"


@pytest.mark.exhaustive
def test_a_case_that_the_employee_closes_is_closed(sending: Bed) -> None:
    """Whatever is left open in it."""
    sending.model.rules = deciding(REPLY, {"kind": "close"})
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    found = cases.get(sending.db, 1)
    assert found
    assert found.state == "closed"


@pytest.mark.exhaustive
def test_an_automatic_mail_is_never_answered(sending: Bed, office: PostOffice) -> None:
    """A machine's mail is filed by its rule, and never put to the model."""
    sending.server.deliver(mail("Out of office", Auto_Submitted="auto-replied"))
    sending.work(1)
    assert office.delivered == []
    assert sending.model.seen == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("command", "answer"),
    [("MAIL", "550 no such user here"), ("RCPT", "550 no such user"), ("DATA", "554 this looks like spam")],
)
def test_a_mail_that_the_server_refuses_for_good_is_held_with_its_words(
    sending: Bed, office: PostOffice, command: str, answer: str
) -> None:
    """A person sees what the server said."""
    office.says[command] = [answer]
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    action = actions.of_message(sending.db, 1)[0]
    assert (action.state, office.delivered) == ("held", [])
    assert answer in action.reason
    assert sending.state_of(1) == "held"


@pytest.mark.exhaustive
def test_a_mail_that_the_server_does_not_take_now_is_tried_again(
    sending: Bed, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that lists strangers grey for a while has it in the end, once."""
    monkeypatch.setattr("daemon.steps.send.DEFERRED_SECONDS", 0.1)
    office.says["RCPT"] = ["451 come again later"] * 2
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    assert len(office.delivered) == 1
    assert states(sending) == [("reply", "sent")]


@pytest.mark.exhaustive
def test_a_mail_that_is_put_off_does_not_keep_others_waiting(sending: Bed, office: PostOffice) -> None:
    """One recipient's server is away; all others are answered meanwhile."""
    office.says["RCPT"] = ["451 come again later"]
    sending.server.deliver(mail("First"))
    sending.server.deliver(mail("Second", sender="Bo <bo@tern.example>"))
    sending.run(lambda db: any(item.state == "sent" for item in actions.of_message(db, 2)))
    assert [sent.recipients for sent in office.delivered] == [("bo@tern.example",)]


@pytest.mark.exhaustive
@pytest.mark.parametrize("step", [BEFORE_MAIL, AFTER_RCPT])
def test_a_connection_that_breaks_before_the_text_has_left_is_tried_again(
    sending: Bed, office: PostOffice, step: str
) -> None:
    """Nothing has left: it is sent once all the same."""
    office.at = step
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    assert len(office.delivered) == 1
    assert states(sending) == [("reply", "sent")]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "left"), [(IN_DATA, 0), (UNHEARD, 1)])
def test_a_connection_that_breaks_while_the_text_leaves_is_held(
    sending: Bed, office: PostOffice, step: str, left: int
) -> None:
    """Nobody knows whether it left, so it is not sent a second time; a person decides."""
    office.at = step
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    assert len(office.delivered) == left
    action = actions.of_message(sending.db, 1)[0]
    assert (action.state, action.may_have_left) == ("held", True)
    assert "nobody knows whether it left" in action.reason


@pytest.mark.exhaustive
def test_a_connection_that_breaks_after_the_server_has_it_changes_nothing(sending: Bed, office: PostOffice) -> None:
    """The last word was heard: it is sent."""
    office.at = AFTER_250
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    assert len(office.delivered) == 1
    assert states(sending) == [("reply", "sent")]


@pytest.mark.exhaustive
def test_a_held_mail_that_is_queued_again_waits_for_an_approval(sending: Bed, office: PostOffice) -> None:
    """What may have left already is never sent a second time without a person's word on it."""
    office.at = UNHEARD
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    assert sending.clerkd("requeue", "1", "--config", str(sending.config)).returncode == 0
    sending.run(lambda db: bool(approvals.waiting(db, "waiting")) and sending.state_of(1) == "waiting")
    assert len(office.delivered) == 1


@pytest.mark.exhaustive
def test_nothing_leaves_outside_of_the_working_hours(sending: Bed, office: PostOffice) -> None:
    """The mail is read and decided, and its answer waits for the next working hour."""
    sending.sections["hours"] = '[hours]\ndays = ["mon"]\ntimes = "00:00-00:01"\nholidays = []\nzone = "UTC"'
    sending.server.deliver(mail("Opening hours"))
    sending.run(lambda db: any(item.state == "planned" for item in actions.of_message(db, 1)))
    assert office.delivered == []
    assert states(sending) == [("reply", "planned")]
    sending.sections["hours"] = ""
    sending.work(1)
    assert len(office.delivered) == 1


@pytest.mark.exhaustive
def test_the_copy_of_what_has_left_does_not_wait_for_the_working_hours(sending: Bed, office: PostOffice) -> None:
    """It is put where sent mail lies at once: it leaves nothing undone for the night."""
    sending.server.deliver(mail("Opening hours"))
    sending.work(1)
    (action,) = actions.of_message(sending.db, 1)
    with sending.imap("Sent") as client:
        client.delete_messages(client.search("ALL"))
        client.expunge()
    actions.change(sending.db, action, Change("submitted"), action.updated_at)
    sending.sections["hours"] = '[hours]\ndays = ["mon"]\ntimes = "00:00-00:01"\nholidays = []\nzone = "UTC"'
    sending.work(1)
    assert states(sending) == [("reply", "sent")]
    assert len(sending.mails_in("Sent")) == len(office.delivered) == 1


@pytest.mark.exhaustive
def test_a_wrong_password_pauses_what_leaves_and_is_shown(sending: Bed, office: PostOffice) -> None:
    """The reply waits; `clerkd status` says why."""
    (sending.root / "smtp-password").write_text("wrong", encoding="utf-8")
    sending.server.deliver(mail("Opening hours"))
    events = sending.run(lambda db: any(row.paused and row.part == "smtp" for row in service.conditions(db)))
    assert [event["kind"] for event in events if event["event"] == "paused"] == ["authentication"]
    assert states(sending) == [("reply", "planned")]
    (sending.root / "smtp-password").write_text(PASSWORD, encoding="utf-8")
    sending.work(1)
    assert len(office.delivered) == 1


@pytest.mark.exhaustive
def test_a_forward_to_somebody_who_has_left_the_config_is_held(sending: Bed, office: PostOffice) -> None:
    """What was decided under the old config is checked once more before it leaves."""
    sending.sections["hours"] = '[hours]\ndays = ["mon"]\ntimes = "00:00-00:01"'
    sending.model.rules = deciding(FORWARD)
    sending.server.deliver(mail("Invoice 7"))
    sending.run(lambda db: any(item.state == "planned" for item in actions.of_message(db, 1)))
    sending.sections["hours"] = ""
    sending.sections["autonomy"] = ALONE.replace("alice@", "mallory@")
    sending.work(1)
    assert states(sending)[0] == ("forward", "held")
    assert office.delivered == []
