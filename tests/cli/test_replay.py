"""``clerkd replay`` as a person calls it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from daemon.review import replays as review
from daemon.review.replays import Page
from knowledge.tables import Message, Replay, ReplayTurn
from tests.bed import PASSWORD, USER, Bed, mail
from tests.faults import Faults
from tests.knowledge.rows import NOW


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Work a mail that the model decides on and one that a rule files, once."""
    faults = Faults()
    with MailServer(USER, PASSWORD) as server, StandIn(decide, wrap=faults.around) as model:
        bed = Bed(tmp_path_factory.mktemp("replay"), server, model, faults)
        bed.server.deliver(mail("Hours"))
        bed.server.deliver(mail("News", Precedence="bulk", List_Id="<news.quill.example>"))
        bed.work(2)
        yield bed
        bed.close()


@pytest.fixture
def terse(worked: Bed) -> Path:
    """Write a variant with standing orders of its own."""
    (worked.root / "orders").mkdir(exist_ok=True)
    (worked.root / "orders" / "terse.md").write_text("Be terse.", encoding="utf-8")
    path = worked.root / "orders" / "terse.toml"
    path.write_text('[employee]\norders = "terse.md"\n', encoding="utf-8")
    return path


def test_a_replay_prints_a_table_and_writes_it_as_markdown(worked: Bed, terse: Path) -> None:
    """The file lies where the command was called, for its owner alone; the orders are sought beside the variant."""
    worked.model.seen.clear()
    shown = worked.clerkd("replay", "--ids", "1", "--with", str(terse), "--config", str(worked.config))
    assert (shown.returncode, shown.stderr) == (0, "message 1, terse: agrees\n")
    assert "1 of 1 (100%)" in shown.stdout
    assert "Nothing was done in a mailbox." in shown.stdout
    assert "Be terse." in json.dumps(worked.model.seen[0]["system"])
    (path,) = worked.root.glob("replay-*.md")
    assert str(path.name) in shown.stdout
    assert path.stat().st_mode & 0o077 == 0
    assert "| 1 | Hours | terse | yes |  |" in path.read_text(encoding="utf-8")


def test_a_replay_gives_json(worked: Bed, terse: Path) -> None:
    """Everything that is known of each turn."""
    output = worked.root / "out.md"
    arguments = ["--with", str(terse), "--config", str(worked.config), "--output", str(output), "--json"]
    shown = worked.clerkd("replay", "--since", "1h", *arguments)
    record = json.loads(shown.stdout)
    assert record["variants"] == ["terse"]
    (turn,) = record["turns"]
    assert (turn["message_id"], turn["agrees"], turn["category"]) == (1, True, "question")
    assert output.exists()


def test_kept_forks_are_named(worked: Bed, terse: Path) -> None:
    """A person who keeps them wants to look into them."""
    arguments = [
        "--with",
        str(terse),
        "--config",
        str(worked.config),
        "--output",
        str(worked.root / "out.md"),
        "--keep",
    ]
    shown = worked.clerkd("replay", "--case", "1", *arguments)
    place = Path(shown.stdout.rpartition("the forks are in ")[2].strip())
    assert list(place.glob("1-terse/claude/projects/*/*.jsonl"))


