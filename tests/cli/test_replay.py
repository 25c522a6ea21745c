"""``clerkd replay`` as a person calls it."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import FatalError
from daemon.judgement.money import LIST_PRICES
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from daemon.review import replays as review
from daemon.review.replays import Page
from daemon.settings import load_variant
from knowledge.tables import Message, Replay, ReplayTurn
from tests.bed import PASSWORD, USER, Bed, end, mail, wait_for
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
    (path,) = worked.root.glob("replay-2*.md")
    assert (shown.returncode, shown.stderr) == (0, f"message 1, terse: agrees\nwritten to {path.name}\n")
    assert "1 of 1 (100%)" in shown.stdout
    assert "Nothing was done in a mailbox." in shown.stdout
    assert "Be terse." in json.dumps(worked.model.seen[0]["system"])
    assert path.stat().st_mode & 0o077 == 0
    assert "| 1 | Hours | terse | yes |  |" in path.read_text(encoding="utf-8")


def test_an_earlier_replay_is_listed_and_shown_again(worked: Bed, terse: Path) -> None:
    """What was paid for is not lost with the terminal."""
    output = worked.root / "again.md"
    arguments = ["--with", str(terse), "--output", str(output), "--config", str(worked.config)]
    first = worked.clerkd("replay", "--ids", "1", *arguments)
    listed = worked.clerkd("replay", "list", "--config", str(worked.config)).stdout
    number = listed.splitlines()[2].split()[0]
    assert "terse" in listed
    assert worked.clerkd("replay", "show", number, "--config", str(worked.config)).stdout == first.stdout
    markdown = worked.clerkd("replay", "show", number, "--markdown", "--config", str(worked.config)).stdout
    assert markdown == output.read_text(encoding="utf-8")
    record = json.loads(worked.clerkd("replay", "show", number, "--json", "--config", str(worked.config)).stdout)
    assert record["id"] == int(number)


@pytest.mark.exhaustive
def test_an_older_file_of_that_name_is_replaced_whole_and_closed_to_others(worked: Bed, terse: Path) -> None:
    """It tells of people's mail now."""
    output = worked.root / "older.md"
    output.write_text("x" * 100_000, encoding="utf-8")
    output.chmod(0o644)
    arguments = ["--with", str(terse), "--output", str(output), "--config", str(worked.config)]
    worked.clerkd("replay", "--ids", "1", *arguments)
    assert output.stat().st_mode & 0o077 == 0
    assert "xxx" not in output.read_text(encoding="utf-8")


@pytest.mark.exhaustive
def test_a_replay_that_is_interrupted_tells_what_was_not_tried(worked: Bed, terse: Path) -> None:
    """The turn at hand is broken off as stopped; the table says how many are missing, and so does the exit code."""
    for number in range(3):
        worked.server.deliver(mail(f"More {number}", sender=f"p{number}@tern.example"))
    worked.work(5)
    worked.sections["service"] = "stop_seconds = 1"
    worked.faults.always, worked.faults.calls = "silence", 0
    output = worked.root / "stopped.md"
    words = ["replay", "--ids", "1-5", "--with", str(terse), "--output", str(output), "--parallel", "1"]
    process = worked.start("-m", "daemon", *words, "--config", str(worked.config))
    try:
        wait_for(lambda: worked.faults.calls == 1, what="the first fork's turn")
        assert end(process, signal.SIGINT) == 1
    finally:
        worked.faults.always, worked.sections = None, {}
    told = output.read_text(encoding="utf-8")
    assert "It was stopped: 3 of 4 turns were not tried." in told
    assert "the replay was stopped during the turn" in told


def test_a_replay_gives_json(worked: Bed, terse: Path) -> None:
    """Everything that is known of each turn."""
    output = worked.root / "out.md"
    arguments = ["--with", str(terse), "--config", str(worked.config), "--output", str(output), "--json"]
    shown = worked.clerkd("replay", "--since", "1h", *arguments)
    record = json.loads(shown.stdout)
    assert record["variants"] == ["terse"]
    turn = record["turns"][0]
    assert (turn["message_id"], turn["agrees"], turn["category"]) == (1, True, "question")
    assert output.exists()


