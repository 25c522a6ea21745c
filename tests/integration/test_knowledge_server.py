"""The whole house with its knowledge on a PostgreSQL server: one daemon, wherever it runs, and a lost machine."""

import json
import shutil
from pathlib import Path

import pytest

from daemon.judgement.states import SessionState
from daemon.premises import HeldError, working
from knowledge import sessions
from tests import databases
from tests.bed import Bed, end, is_through, mail, subjects_in_last_request, wait_for
from tests.knowledge_server import KnowledgeServer, new_database, run

OF_OTHERS = "datname = current_database() AND pid <> pg_backend_pid()"
pytestmark = pytest.mark.exhaustive


@pytest.fixture
def served(bed: Bed, knowledge_server: KnowledgeServer) -> Bed:
    """Lay a bed whose knowledge is on a server."""
    bed.know_on(knowledge_server.copy())
    return bed


def elsewhere(bed: Bed, root: Path) -> Bed:
    """Set up another machine with the same config, and nothing of the first one's disk."""
    root.mkdir()
    other = Bed(root, bed.server, bed.model, bed.faults, dict(bed.sections))
    other.know_on(bed.db.engine.url)
    return other


def test_mail_is_worked_and_the_log_is_read(served: Bed) -> None:
    """The main job, as with a file; nothing of the knowledge is on this machine's disk."""
    served.server.deliver(mail("One"))
    served.server.deliver(mail("Two", sender="Bo Tern <bo@tern.example>"))
    served.work(2)
    said = served.clerkd("log", "--json", "--config", str(served.config))
    assert {json.loads(line)["subject"] for line in said.stdout.splitlines()} == {"One", "Two"}
    assert len(served.mails_in("Drafts")) == 2
    assert not served.state.database.exists()


def test_check_says_that_the_database_is_there(served: Bed) -> None:
    """By its name, without the password."""
    said = served.clerkd("check", "--config", str(served.config))
    (line,) = [line for line in said.stdout.splitlines() if "knowledge database" in line]
    assert line.startswith("ok")
    assert "version" in line
    assert databases.PASSWORD not in said.stdout + said.stderr


@pytest.mark.parametrize("words", [("check",), ("log",), ("status",), ("run",)], ids=lambda words: words[0])
def test_a_server_that_is_away_is_said_in_a_line(
    bed: Bed, knowledge_server: KnowledgeServer, words: tuple[str]
) -> None:
    """No traceback, no password; the service is started again by systemd (75)."""
    bed.know_on(knowledge_server.url.set(port=databases.free_port()))
    said = bed.clerkd(*words, "--config", str(bed.config))
    told = said.stdout + said.stderr
    assert said.returncode == (1 if words == ("check",) else 75)
    assert "connection failed" in told
    assert "Connection refused" in told
    assert "Traceback" not in told
    assert databases.PASSWORD not in told


def test_a_wrong_password_is_said_in_a_line(bed: Bed, knowledge_server: KnowledgeServer) -> None:
    """It names the user, and neither password."""
    bed.know_on(knowledge_server.url.set(password="another"))
    said = bed.clerkd("log", "--config", str(bed.config))
    assert said.returncode == 75
    assert 'password authentication failed for user "clerkd"' in said.stderr
    assert "another" not in said.stderr


def test_a_second_machine_is_refused_and_told_who_is_at_work(served: Bed, tmp_path: Path) -> None:
    """It has a state directory of its own, so only the database can tell."""
    process = served.start()
    wait_for(lambda: "started" in served.log_text, what="the start")
    other = elsewhere(served, tmp_path / "other")
    told = rf"held by process {process.pid} on .*; only one clerkd may work on it"
    with pytest.raises(HeldError, match=told), working(other.settings):
        pytest.fail("two work on it")
    assert end(process) == 0, served.log_text
    other.close()


def test_an_order_that_is_left_on_another_machine_is_carried_out_by_the_daemon(served: Bed, tmp_path: Path) -> None:
    """The command waits for it, and does not take its place."""
    served.faults.poison, served.faults.always = "cannot be answered", 400
    served.server.deliver(mail("Poison", "This cannot be answered"))
    process = served.start()
    wait_for(lambda: served.state_of(1) == "failed", what="the failure")
    served.faults.always = None
    other = elsewhere(served, tmp_path / "other")
    said = other.clerkd("requeue", "1", "--config", str(other.config))
    assert said.returncode == 0, said.stderr
    wait_for(lambda: served.through(1) and served.state_of(1) == "done", what="the second try")
    assert '"event": "order"' in served.log_text or "order " in served.log_text
    assert end(process) == 0, served.log_text
    other.close()


