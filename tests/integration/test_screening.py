"""What is said of mails without the model, end to end: copies, bounces, forgeries, and where mail comes from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from imapclient import IMAPClient

from daemon.judgement.authenticity import Verdict, authenticity
from daemon.mail.parse import parse
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from knowledge import connections, feedback, sessions
from knowledge.decisions import Entry
from tests.bed import LOOPBACK, PASSWORD, USER, Bed, mail
from tests.faults import Faults

BORDER = "mx.harbourpine.example"
VOUCHED = f"{BORDER}; dmarc=pass header.from=quill.example"
DISOWNED = f"{BORDER}; dmarc=fail header.from=quill.example"
PUMP = mail("Pump", Message_ID="<pump@quill.example>", Authentication_Results=VOUCHED)
INVITATION = """\
From: Ada Quill <ada@quill.example>
To: support@harbourpine.example
Subject: Visit
Message-ID: <visit@quill.example>
Content-Type: text/calendar; method=REQUEST

BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
SUMMARY:Visit
END:VEVENT
END:VCALENDAR
"""
REPORT = """\
From: MAILER-DAEMON@mx.quill.example
To: support@harbourpine.example
Subject: {subject}
Message-ID: <{subject}@mx.quill.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.quill.example

Final-Recipient: rfc822; ada@quill.example
Action: {action}
Status: {status}
--b
Content-Type: text/rfc822-headers

Message-ID: {original}

--b--
"""


class Screened(NamedTuple):
    """The mails of the fixture below, by their numbers in the ledger."""

    first: int = 1
    same_bytes: int = 2
    other_contents: int = 3
    other_way: int = 4
    failed: int = 5
    delayed: int = 6
    invitation: int = 7
    disowned: int = 8
    answer: int = 9


NUMBERS = Screened()


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Answer a mail with a draft; then let come what may come after it, in the order of the numbers."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("screened"), server, model, faults)
        bed.sections["mailbox"] = f'authserv_id = "{BORDER}"\nauthserv_strips_forgeries = true'
        server.deliver(PUMP)
        bed.work(1)
        for raw in _followers(bed.entries[0].actions[0].own_message_id):
            server.deliver(raw)
        bed.work(len(NUMBERS))
        yield bed


def _followers(own_id: str) -> list[bytes]:
    """Write what comes after the first mail; two reports are about our answer to it."""
    reports = (("Undelivered", "failed", "5.1.1"), ("Waiting", "delayed", "4.4.1"))
    failed, delayed = (
        REPORT.format(subject=subject, action=action, status=status, original=own_id).encode()
        for subject, action, status in reports
    )
    answering = {"In_Reply_To": "<pump@quill.example>"}
    return [
        PUMP,
        mail("Pump", body="Another matter?", Message_ID="<pump@quill.example>", Authentication_Results=VOUCHED),
        b"Received: from elsewhere by here; Mon, 2 Nov 2026 09:00:00 +0000\r\n" + PUMP,
        failed,
        delayed,
        INVITATION.encode(),
        mail("Re: Pump", body="Who else has one?", Authentication_Results=DISOWNED, **answering),
        mail("Re: Pump", body="It still leaks?", Authentication_Results=VOUCHED, **answering),
    ]


def entry(bed: Bed, number: int) -> Entry:
    """Give what the log holds of a mail."""
    return bed.entries[number - 1]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("number", "state", "rule"),
    [
        (NUMBERS.same_bytes, "done", "duplicate"),
        (NUMBERS.other_contents, "done", ""),
        (NUMBERS.other_way, "done", "duplicate"),
        (NUMBERS.failed, "escalated", "bounce"),
        (NUMBERS.delayed, "done", "bounce"),
        (NUMBERS.invitation, "escalated", "calendar"),
        (NUMBERS.disowned, "done", ""),
        (NUMBERS.answer, "done", ""),
    ],
    ids=NUMBERS._fields[1:],
)
def test_each_mail_is_filed_by_its_rule_or_worked(screened: Bed, number: int, state: str, rule: str) -> None:
    """Copies and reports are filed, a person sees what only a person can do, all else is put to the model."""
    found = entry(screened, number)
    assert (found.message.state, found.decision.rule if found.decision else None) == (state, rule)


@pytest.mark.parametrize("number", [NUMBERS.same_bytes, NUMBERS.other_way])
def test_a_copy_makes_no_second_draft(screened: Bed, number: int) -> None:
    """It is filed beside the first mail, in its case, without a turn and without an action."""
    found = entry(screened, number)
    assert (found.message.case_id, found.turn, found.actions) == (entry(screened, 1).message.case_id, None, ())


def test_there_is_one_draft_for_each_mail_that_was_worked(screened: Bed) -> None:
    """The mailbox holds no more of them than mails were put to the model."""
    worked = [found for found in screened.entries if found.turn]
    assert len(screened.mails_in("Drafts")) == len(worked)


@pytest.mark.parametrize(
    ("number", "joins"),
    [
        (NUMBERS.failed, True),
        (NUMBERS.delayed, True),
        (NUMBERS.answer, True),
        (NUMBERS.invitation, False),
        (NUMBERS.disowned, False),
    ],
)
def test_only_what_belongs_to_the_case_joins_it(screened: Bed, number: int, *, joins: bool) -> None:
    """Reports on our answer and the sender's own answer do; a mail that its domain disowns is a stranger's."""
    assert (entry(screened, number).message.case_id == entry(screened, 1).message.case_id) is joins


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (NUMBERS.answer, "authenticated: the domain quill.example vouches for this mail (dmarc)"),
        (NUMBERS.disowned, "FAILS authentication: may be forged"),
        (NUMBERS.invitation, "not authenticated"),
    ],
)
def test_what_the_border_server_found_is_kept(screened: Bed, number: int, line: str) -> None:
    """In the ledger, in the words that the model reads too."""
    assert entry(screened, number).message.authenticity == line


def test_the_model_is_told_that_a_mail_may_be_forged(screened: Bed) -> None:
    """Above the marks, where no sender can write."""
    turn = entry(screened, NUMBERS.disowned).turn
    assert turn
    assert "FAILS authentication: may be forged" in turn.prompt.partition("<<<mail-")[0]


def test_a_forged_sender_is_told_nothing_of_the_person_s_case(screened: Bed) -> None:
    """Neither the case's mails nor their decisions stand in the turn of a mail that its domain disowns."""
    turn = entry(screened, NUMBERS.disowned).turn
    assert turn
    assert "Case: new" in turn.prompt


