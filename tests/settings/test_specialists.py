"""The files of the specialists: what each key gives, and how a file that is wrong is refused."""

from pathlib import Path

import pytest

from daemon.agent.tools import NAMES
from daemon.errors import FatalError
from daemon.judgement.handoffs import Awaited, Context, Specialist
from daemon.judgement.money import Prices
from daemon.paths import data_file
from daemon.settings import load, specialists_of
from daemon.settings.specialists import LONGEST_PROMPT, TOOLS
from tests.settings.configs import PASSWORD, good, with_mailboxes

FRONT = 'name = "billing"\nwhen = "Invoices."\n'


def engaged(place: Path, front: str = FRONT, prompt: str = "You bill.", name: str = "billing.md", **keys: str) -> Path:
    """Write a specialist's file and a config that names its directory."""
    directory = place / "staff"
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"+++\n{front}+++\n{prompt}\n", encoding="utf-8")
    return good(place, employee__specialists='"staff"', **keys)


def only(path: Path) -> Specialist:
    """Give the one specialist of a config."""
    (found,) = specialists_of(load(path))
    return found


def refusal(path: Path) -> str:
    """Give the words with which a config is refused."""
    with pytest.raises(FatalError) as refused:
        load(path)
    return str(refused.value)


def test_a_specialist_with_the_two_keys_that_must_be_given_has_defaults(tmp_path: Path) -> None:
    """The session's model and prices, the tools of its own case and sender, and limits."""
    found = only(engaged(tmp_path))
    prices = Prices(1.0, 5.0, 0.1, 1.25)
    tools = ("look_at_case", "search_decisions", "recall")
    assert found == Specialist("billing", "Invoices.", "You bill.", "claude-sonnet-5", prices, tools, 8, 120, 0.15)


def test_each_key_counts(tmp_path: Path) -> None:
    """Knowledge files stand behind the prompt, whole, under their names."""
    (tmp_path / "staff").mkdir()
    (tmp_path / "staff" / "prices.md").write_text('+++\nname = "prices"\nwhen = "-"\n+++\nA pump: 90 euros.\n')
    (tmp_path / "faq.txt").write_text("We open at nine.\n")
    keys = (
        'model = "other"\nprices = { input = 1, output = 2, cache_read = 3, cache_write = 4 }\ntools = ["recall"]\n'
        'knowledge = ["../faq.txt"]\nsteps = 3\nseconds = 9.5\ndollars = 0.01\nworkspace = true\n'
    )
    billing = specialists_of(load(engaged(tmp_path, FRONT + keys)))[0]
    assert billing == Specialist(
        "billing", "Invoices.", "You bill.\n\n# faq.txt\n\nWe open at nine.", "other", Prices(1, 2, 3, 4), ("recall",),
        3, 9.5, 0.01, workspace=True,
    )  # fmt: skip


def of_person(place: Path, front: str, **keys: str) -> Path:
    """Write the file of a specialist who is a person, in a config that names a border server."""
    border = {"mailbox__authserv_id": '"mx.example.com"', "mailbox__authserv_strips_forgeries": "true"}
    return engaged(place, FRONT + front, "Dear Alice,", **{**border, **keys})


@pytest.mark.parametrize(("days", "counts"), [("", 3), ("days = 0.5\n", 0.5)])
def test_a_specialist_may_be_a_person(tmp_path: Path, days: str, counts: float) -> None:
    """An address, and what stands above each letter there; she is waited for, and costs nothing."""
    found = only(of_person(tmp_path, f'to = "Alice@example.com"\n{days}'))
    free = Prices(0, 0, 0, 0)
    assert found == Specialist(
        "billing", "Invoices.", "Dear Alice,", "", free, (), 0, 0, 0, to="Alice@example.com", days=counts
    )
    assert found.awaited is Awaited.ANSWER


@pytest.mark.parametrize(
    "line",
    [
        'model = "claude-haiku-4-5"',
        "prices = { input = 1, output = 2, cache_read = 3, cache_write = 4 }",
        'tools = ["recall"]',
        "tools = []",
        'mcp = ["catalogue"]',
        'knowledge = ["prices.md"]',
        "steps = 8",
        "seconds = 120",
        "dollars = 0.15",
        "workspace = false",
        'context = "mail"',
        'context = "session"',
    ],
)
def test_what_only_a_model_needs_a_person_is_not_given(tmp_path: Path, line: str) -> None:
    """Also where it is what it would be without the key: whoever wrote it expects something of it."""
    words = refusal(of_person(tmp_path, f'to = "alice@example.com"\n{line}\n'))
    key = line.partition(" ")[0]
    assert words.endswith(f"billing.md: {key}: a specialist who is a person (to) takes none; leave it out")


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ('to = "Alice <alice@example.com>"\n', "to: 'Alice <alice@example.com>' is not a plain address such as name@"),
        ('to = ""\n', "to: '' is not a plain address such as name@example.com"),
        ('to = "alice@example.com, eve@evil.example"\n', "is not a plain address such as name@example.com"),
        ('to = "alice@example.com\\r\\nBcc: eve@evil.example"\n', "is not a plain address such as name@example.com"),
        ('to = ["alice@example.com"]\n', "to: Input should be a valid string"),
        ('to = "Support@Example.com"\n', "to: Support@Example.com is an address of the employee's own; its answers"),
        ('to = "alice@example.com"\ndays = 0\n', "days: Input should be greater than 0 (found 0)"),
        ('to = "alice@example.com"\ndays = 366\n', "days: Input should be less than or equal to 365 (found 366)"),
        ('to = "alice@example.com"\ndays = "3"\n', "days: Input should be a valid number"),
        ("days = 3\n", "days: only a specialist who is a person (to) is waited for; leave it out"),
    ],
)
def test_what_is_wrong_with_a_person_is_said_with_the_key(tmp_path: Path, front: str, said: str) -> None:
    """Before a letter goes anywhere."""
    words = refusal(of_person(tmp_path, front))
    assert words.startswith(f"{tmp_path}/staff/billing.md: ")
    assert said in words


