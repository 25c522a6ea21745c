"""What the config lets the employee do alone, and when: read, or refused in words."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.judgement.autonomy import Effect, Mode, Wider
from daemon.judgement.hours import Hours
from daemon.settings import load
from tests.settings.configs import GOOD, NEEDS_SMTP, good, place, refusal, refused, toml

WITHOUT_SMTP = {name: keys for name, keys in GOOD.items() if name not in NEEDS_SMTP and not name.startswith("autonomy")}


def written(folder: Path, text: str) -> Path:
    """Write a config without [smtp], with this text behind it."""
    return place(folder, f"{toml(WITHOUT_SMTP)}\n{text}\n")


def test_it_hands_the_judgement_modes_rules_and_bounds(tmp_path: Path) -> None:
    """What the file says is what is judged by."""
    path = good(
        tmp_path,
        autonomy__reply='"ask"',
        autonomy__least_confidence="0.7",
        autonomy__most_amount="200",
        autonomy__wider__mode='"do"',
        autonomy__wider__known_days="30",
        autonomy__wider__categories='["question"]',
    )
    autonomy = load(path).autonomy.autonomy
    assert (autonomy.modes[Effect.REPLY], autonomy.modes[Effect.FORWARD]) == (Mode.ASK, Mode.ASK)
    assert autonomy.wider == (Wider(Effect.REPLY, Mode.DO, 30, categories=("question",)),)
    assert autonomy.narrower == {"complaint": {Effect.CLOSE: Mode.ASK}}
    assert (autonomy.least_confidence, autonomy.most_amount) == (0.7, 200.0)


def test_it_hands_the_judgement_the_hours(tmp_path: Path) -> None:
    """Days, times, zone and holidays."""
    path = good(
        tmp_path,
        hours__days='["mon", "sun"]',
        hours__times='"09:30-17:00"',
        hours__holidays='["2026-12-25"]',
    )
    hours = load(path).hours.hours
    assert (hours.days, hours.starts, hours.ends) == ((0, 6), time(9, 30), time(17))
    assert hours.holidays == {date(2026, 12, 25)}
    assert not hours.are_on(datetime(2026, 12, 25, 12, tzinfo=UTC))


def test_without_a_word_it_is_always_a_working_hour(tmp_path: Path) -> None:
    """Nothing is held back that nobody wants held back."""
    assert load(good(tmp_path)).hours.hours == Hours((), time(8), time(18), ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("autonomy.forward", '"draft"', "Input should be 'never', 'ask' or 'do' (found 'draft')"),
        (
            "autonomy.links",
            '["https://example.com"]',
            "'https://example.com' is not a plain domain such as example.com",
        ),
        ("autonomy.addressees", '{ books = "Books" }', "is not a plain address"),
        ("autonomy.addressees", '{ me = "support@example.com" }', "support@example.com is the employee's own address"),
        ("autonomy.categories.complaint.reply", '"do"', "'do' is wider than 'draft', allowed at most; a category is"),
        ("autonomy.wider.categories", '["nonsense"]', "wider.categories: 'nonsense' is none of employee.categories"),
        ("hours.days", '["monday"]', "'monday' is no day of the week; allowed: mon, tue, wed, thu, fri, sat, sun"),
        ("hours.times", '"9 to 5"', 'must be two times of day, such as "08:00-18:00"'),
        ("hours.times", '"08:00Z-18:00Z"', 'must be two times of day, such as "08:00-18:00"'),
        ("hours.zone", '"Vienna"', "there is no time zone 'Vienna'; it is written as \"Europe/Vienna\" is"),
        ("hours.holidays", '["25.12.2026"]', "'25.12.2026' is no day; it is written as \"2026-12-25\" is"),
    ],
)
def test_it_refuses_what_makes_no_sense_in_words(tmp_path: Path, key: str, value: str, said: str) -> None:
    """Each refusal says what is wrong and what is allowed."""
    assert said in refused(tmp_path, key, value)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('action = "reply"\nmode = "do"', "must rest on what clerkd itself knows of the sender: say authenticated"),
        ('action = "reply"\nmode = "do"\ncategories = ["question"]\nconfidence = 0.9', "must rest on what clerkd"),
        ('action = "reply"\nmode = "do"\nknown_days = 30', "must rest on what clerkd itself knows of the sender"),
        ('action = "move"\nmode = "draft"\nauthenticated = true', "mode: a move cannot be drafted"),
    ],
)
def test_a_rule_that_widens_must_rest_on_a_fact(tmp_path: Path, rule: str, said: str) -> None:
    """What the model says alone never widens anything."""
    found = refusal(written(tmp_path, f"[[autonomy.wider]]\n{rule}"))
    assert found.startswith("autonomy.wider: ")
    assert said in found


def test_a_category_must_be_one_of_the_employee_s(tmp_path: Path) -> None:
    """A misspelt category would never narrow anything."""
    found = refusal(written(tmp_path, '[autonomy.categories.complaints]\nreply = "never"'))
    assert found == "the file: autonomy.categories: 'complaints' is none of employee.categories"


@pytest.mark.parametrize(
    "text",
    [
        '[autonomy]\nreply = "ask"',
        '[autonomy]\nreply = "do"',
        '[[autonomy.wider]]\naction = "reply"\nmode = "do"\nauthenticated = true',
        '[autonomy.categories.complaint]\nreply = "ask"',
        '[autonomy]\naddressees = { books = "books@example.com" }',
    ],
)
def test_what_may_leave_needs_a_way_out(tmp_path: Path, text: str) -> None:
    """Without [smtp] nothing can be sent: the key that would have it sent is named, and what else to say."""
    found = refusal(written(tmp_path, text))
    assert found.startswith("the file: autonomy.")
    assert "there is no [smtp]" in found


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[autonomy]\nreply = "never"',
        '[autonomy]\nforward = "never"\naddressees = { books = "books@example.com" }',
        '[autonomy]\nforward = "do"',
        '[autonomy.categories.complaint]\nreply = "never"',
    ],
)
def test_what_never_leaves_needs_none(tmp_path: Path, text: str) -> None:
    """Drafts and refusals do without [smtp], and so does a forward for which nobody is named."""
    assert load(written(tmp_path, text)).smtp is None


def test_nobody_is_an_addressee_where_nothing_may_be_forwarded(tmp_path: Path) -> None:
    """The employee is not told of names that lead nowhere."""
    path = written(tmp_path, '[autonomy]\nforward = "never"\naddressees = { books = "books@example.com" }')
    assert load(path).addressees == {}