def test_a_bounce_is_tied_to_the_action_whose_mail_it_is_about(screened: Bed) -> None:
    """Both reports are noted with our draft, each with whom it did not reach and why."""
    notes = feedback.of_message(screened.db, NUMBERS.first)
    action = entry(screened, NUMBERS.first).actions[0]
    assert [(note.action_id, note.kind, note.detail) for note in notes] == [
        (action.id, "bounced", "could not be delivered to ada@quill.example: 5.1.1"),
        (action.id, "bounced", "is delayed on its way to ada@quill.example: 4.4.1"),
    ]


def test_a_bounce_is_flagged_for_a_person_and_a_delay_is_not(screened: Bed) -> None:
    """The two mails of the mailbox that only a person can deal with carry the flag."""
    with screened.imap() as client:
        flagged = client.fetch(client.search("FLAGGED"), ["BODY.PEEK[HEADER.FIELDS (SUBJECT)]"])
    subjects = {value.strip() for item in flagged.values() for value in item.values() if isinstance(value, bytes)}
    assert subjects == {b"Subject: Undelivered", b"Subject: Visit"}


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (NUMBERS.first, "bounced"),
        (NUMBERS.failed, "our mail of message 1 could not be delivered to ada@quill.example: 5.1.1"),
        (NUMBERS.failed, "it is a machine's word on our mail of message 1"),
        (NUMBERS.same_bytes, "it is a copy of message 1"),
    ],
)
def test_log_show_tells_why(screened: Bed, number: int, shown: str) -> None:
    """What became of our mail, and why a mail was filed, stand in the log."""
    said = screened.clerkd("log", "show", str(number), "--config", str(screened.config)).stdout
    assert shown in re.sub(r"\s+", " ", said)


def test_status_names_a_bounce_among_what_waits_for_a_person(screened: Bed) -> None:
    """By its number and subject; the exit code says that a person is needed."""
    shown = screened.clerkd("status", "--config", str(screened.config))
    assert (shown.returncode, f"escalated {NUMBERS.failed}  Undelivered" in shown.stdout) == (1, True)


