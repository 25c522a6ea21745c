"""The main job on a real IMAP server."""

import email
import email.policy
import time

import pytest

from knowledge import decisions, service
from tests.bed import Bed, is_through, mail
from tests.dovecot import Dovecot

DRAFTS = "Entwürfe"


def test_the_main_job_runs_on_a_real_server_and_finds_its_drafts_folder(real_bed: Bed) -> None:
    """A Dovecot with a German drafts folder, known by its attribute alone, gets the draft there."""
    real_bed.server.deliver(mail("Opening hours"))
    real_bed.work(1)
    assert real_bed.entries[0].message.state == "done"
    (draft,) = real_bed.mails_in(DRAFTS)
    assert email.message_from_bytes(draft, policy=email.policy.default)["Subject"] == "Re: Opening hours"


@pytest.mark.exhaustive
def test_flags_and_moves_work_on_a_real_server(real_bed: Bed) -> None:
    """A keyword is set and the mail is moved, with MOVE, into a folder that did not exist."""
    real_bed.sections["mailbox"] = 'handled_flag = "$Clerkd"\nhandled_folder = "Erledigt/Später"'
    real_bed.server.deliver(mail("Opening hours"))
    real_bed.work(1)
    assert real_bed.mails_in("INBOX") == []
    with real_bed.imap("Erledigt/Später") as client:
        assert len(client.search("KEYWORD $Clerkd")) == 1


@pytest.mark.exhaustive
def test_a_server_that_goes_away_between_decision_and_draft_costs_nothing(real_bed: Bed) -> None:
    """The server is stopped while the model thinks: the decision is kept, and the draft is stored once it is back."""
    server = real_bed.server
    assert isinstance(server, Dovecot)
    real_bed.server.deliver(mail("Opening hours"))
    real_bed.faults.coming = ["slow"]
    moments: list[float] = []

    def until(_db: object) -> bool:
        if not moments and real_bed.faults.calls:
            server.stop()
            moments.append(time.monotonic())
        paused = any(row.paused and row.part.startswith("outbox ") for row in service.conditions(real_bed.db))
        decided = any(entry.decision for entry in decisions.log(real_bed.db, decisions.Filter()))
        if len(moments) == 1 and paused and decided:
            server.start()
            moments.append(time.monotonic())
        return len(moments) == 2 and is_through(real_bed.db, 1)

    real_bed.run(until)
    assert real_bed.entries[0].message.state == "done"
    assert len(real_bed.mails_in(DRAFTS)) == 1


def test_a_folder_that_is_not_there_is_a_clear_pause(real_bed: Bed) -> None:
    """A watched folder that does not exist is named in the pause; the service goes on trying."""
    real_bed.sections["mailbox"] = 'watch = ["Nowhere"]'
    real_bed.run(lambda db: any(row.paused for row in service.conditions(db)))
    (paused,) = [row for row in service.conditions(real_bed.db) if row.paused]
    assert "'Nowhere'" in paused.reason


def test_a_draft_folder_that_cannot_be_used_holds_the_message(real_bed: Bed) -> None:
    """A configured drafts folder that the server refuses: the action is held, and the reason says which folder."""
    real_bed.sections["mailbox"] = 'drafts = "No/Such/Folder"'
    real_bed.server.deliver(mail("Opening hours"))
    real_bed.work(1)
    (entry,) = real_bed.entries
    assert entry.message.state == "held"
    assert "No/Such/Folder" in entry.message.reason


@pytest.mark.exhaustive
def test_a_mail_moved_away_by_a_person_cancels_what_was_to_be_done_to_it(real_bed: Bed) -> None:
    """The mail vanishes while the model thinks: the flag is cancelled with the reason, the draft is still stored."""
    real_bed.sections["mailbox"] = 'handled_flag = "$Clerkd"'
    real_bed.server.deliver(mail("Opening hours"))
    real_bed.faults.coming = ["slow"]
    gone: list[bool] = []

    def until(_db: object) -> bool:
        if not gone and real_bed.faults.calls:
            with real_bed.imap() as client:
                client.delete_messages(client.search("ALL"))
                client.expunge()
            gone.append(True)
        return is_through(real_bed.db, 1)

    real_bed.run(until)
    states = {action.kind: (action.state, action.reason) for action in real_bed.entries[0].actions}
    assert states["draft"][0] == "sent"
    assert states["flag"] == ("cancelled", "the mail is no longer in INBOX")