@pytest.mark.exhaustive
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
    place = Path(shown.stderr.rpartition("the forks are in ")[2].strip())
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
        (["--ids", "", "--with", "TERSE"], "clerkd: --ids '': give the numbers of 1 to 10000 mails"),
        (["--ids", ",", "--with", "TERSE"], "clerkd: --ids ',': give the numbers of 1 to 10000 mails"),
        (["--ids", "1-9999,20000-29999", "--with", "TERSE"], "give the numbers of 1 to 10000 mails"),
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
        ('[autonomy]\nreply = "often"', "autonomy.reply"),
        ("[knowledge]\ndocuments = []", "knowledge.documents: what is known is the service's"),
        ("[session]\nhandover_tokens = 300", "session: a variant may change"),
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


def test_a_variants_key_that_cannot_be_had_is_told_before_anything_is_put(worked: Bed) -> None:
    """Nothing is charged then, and no file is left."""
    path = worked.root / "keyless.toml"
    path.write_text('[model]\napi_key = { credential = "other-key" }\n', encoding="utf-8")
    output = worked.root / "keyless.md"
    arguments = ["--with", str(path), "--output", str(output), "--config", str(worked.config)]
    shown = worked.clerkd("replay", "--ids", "1", *arguments)
    assert shown.returncode == 2
    assert "keyless: model.api_key: a secret comes from a credential, but $CREDENTIALS_DIRECTORY" in shown.stderr
    assert not output.exists()


def test_a_variants_model_has_prices_of_its_own(worked: Bed) -> None:
    """Those of the config are another model's; one without a list price must bring its own."""
    base, path = worked.root / "priced.toml", worked.root / "model.toml"
    prices = "[model.prices]\ninput = 1\noutput = 2\ncache_read = 0.1\ncache_write = 1\n"
    base.write_text(worked.config.read_text(encoding="utf-8") + prices, encoding="utf-8")
    path.write_text('[model]\nname = "claude-opus-5"\n', encoding="utf-8")
    assert load_variant(base, path).model.price_list == LIST_PRICES["claude-opus-5"]
    path.write_text("[model]\nmost_steps = 5\n", encoding="utf-8")
    assert load_variant(base, path).model.price_list.output == 2
    path.write_text('[model]\nname = "claude-unknown"\n', encoding="utf-8")
    with pytest.raises(FatalError, match="the list price of 'claude-unknown' is not known"):
        load_variant(base, path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--ids", "99"], "message 99 is not there"),
        (["--ids", "1", "--case", "99"], "message 1 is outside of --since or --case"),
        (["--ids", "2"], "message 2 was never put to the model"),
    ],
)
def test_what_is_left_out_is_told_with_the_reason(worked: Bed, terse: Path, arguments: list[str], told: str) -> None:
    """A person who names a mail wants to know why it is not there."""
    shown = worked.clerkd("replay", *arguments, "--with", str(terse), "--config", str(worked.config))
    assert shown.returncode == 2
    assert shown.stderr.startswith(f"left out: {told}")


def test_a_replay_that_is_not_there_is_told(worked: Bed) -> None:
    """With where the numbers are."""
    shown = worked.clerkd("replay", "show", "99", "--config", str(worked.config))
    assert (shown.returncode, shown.stderr) == (
        2,
        "clerkd: there is no replay 99; `clerkd replay list` shows the numbers\n",
    )


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
    return Page(
        Replay(id=1, of_live_session=False, place="p", wanted=1, variants=["v"], started_at=NOW), [(turn, message)]
    )


@given(st.text(alphabet=st.sampled_from("a|\\`\n\r<>[]!*_~#&$:@ \x1b\x85\u2028"), max_size=30))
def test_what_a_mail_or_a_model_wrote_never_breaks_the_markdown(words: str) -> None:
    """A cell ends where we end it, no line is added, and each mark of theirs is escaped."""
    lines = review.markdown(page_of(words)).splitlines()
    assert len(lines) == 11
    row = re.sub(r"\\.", "", lines[-1])  # what is escaped is text
    assert row.count("|") == 6
    row = row.replace("; why:", "")
    assert not set("\\`<>[]!*_~#&:@\x1b") & set(row)


def test_a_turn_that_is_not_judged_is_counted_apart() -> None:
    """It neither agrees nor differs."""
    page = page_of("x")
    page.turns[0][0].agrees, page.turns[0][0].failure = None, "the API is not available"
    assert "| v | m | 0 of 0, 1 not judged |" in review.markdown(page)
    assert "the API is not available" in review.markdown(page)