def test_an_alias_of_the_employee_is_no_specialist(tmp_path: Path) -> None:
    """What came from there would be taken for our own mail."""
    words = refusal(of_person(tmp_path, 'to = "help@example.com"\n', employee__aliases='["Help@example.com"]'))
    assert "to: help@example.com is an address of the employee's own" in words


def test_without_a_border_server_a_person_cannot_be_asked(tmp_path: Path) -> None:
    """Nothing could show that an answer is hers, so the start is refused with the key that is missing."""
    words = refusal(engaged(tmp_path, f'{FRONT}to = "alice@example.com"\n'))
    assert words.endswith(
        "billing.md: to: an answer counts only where the border server vouches for its sender: give "
        "mailbox.authserv_id, with authserv_strips_forgeries = true"
    )


def test_one_border_server_of_several_mailboxes_is_enough(tmp_path: Path) -> None:
    """The answer may come into that one."""
    directory = engaged(tmp_path, f'{FRONT}to = "alice@example.com"\n').parent / "staff"
    one = {"host": '"a.example"', "user": '"a"', "password": PASSWORD}
    border = {"authserv_id": '"mx.example.com"', "authserv_strips_forgeries": "true"}
    path = with_mailboxes(tmp_path, one, {**one, **border, "user": '"b"'})
    path.write_text(path.read_text().replace("[employee]", f'[employee]\nspecialists = "{directory}"'))
    assert only(path).to == "alice@example.com"


def test_a_default_that_a_turn_does_not_allow_gives_way(tmp_path: Path) -> None:
    """A turn of a minute has handoffs of a minute at most."""
    path = engaged(tmp_path, model__turn_seconds="60", limits__dollars_per_turn="0.1")
    assert (only(path).seconds, only(path).dollars) == (60, 0.1)


def test_one_that_knows_the_session_has_limits_of_its_own(tmp_path: Path) -> None:
    """It is no part of a turn, and reads the whole conversation: ten minutes, and a turn's dollars."""
    session = FRONT + 'context = "session"\n'
    found = only(engaged(tmp_path, session, model__turn_seconds="60", limits__dollars_per_turn="0.3"))
    assert (found.context, found.seconds, found.dollars) == (Context.SESSION, 600, 0.3)
    found = only(engaged(tmp_path, session + "seconds = 3600\ndollars = 2.0\nworkspace = true\n"))
    assert (found.seconds, found.dollars, found.workspace) == (3600, 2.0, True)