def test_a_daemon_whose_hold_is_lost_ends_and_the_next_goes_on(served: Bed) -> None:
    """The server was started anew: somebody else may have taken over meanwhile."""
    process = served.start()
    wait_for(lambda: served.db.is_held, what="the start")
    run(served.db.engine.url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OF_OTHERS}")
    assert process.wait(30) == 75, served.log_text
    assert "Traceback" not in served.log_text
    served.server.deliver(mail("One"))
    served.work(1)
    assert served.state_of(1) == "done"


def test_a_newer_daemon_puts_an_end_to_an_older_one(served: Bed, tmp_path: Path) -> None:
    """Cut off from the server for a while, it writes nothing more once another has begun."""
    process = served.start()
    wait_for(lambda: served.db.is_held, what="the start")
    holder = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 27492"
    run(served.db.engine.url, holder)
    other = elsewhere(served, tmp_path / "other")
    other.server.deliver(mail("One"))
    other.work(1)
    assert process.wait(30) == 75, served.log_text
    assert [entry.message.subject for entry in other.entries] == ["One"]
    assert len(other.mails_in("Drafts")) == 1
    other.close()


def test_a_machine_that_is_lost_with_its_disk_is_replaced(
    served: Bed, knowledge_server: KnowledgeServer, tmp_path: Path
) -> None:
    """Knowledge and transcripts are on servers: with a config alone, another goes on in the same conversation."""
    url = new_database(knowledge_server.url)
    store = f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}"
    secret = f'{{ command = ["printf", "{databases.PASSWORD}"] }}'
    served.sections["session"] = f'[session.store]\nurl = "{store}"\npassword = {secret}\nrequired = true'
    served.server.deliver(mail("One"))
    served.run(lambda db: is_through(db, 1) and sessions.unmirrored(db) == [])
    before = sessions.live(served.db, SessionState.LIVE)
    shutil.rmtree(served.state.root)
    other = elsewhere(served, tmp_path / "other")
    other.server.deliver(mail("Two", sender="Bo Tern <bo@tern.example>"))
    other.work(2)
    after = sessions.live(other.db, SessionState.LIVE)
    assert before
    assert after
    assert after.id == before.id
    assert subjects_in_last_request(other) == ["One", "Two"]
    other.close()


def test_a_replay_sees_the_past(served: Bed, tmp_path: Path) -> None:
    """Nothing that came later is read, and nothing is written but the replay."""
    for subject in ("One", "Two", "Three"):
        served.server.deliver(mail(subject))
    served.work(3)
    variant = tmp_path / "same.toml"
    variant.write_text("", encoding="utf-8")
    said = served.clerkd("replay", "--ids", "2", "--with", str(variant), "--json", "--config", str(served.config))
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout.splitlines()[-1])
    seen = json.dumps(served.model.seen[-1]["messages"])
    assert ("Subject: Two" in seen, "Subject: Three" in seen) == (True, False)


def test_a_rollback_sets_it_back(served: Bed) -> None:
    """The decision behind it is withdrawn, and the mail is worked again."""
    for subject in ("One", "Two"):
        served.server.deliver(mail(subject, sender=f"{subject} <{subject.lower()}@quill.example>"))
    served.work(2)
    said = served.clerkd("session", "rollback", "2", "--config", str(served.config))
    assert said.returncode == 0, said.stderr
    assert served.state_of(2) == "held"
    assert served.clerkd("requeue", "2", "--config", str(served.config)).returncode == 0
    served.work(2)
    assert [entry.message.state for entry in served.entries] == ["done", "done"]
    assert served.clerkd("log", "verify", "--config", str(served.config)).returncode == 0


def test_a_daemon_of_a_shared_database_waits_until_a_vanished_one_is_gone(served: Bed) -> None:
    """Killed with its machine or by hand, it lets go by itself."""
    process = served.start()
    wait_for(lambda: served.db.is_held, what="the start")
    process.kill()
    process.wait(10)
    wait_for(lambda: not served.db.is_held, 10, "the end of the hold")
    served.server.deliver(mail("One"))
    served.work(1)
    assert served.state_of(1) == "done"