@pytest.mark.parametrize(
    "forged",
    [
        f"Authentication-Results: =?utf-8?q?{BORDER}=3B_dmarc=3Dpass_header.from=3Dquill.example?=",
        f"Authentication-Results: =?utf-8?q?{BORDER}?=; dmarc=pass header.from=quill.example",
        "Authentication-Results: mx.harbour\u200bpine.example; dmarc=pass header.from=quill.example",
        f"Authentication-Results: {BORDER}; dmarc=p\u200bass header.from=quill.example",
        f"=?utf-8?q?Authentication-Results?=: {VOUCHED}",
        f"Authentication\u200b-Results: {VOUCHED}",
        f"Authentication-Results : {VOUCHED}",
        f"X-Other: none\r\n\u200bAuthentication-Results: {VOUCHED}",
    ],
    ids=["value", "authserv-id", "in the id", "in the result", "name", "in the name", "blank", "before the name"],
)
def test_results_that_the_border_server_could_not_have_recognised_count_for_nothing(forged: str) -> None:
    """It takes out what bears its name as the raw text has it; what only comes to look like that is a forgery."""
    raw = f"From: ada@quill.example\r\n{forged}\r\n\r\nHello\r\n".encode()
    assert authenticity(parse(raw, 1000), BORDER).verdict is Verdict.UNKNOWN


def test_the_border_server_s_own_results_count() -> None:
    """The same mail with the field as the border server writes it passes: the forgeries fail by their forging."""
    raw = f"From: ada@quill.example\r\nAuthentication-Results: {VOUCHED}\r\n\r\nHello\r\n".encode()
    assert authenticity(parse(raw, 1000), BORDER).verdict is Verdict.PASS


@dataclass
class TwoMailboxes(Bed):
    """A bed with a second mailbox, on a server of its own."""

    second_port: int = 0
    second_drafts: list[bytes] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """Write the config, with the mailbox twice under two labels."""
        path = super().config
        above, _, rest = path.read_text().partition("[mailbox]\n")
        mailbox, _, below = rest.partition("[model]\n")
        second = mailbox.replace(f"port = {self.server.imap_port}", f"port = {self.second_port}")
        boxes = (f'[[mailbox]]\nlabel = "{label}"\n{keys}' for label, keys in (("one", mailbox), ("two", second)))
        path.write_text(f"{above}{''.join(boxes)}[model]\n{below}")
        return path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoMailboxes]:
    """Work a mail of each mailbox, and then one of the first while the second is down."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as one:
        with MailServer(USER, PASSWORD) as other:
            bed = TwoMailboxes(tmp_path_factory.mktemp("two"), one, model, faults, second_port=other.imap_port)
            one.deliver(mail("For the first"))
            other.deliver(mail("For the second", sender="Bo Tern <bo@tern.example>"))
            bed.work(2)
            bed.second_drafts = _drafts(other.imap_port)
        one.deliver(mail("Meanwhile", sender="Cy Vane <cy@vane.example>"))
        bed.events = bed.work(3)
        yield bed


def _drafts(port: int) -> list[bytes]:
    client = IMAPClient(LOOPBACK, port, ssl=False, timeout=10)
    client.login(USER, PASSWORD)
    client.select_folder("Drafts")
    found = [item[b"BODY[]"] for item in client.fetch(client.search("ALL"), ["BODY.PEEK[]"]).values()]
    client.logout()
    return found


@pytest.mark.exhaustive
def test_two_mailboxes_are_worked_in_one_session(two: TwoMailboxes) -> None:
    """One employee, one conversation, whichever mailbox a mail came to."""
    settled = [(found.message.mailbox, found.message.state) for found in two.entries]
    assert sorted(settled) == [("one", "done"), ("one", "done"), ("two", "done")]
    assert len(sessions.chain(two.db)) == 1


@pytest.mark.exhaustive
def test_each_draft_lies_in_the_mailbox_of_its_mail(two: TwoMailboxes) -> None:
    """The second mailbox holds the answer to its own mail and no other."""
    recipients = [re.search(rb"^To: .*$", raw, re.MULTILINE) for raw in two.second_drafts]
    assert [found and found[0].strip() for found in recipients] == [b"To: Bo Tern <bo@tern.example>"]


@pytest.mark.exhaustive
def test_a_mailbox_that_is_down_pauses_only_itself(two: TwoMailboxes) -> None:
    """What was out of reach is of the second mailbox alone, while the first one's mail was worked."""
    parts = {event["part"] for event in two.events if event["event"] == "paused"}
    assert "mailbox two INBOX" in parts
    assert {part.split()[1] for part in parts} == {"two"}