def test_without_the_key_there_is_nobody(tmp_path: Path) -> None:
    """The employee works alone."""
    assert specialists_of(load(good(tmp_path))) == ()


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ('when = "-"\n', "name: is missing and has no default"),
        ('name = "billing"\n', "when: is missing and has no default"),
        ('name = "Bill Ing"\nwhen = "-"\n', "name: String should match pattern '^[a-z][a-z0-9-]{0,30}$'"),
        ('name = "general-purpose"\nwhen = "-"\n', "name: 'general-purpose' is a name of the engine's own"),
        ('name = "fork"\nwhen = "-"\n', "name: 'fork' is a name of the engine's own; choose another"),
        ('name = "billing"\nwhen = "two\\nlines"\n', "when: must be one line of text"),
        (
            FRONT + 'tools = ["decide"]\n',
            "tools.0: there is no tool 'decide' for specialists: give some of look_at_case",
        ),
        (FRONT + "steps = 0\n", "steps: Input should be greater than or equal to 1 (found 0)"),
        (FRONT + "steps = 1.5\n", "steps: Input should be a valid integer"),
        (FRONT + "seconds = 0\n", "seconds: Input should be greater than or equal to 1 (found 0)"),
        (FRONT + "seconds = 301\n", "seconds (301) must not exceed model.turn_seconds (300)"),
        (FRONT + "workspace = 1\n", "workspace: Input should be a valid boolean (found 1)"),
        (FRONT + "dollars = 0\n", "dollars: Input should be greater than 0 (found 0)"),
        (FRONT + "dollars = 0.6\n", "dollars (0.6) must not exceed limits.dollars_per_turn (0.5)"),
        (FRONT + 'context = "case"\n', "context: Input should be 'mail' or 'session' (found 'case')"),
        (FRONT + "context = true\n", "context: Input should be 'mail' or 'session'"),
        (FRONT + 'context = "session"\nseconds = 3601\n', "seconds: Input should be less than or equal to 3600"),
        (
            FRONT + 'context = "session"\ndollars = 19.6\n',
            "dollars (19.6) must not exceed limits.dollars_per_day less a turn's (19.5)",
        ),
        (FRONT + "prices = { input = 1 }\n", "prices.output: is missing and has no default"),
        (FRONT + 'model = "other"\n', "model: the list price of 'other' is not known (known: claude-sonnet-5"),
        (FRONT + "model = 2026-11-21\n", "model: the list price of '2026-11-21' is not known"),
        (FRONT + 'knowledge = ["gone.md"]\n', "staff/gone.md cannot be read: No such file or directory"),
        (FRONT + 'colour = "red"\n', "colour: unknown key"),
        ("name = \n", "its front matter is not valid TOML: Invalid value (at line 1"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_the_file_and_the_key(tmp_path: Path, front: str, said: str) -> None:
    """At start and by ``clerkd check``, before anything is put to anybody."""
    words = refusal(engaged(tmp_path, front))
    assert words.startswith(f"{tmp_path}/staff/billing.md: ")
    assert said in words


def test_one_that_knows_the_session_needs_dollars_beside_a_turn(tmp_path: Path) -> None:
    """Else it could never begin."""
    front = FRONT + 'context = "session"\n'
    words = refusal(engaged(tmp_path, front, limits__dollars_per_turn="2.0", limits__dollars_per_day="2.0"))
    assert words == (
        f'{tmp_path}/staff/billing.md: context = "session" needs dollars beside a turn: '
        "raise limits.dollars_per_day above dollars_per_turn"
    )
    assert only(engaged(tmp_path, front, limits__dollars_per_turn="2.0", limits__dollars_per_day="3.0")).dollars == 1.0


def test_one_that_knows_the_session_may_ask_no_server_outside(tmp_path: Path) -> None:
    """What everybody wrote could leave by way of it."""
    path = engaged(tmp_path, FRONT + 'context = "session"\nmcp = ["catalogue"]\n')
    assert refusal(path) == (
        f'{tmp_path}/staff/billing.md: mcp: with context = "session" it knows what everybody wrote, so it must not ask '
        "servers outside: leave one out"
    )


@pytest.mark.parametrize(
    "text", ["You bill.", "+++\nname = 'x'\n", "Hello\n+++\n+++\nYou bill.", f"+++\n{FRONT}+++\n \n"]
)
def test_a_file_that_is_none_of_a_specialist_is_refused(tmp_path: Path, text: str) -> None:
    """Without front matter, or without a prompt."""
    path = engaged(tmp_path)
    (tmp_path / "staff" / "notes.md").write_text(text)
    assert refusal(path) == (
        f"{tmp_path}/staff/notes.md: must begin with a line +++, the keys in TOML, and another line +++; "
        "below them stands the prompt"
    )


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """As the standing orders are."""
    path = engaged(tmp_path)
    (tmp_path / "staff" / "notes.md").write_bytes(b"\xff\xfe")
    assert refusal(path) == f"{tmp_path}/staff/notes.md: {tmp_path}/staff/notes.md cannot be read: it is not UTF-8 text"


def test_what_is_too_long_to_be_told_each_time_is_refused(tmp_path: Path) -> None:
    """Prompt and knowledge together, with both figures."""
    words = refusal(engaged(tmp_path, prompt="x" * (LONGEST_PROMPT + 1)))
    assert words.endswith("billing.md: prompt and knowledge are 100001 characters long; 100000 fit")


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    """The model could mean either."""
    engaged(tmp_path)
    words = refusal(engaged(tmp_path, name="other.md"))
    assert words == f"{tmp_path}/staff: two specialists are called billing; give each a name of its own"


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Nobody wonders why no case is handed over."""
    words = refusal(good(tmp_path, employee__specialists='"staff"'))
    assert words.endswith(f"employee.specialists: there is no such directory: {tmp_path}/staff")


def test_the_examples_that_come_with_clerkd_are_as_they_should_be(tmp_path: Path) -> None:
    """Billing, technical and complaints, with all defaults."""
    found = specialists_of(load(good(tmp_path, employee__specialists=f'"{data_file("config/specialists")}"')))
    assert [each.name for each in found] == ["billing", "complaints", "technical"]
    assert {(each.tools, each.steps, each.seconds, each.dollars) for each in found} == {(TOOLS[:3], 8, 120, 0.15)}


def test_a_specialist_can_be_given_nothing_but_tools_that_there_are() -> None:
    """The list of the settings and the tools themselves go together."""
    assert set(TOOLS) < set(NAMES)