def test_a_mail_that_a_rule_filed_is_left_out(worked: Bed, terse: Path) -> None:
    """It was never put to the model; where nothing is left, that is an error."""
    shown = worked.clerkd("replay", "--ids", "2", "--with", str(terse), "--config", str(worked.config))
    assert shown.returncode == 2
    assert shown.stderr.splitlines() == [
        "left out: message 2 was never put to the model",
        "clerkd: no message that was put to the model fits; `clerkd log` shows what there is",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--with", "TERSE"], "clerkd: say which mails: --since, --case or --ids"),
        (["--ids", "1"], "clerkd: say what to try: --with FILE"),
        (["--ids", "1", "--with", "TERSE", "--with", "TERSE"], "two variants are called terse"),
        (["--ids", "one", "--with", "TERSE"], "clerkd: --ids 'one' are no numbers of mails: give them as 3,7-9"),
        (["--ids", "3-1", "--with", "TERSE"], "clerkd: --ids '3-1' are no numbers of mails"),
        (["--ids", "0", "--with", "TERSE"], "clerkd: --ids '0' are no numbers of mails"),
        (["--ids", "1-99999999", "--with", "TERSE"], "clerkd: --ids '1-99999999' are no numbers of mails"),
        (["--since", "noon", "--with", "TERSE"], "clerkd: --since 'noon' is no time"),
        (["--ids", "1", "--with", "/none.toml"], "clerkd: /none.toml: there is no such file; a variant says in TOML"),
        (["--ids", "1", "--with", "TERSE", "--output", "/none/x.md"], "/none/x.md: the Markdown cannot be written"),
    ],
)
def test_a_wrong_call_says_what_to_do(worked: Bed, terse: Path, arguments: list[str], told: str) -> None:
    """Each with its own words, before the model is asked anything."""
    worked.model.seen.clear()
    words = [str(terse) if word == "TERSE" else word for word in arguments]
    shown = worked.clerkd("replay", *words, "--config", str(worked.config))
    assert shown.returncode == 2
    assert told in shown.stderr
    assert "Traceback" not in shown.stderr
    assert worked.model.seen == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[mailbox]\nhost = "elsewhere.example"', "mailbox: a variant may change [employee], [model]"),
        ("[service]\nstop_seconds = 3", "service: a variant may change"),
        ("frobnicate = 1", "frobnicate: a variant may change"),
        ("[limits]\ndollars_per_day = 99", "limits.dollars_per_day: the service's caps hold for a replay, too"),
        ("[model]\nturn_seconds = 0", "model.turn_seconds: "),
        ('[model]\nfrobnicate = "x"', "model.frobnicate: unknown key"),
        ("model = 3", "model: "),
        ('[employee]\norders = "none.md"', "employee.orders: the standing orders "),
        ("[employee]\norders = 3", "employee.orders: "),
        ("[limits", "is not valid TOML"),
    ],
)
def test_a_wrong_variant_is_refused_with_its_file_and_key(worked: Bed, text: str, told: str) -> None:
    """As the config is; mail can neither come from nor go to elsewhere."""
    path = worked.root / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    shown = worked.clerkd("replay", "--ids", "1", "--with", str(path), "--config", str(worked.config))
    assert shown.returncode == 2
    assert f"{path}: {told}" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_without_a_live_session_there_is_none_to_fork(bed: Bed, tmp_path: Path) -> None:
    """Before the first mail there is nothing to fork."""
    bed.prepare()
    (tmp_path / "v.toml").write_text("", encoding="utf-8")
    arguments = ["--ids", "1", "--with", str(tmp_path / "v.toml"), "--config", str(bed.config), "--live-session"]
    shown = bed.clerkd("replay", *arguments)
    assert (shown.returncode, shown.stderr) == (2, "clerkd: no session is live, so there is none to fork\n")


def page_of(words: str) -> Page:
    """Make a page on which a mail and a model have written."""
    turn = ReplayTurn(replay_id=1, message_id=1, session_id="one", variant="v", model="m", state="settled",
                      agrees=False, reason=words, changes=[words], reserved_usd=0.5, cost_usd=0.1,
                      started_at=NOW)  # fmt: skip
    message = Message(mailbox="m", folder="f", uidvalidity=1, uid=1, sha256="s", size=1, subject=words, received_at=NOW,
                      state="done", updated_at=NOW)  # fmt: skip
    return Page(Replay(id=1, of_live_session=False, variants=["v"], started_at=NOW), [(turn, message)])


@given(st.text(alphabet=st.sampled_from("a|\\`\n\r<>[]!*_~#&$ \x1b\x85\u2028"), max_size=30))
def test_what_a_mail_or_a_model_wrote_never_breaks_the_markdown(words: str) -> None:
    """A cell ends where we end it, no line is added, and no markup of theirs is left."""
    lines = review.markdown(page_of(words)).splitlines()
    assert len(lines) == 11
    row = lines[-1]
    unescaped = row.replace("\\\\", "")
    assert unescaped.count("|") - unescaped.count("\\|") == 6
    assert all(f"\\{mark}" in row or mark not in row for mark in "`<[*")
    assert "\x1b" not in row


def test_a_turn_that_is_not_judged_is_counted_apart() -> None:
    """It neither agrees nor differs."""
    page = page_of("x")
    page.turns[0][0].agrees, page.turns[0][0].failure = None, "the API is not available"
    assert "| v | m | 0 of 0, 1 not judged |" in review.markdown(page)
    assert "the API is not available" in review.markdown(page)