@pytest.mark.exhaustive
def test_it_is_kept_which_folder_can_be_read_and_which_cannot(two: TwoMailboxes) -> None:
    """The one has no error, the other its last one and when it was last seen."""
    one, other = connections.every(two.db)
    assert (one.mailbox, one.last_error, other.mailbox, other.connected_at) == ("one", "", "two", None)
    assert "out of reach" in other.last_error
    assert other.heard_at


class MaildirBed(Bed):
    """A bed whose mailbox is a Maildir."""

    @property
    def config(self) -> Path:
        """Write the config, with the Maildir in place of the server."""
        path = super().config
        above, _, rest = path.read_text().partition("[mailbox]\n")
        lines = [f'maildir = "{self.root}/Maildir"', 'since = "all"', "poll_seconds = 0.05", self.sections["mailbox"]]
        path.write_text(f"{above}[mailbox]\n{chr(10).join(lines)}\n[model]\n{rest.partition('[model]')[2]}")
        return path


@pytest.fixture(scope="module")
def maildir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Work two mails that a delivery agent has put into a Maildir, a question and an outage."""
    faults = Faults()
    root = tmp_path_factory.mktemp("maildir")
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = MaildirBed(root, server, model, faults, {"mailbox": 'handled_flag = "\\\\Answered"'})
        for part in ("new", "cur", "tmp"):
            (root / "Maildir" / part).mkdir(parents=True)
        (root / "Maildir" / "new" / "1.question").write_bytes(PUMP.replace(b"\r\n", b"\n"))
        (root / "Maildir" / "new" / "2.outage").write_bytes(mail("URGENT: all is down", sender="bo@tern.example"))
        bed.work(2)
        yield root / "Maildir"


@pytest.mark.exhaustive
def test_the_draft_for_a_mail_of_a_maildir_lands_in_its_drafts(maildir: Path) -> None:
    """As a mail program expects it: in cur, with the letter of a draft, and with the headers of an answer."""
    (draft,) = (maildir / ".Drafts" / "cur").iterdir()
    assert (draft.name.partition(":2,")[2], b"In-Reply-To: <pump@quill.example>" in draft.read_bytes()) == ("D", True)


@pytest.mark.exhaustive
def test_the_flags_of_a_maildir_s_mails_are_letters_of_their_names(maildir: Path) -> None:
    """A handled mail is answered, an escalated one is flagged as well, and both lie in cur under their old names."""
    assert sorted(path.name for path in (maildir / "cur").iterdir()) == ["1.question:2,R", "2.outage:2,FR"]


@pytest.mark.exhaustive
def test_with_a_date_only_mail_from_that_day_on_is_worked(bed: Bed) -> None:
    """By when the server received it, a day early for its time zone: the date in the mail is the sender's word."""
    bed.sections["mailbox"] = 'since = "2026-06-01"'
    claimed = mail("Old", Date="Mon, 2 Nov 2026 08:05:00 +0000")
    with bed.imap() as client:
        client.append("INBOX", claimed, msg_time=datetime(2026, 5, 30, tzinfo=UTC))
        client.append("INBOX", mail("New"), msg_time=datetime(2026, 6, 1, tzinfo=UTC))
    bed.work(1)
    assert [found.message.subject for found in bed.entries] == ["New"]


@pytest.mark.exhaustive
def test_every_watched_folder_is_worked(bed: Bed) -> None:
    """Each with a place of its own: their numbers mean different mails."""
    bed.sections["mailbox"] = 'watch = ["INBOX", "Orders"]'
    with bed.imap() as client:
        client.create_folder("Orders")
        client.append("Orders", mail("An order", sender="bo@tern.example"))
    bed.server.deliver(mail("In the inbox"))
    bed.work(2)
    found = {(row.message.folder, row.message.subject, row.message.state) for row in bed.entries}
    assert found == {("INBOX", "In the inbox", "done"), ("Orders", "An order", "done")}
