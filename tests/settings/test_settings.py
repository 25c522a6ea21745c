"""The config: read as it is written, or refused with file, key, what is wrong and what is allowed."""

import re
from itertools import chain
from pathlib import Path

import pytest
from pydantic import ValidationError

from daemon.errors import FatalError
from daemon.judgement.money import LIST_PRICES, Budget, Prices
from daemon.judgement.policy import Handled
from daemon.judgement.retry import Pauses
from daemon.settings import DEFAULT_PATH, ImapMailbox, Model, Smtp, load, locate, postgresql_url
from tests.settings.configs import (
    ADDRESSES,
    ALL_KEYS,
    CHOICES,
    DAYS,
    GOOD,
    LISTS,
    MISSING,
    NUMBERS,
    ORDERS,
    REQUIRED,
    SECRETS,
    SECTIONS,
    TABLES,
    TAGS,
    TEXTS,
    TRUTHS,
    UNKNOWN,
    URLS,
    WHOLE_NUMBERS,
    WITH_DEFAULTS,
    good,
    place,
    refusal,
    refused,
    toml,
)

BAD = Path(__file__).parent / "bad_configs"
WORDS = ["employee.name", "mailbox.host", "mailbox.user", "mailbox.sign_in.client_id", "smtp.host", "smtp.user"]
LINES = ["mailbox.label", "mailbox.drafts", "mailbox.sent", "mailbox.handled_flag", "mailbox.handled_folder",
         "mailbox.authserv_id"]  # fmt: skip


# What is good


def test_the_lists_of_this_file_name_every_key() -> None:
    """No key of the settings is left untested below."""
    lists = (TEXTS, ADDRESSES, LISTS, TABLES, CHOICES, TAGS, DAYS, TRUTHS, URLS, WHOLE_NUMBERS, NUMBERS, SECRETS)
    assert sorted(chain.from_iterable(lists)) == sorted(ALL_KEYS)


def test_the_list_of_required_keys_is_right() -> None:
    """Exactly these keys have no default."""
    assert sorted(set(ALL_KEYS) - set(WITH_DEFAULTS)) == sorted(REQUIRED)


def test_it_loads_a_good_config(tmp_path: Path) -> None:
    """The text from which all bad ones deviate is good."""
    assert load(good(tmp_path)).employee.name == "Robin Reed"


def test_it_loads_the_shortest_config(tmp_path: Path) -> None:
    """Sections without required keys may be left out."""
    tables = {name: GOOD[name] for name in ("employee", "mailbox", "model")}
    assert load(place(tmp_path, toml(tables))).smtp is None


def test_it_cannot_be_changed(tmp_path: Path) -> None:
    """Settings are frozen."""
    settings = load(good(tmp_path))
    with pytest.raises(ValidationError, match="frozen"):
        settings.limits.dollars_per_day = 1_000_000  # type: ignore[misc]


def test_it_strips_blanks_around_words(tmp_path: Path) -> None:
    """A name with blanks around it is the name."""
    assert load(good(tmp_path, employee__name='"  Robin Reed "')).employee.name == "Robin Reed"


def test_it_takes_whole_numbers_where_fractions_are_allowed(tmp_path: Path) -> None:
    """Nobody must write 20.0."""
    assert load(good(tmp_path, limits__dollars_per_day="21")).limits.dollars_per_day == 21


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mailbox.port", "1"),
        ("mailbox.port", "65535"),
        ("mailbox.poll_seconds", "0.05"),
        ("mailbox.largest_mail", "1024"),
        ("mailbox.follow_seconds", "0.05"),
        ("reading.seconds", "600"),
        ("reading.megabytes", "256"),
        ("reading.longest_text", "200"),
        ("model.turn_seconds", "3600"),
        ("model.most_steps", "2"),
        ("model.api_retries", "0"),
        ("limits.dollars_per_day", "300.0"),
        ("limits.dollars_per_turn", "20.0"),
        ("retry.first_pause_seconds", "900"),
        ("retry.reconcile_seconds", "0"),
        ("model.prices.cache_read", "0"),
    ],
)
def test_it_takes_a_value_at_its_bound(tmp_path: Path, key: str, value: str) -> None:
    """Bounds are inclusive."""
    assert load(good(tmp_path, **{key.replace(".", "__"): value}))


def test_it_takes_the_orders_path_as_relative_to_the_config(tmp_path: Path) -> None:
    """Wherever the daemon is started, it finds its orders."""
    assert load(good(tmp_path)).standing_orders == ORDERS


def test_it_takes_an_absolute_orders_path_as_it_is(tmp_path: Path) -> None:
    """Orders may stand elsewhere."""
    (tmp_path / "orders").mkdir()
    elsewhere = tmp_path / "orders" / "robin.md"
    elsewhere.write_text("Be brief.", encoding="utf-8")
    assert load(good(tmp_path, employee__orders=f'"{elsewhere}"')).standing_orders == "Be brief."


def test_it_gives_its_own_addresses_in_lower_case(tmp_path: Path) -> None:
    """Mail from any spelling of an own address is known."""
    settings = load(good(tmp_path, employee__address='"Support@Example.com"', employee__aliases='["Help@Example.com"]'))
    assert settings.employee.own_addresses == {"support@example.com", "help@example.com"}


@pytest.mark.parametrize(
    ("section", "security", "port"),
    [
        (ImapMailbox, "tls", 993),
        (ImapMailbox, "starttls", 143),
        (ImapMailbox, "none", 143),
        (Smtp, "tls", 465),
        (Smtp, "starttls", 587),
        (Smtp, "none", 25),
    ],
)
def test_it_knows_the_usual_port(section: type[ImapMailbox | Smtp], security: str, port: int) -> None:
    """Each kind of security has its port."""
    server = section.model_validate({"host": "h", "user": "u", "password": {"env": "P"}, "security": security})
    assert server.effective_port == port


@pytest.mark.parametrize("section", [ImapMailbox, Smtp])
def test_a_given_port_goes_before_the_usual_one(section: type[ImapMailbox | Smtp]) -> None:
    """The configured port counts."""
    server = section.model_validate({"host": "h", "user": "u", "password": {"env": "P"}, "port": 1143})
    assert server.effective_port == 1143


def test_it_hands_the_judgement_its_values(tmp_path: Path) -> None:
    """Caps, pauses and the handled mail's fate are the configured ones."""
    settings = load(good(tmp_path, mailbox__handled_flag='"$Clerkd"', mailbox__handled_folder='"Done"'))
    assert (settings.limits.budget, settings.retry.pauses, settings.mailboxes[0].handled) == (
        Budget(0.5, 20.0, 300.0),
        Pauses(15, 900),
        Handled("$Clerkd", "Done"),
    )


def test_it_reckons_with_the_configured_prices(tmp_path: Path) -> None:
    """Given prices go before the list's."""
    assert load(good(tmp_path)).model.price_list == Prices(1.0, 5.0, 0.1, 1.25)


def test_it_reckons_with_the_list_price_of_a_known_model() -> None:
    """Without prices of its own, a model costs what the list says."""
    assert Model.model_validate({"api_key": {"env": "K"}}).price_list == LIST_PRICES["claude-sonnet-5"]


# Where the config is


def test_a_given_config_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said on the command line counts."""
    monkeypatch.setenv("CLERKD_CONFIG", "/from/environment.toml")
    assert locate(Path("/given.toml")) == Path("/given.toml")


def test_the_environment_goes_before_the_usual_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a given config the variable counts."""
    monkeypatch.setenv("CLERKD_CONFIG", "/from/environment.toml")
    assert locate(None) == Path("/from/environment.toml")


@pytest.mark.usefixtures("no_environment")
def test_the_usual_place_comes_last() -> None:
    """Where nobody says anything, the config is where packages put it."""
    assert locate(None) == DEFAULT_PATH


@pytest.mark.parametrize("given", [True, False], ids=["given", "from the environment"])
def test_it_says_where_there_is_no_config_and_how_to_write_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """A missing file is named with the command that makes it."""
    path = tmp_path / "nowhere.toml"
    monkeypatch.setenv("CLERKD_CONFIG", str(path))
    with pytest.raises(FatalError) as found:
        load(path if given else None)
    assert str(found.value) == f"{path}: there is no config file here. Write one with: clerkd init --config {path}"


def test_it_says_that_a_folder_is_no_config(tmp_path: Path) -> None:
    """A path that cannot be read is named with the system's reason."""
    assert refusal(tmp_path) == "cannot be read: Is a directory"


def test_it_says_that_a_config_is_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are no TOML."""
    path = tmp_path / "clerkd.toml"
    path.write_bytes(b'name = "\xff"')
    assert refusal(path) == "cannot be read: it is not UTF-8 text"


# What is bad: a file for each kind, and a variant for each key


@pytest.mark.parametrize("path", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_it_refuses_a_bad_config_in_so_many_words(path: Path) -> None:
    """The first line of each file says what is expected, and nothing else is said."""
    expected = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# expect: ")
    assert refusal(path) == expected.replace("{folder}", str(BAD))


@pytest.mark.parametrize("path", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_a_refusal_names_the_file(path: Path) -> None:
    """Whoever has several configs sees which one is meant."""
    with pytest.raises(FatalError, match=f"^{re.escape(str(path))}: "):
        load(path)


def test_there_is_a_bad_config_of_every_kind() -> None:
    """The files have not got lost."""
    assert len(list(BAD.glob("*.toml"))) >= 12


@pytest.mark.parametrize("section", SECTIONS)
def test_it_refuses_an_unknown_key_in_each_section(tmp_path: Path, section: str) -> None:
    """A misspelt key is named, and its value is not shown."""
    assert refused(tmp_path, f"{section}.surprise", '"open-sesame"') == f"{section}.surprise: {UNKNOWN}"


@pytest.mark.parametrize("key", SECRETS)
def test_it_refuses_an_unknown_source_of_a_secret(tmp_path: Path, key: str) -> None:
    """A misspelt source is named."""
    assert f"{key}.vault: {UNKNOWN}" in refused(tmp_path, key, '{ vault = "x" }')


@pytest.mark.parametrize("key", [key for key in REQUIRED if key not in ("mailbox.maildir", "mailbox.sign_in.way")])
def test_it_misses_each_required_key(tmp_path: Path, key: str) -> None:
    """A key without a default is named."""
    assert refusal(good(tmp_path, without=key)) == f"{key}: {MISSING}"


@pytest.mark.parametrize("section", ["employee", "mailbox", "model"])
def test_it_misses_each_required_section(tmp_path: Path, section: str) -> None:
    """A section without defaults is named."""
    tables = {name: GOOD[name] for name in ("employee", "mailbox", "model") if name != section}
    assert refusal(place(tmp_path, toml(tables))) == f"{section}: {MISSING}"


@pytest.mark.parametrize("section", ["employee", "mailbox", "reading", "smtp", "model", "limits", "retry", "service"])
def test_it_refuses_a_section_that_is_no_table(tmp_path: Path, section: str) -> None:
    """A number is no section."""
    others = {name: keys for name, keys in GOOD.items() if not name.startswith(section)}
    path = place(tmp_path, f"{section} = 5\n{toml(others)}")
    assert refusal(path) == f"{section}: Input should be an object (found 5)"


@pytest.mark.parametrize("key", [*TEXTS, *ADDRESSES, *URLS])
def test_it_refuses_a_number_for_each_text(tmp_path: Path, key: str) -> None:
    """A text must stand in quotation marks."""
    assert refused(tmp_path, key, "5") == f"{key}: Input should be a valid string (found 5)"


@pytest.mark.parametrize("key", [*TEXTS, *ADDRESSES, *URLS])
def test_it_refuses_a_date_for_each_text(tmp_path: Path, key: str) -> None:
    """A date of TOML is no text, although it can be written as one."""
    assert refused(tmp_path, key, "2026-11-02").startswith(f"{key}: ")


@pytest.mark.parametrize("key", CHOICES)
def test_it_refuses_a_word_that_is_no_choice(tmp_path: Path, key: str) -> None:
    """The words that are allowed are named."""
    found = refused(tmp_path, key, '"perhaps"')
    assert re.fullmatch(rf"{key}: Input should be ('\w+'(, | or )?)+ \(found 'perhaps'\)", found)


@pytest.mark.parametrize("key", TRUTHS)
@pytest.mark.parametrize("value", ['"true"', "1"])
def test_it_refuses_what_is_neither_true_nor_false(tmp_path: Path, key: str, value: str) -> None:
    """A word in quotation marks is no truth, and neither is a number."""
    found = refused(tmp_path, key, value)
    assert found == f"{key}: Input should be a valid boolean (found {value.replace(chr(34), chr(39))})"


@pytest.mark.parametrize("key", LISTS)
def test_it_refuses_a_text_for_each_list(tmp_path: Path, key: str) -> None:
    """A list must stand in brackets."""
    assert refused(tmp_path, key, '"one"') == f"{key}: Input should be a valid array (found 'one')"


@pytest.mark.parametrize("key", TABLES)
def test_it_refuses_a_text_for_each_table(tmp_path: Path, key: str) -> None:
    """A table stands in braces, or under a heading of its own."""
    assert refused(tmp_path, key, '"open-sesame"').startswith(f"{key}: Input should be an object")


@pytest.mark.parametrize("key", LISTS)
def test_it_refuses_a_number_in_each_list(tmp_path: Path, key: str) -> None:
    """The place in the list is named."""
    found = refused(tmp_path, key, '["a@example.com", 5]')
    assert found == f"{key}.1: Input should be a valid string (found 5)"


@pytest.mark.parametrize("key", WHOLE_NUMBERS)
def test_it_refuses_a_text_for_each_whole_number(tmp_path: Path, key: str) -> None:
    """A number stands without quotation marks."""
    assert refused(tmp_path, key, '"30"') == f"{key}: Input should be a valid integer (found '30')"


@pytest.mark.parametrize("key", WHOLE_NUMBERS)
def test_it_refuses_a_fraction_for_each_whole_number(tmp_path: Path, key: str) -> None:
    """There are no half steps."""
    assert refused(tmp_path, key, "300.5").startswith(f"{key}: Input should be a valid integer")


@pytest.mark.parametrize("key", NUMBERS)
def test_it_refuses_a_text_for_each_number(tmp_path: Path, key: str) -> None:
    """A number stands without quotation marks."""
    assert refused(tmp_path, key, '"30"') == f"{key}: Input should be a valid number (found '30')"


@pytest.mark.parametrize("key", [*WHOLE_NUMBERS, *NUMBERS])
def test_it_refuses_a_truth_for_each_number(tmp_path: Path, key: str) -> None:
    """True is not one."""
    assert refused(tmp_path, key, "true").startswith(f"{key}: Input should be a valid ")


@pytest.mark.parametrize("key", [*WHOLE_NUMBERS, *NUMBERS])
def test_it_refuses_a_negative_value_of_each_number(tmp_path: Path, key: str) -> None:
    """No number of the settings is below nought."""
    assert re.fullmatch(
        rf"{key}: Input should be greater than (or equal to )?[\d.]+ \(found -1(\.0)?\)", refused(tmp_path, key, "-1")
    )


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", ["inf", "nan"])
def test_it_refuses_a_value_of_each_number_that_cannot_be_reckoned_with(tmp_path: Path, key: str, value: str) -> None:
    """No cap, price or pause is without end."""
    assert refused(tmp_path, key, value).startswith(f"{key}: Input should be ")


@pytest.mark.parametrize(
    ("key", "value", "bound"),
    [
        ("mailbox.port", "0", "greater than or equal to 1"),
        ("mailbox.port", "65536", "less than or equal to 65535"),
        ("mailbox.poll_seconds", "0.01", "greater than or equal to 0.05"),
        ("mailbox.poll_seconds", "86401", "less than or equal to 86400"),
        ("mailbox.timeout_seconds", "0", "greater than 0"),
        ("mailbox.timeout_seconds", "86401", "less than or equal to 86400"),
        ("mailbox.largest_mail", "1023", "greater than or equal to 1024"),
        ("mailbox.follow_seconds", "0.01", "greater than or equal to 0.05"),
        ("mailbox.follow_seconds", "86401", "less than or equal to 86400"),
        ("reading.seconds", "0.5", "greater than or equal to 1"),
        ("reading.seconds", "601", "less than or equal to 600"),
        ("reading.megabytes", "255", "greater than or equal to 256"),
        ("reading.megabytes", "65537", "less than or equal to 65536"),
        ("reading.longest_text", "199", "greater than or equal to 200"),
        ("smtp.port", "0", "greater than or equal to 1"),
        ("smtp.port", "65536", "less than or equal to 65535"),
        ("smtp.timeout_seconds", "0", "greater than 0"),
        ("smtp.timeout_seconds", "86401", "less than or equal to 86400"),
        ("model.turn_seconds", "0.5", "greater than or equal to 1"),
        ("model.turn_seconds", "3601", "less than or equal to 3600"),
        ("model.most_steps", "1", "greater than or equal to 2"),
        ("model.most_steps", "201", "less than or equal to 200"),
        ("model.api_retries", "11", "less than or equal to 10"),
        ("limits.dollars_per_turn", "0", "greater than 0"),
        ("limits.dollars_per_turn", "1000001", "less than or equal to 1000000"),
        ("limits.dollars_per_day", "0", "greater than 0"),
        ("limits.dollars_per_day", "1000001", "less than or equal to 1000000"),
        ("limits.dollars_per_month", "0", "greater than 0"),
        ("limits.dollars_per_month", "1000001", "less than or equal to 1000000"),
        ("retry.first_pause_seconds", "0", "greater than 0"),
        ("retry.first_pause_seconds", "86401", "less than or equal to 86400"),
        ("retry.longest_pause_seconds", "0", "greater than 0"),
        ("retry.longest_pause_seconds", "86401", "less than or equal to 86400"),
        ("retry.reconcile_seconds", "3601", "less than or equal to 3600"),
        ("digest.deadline_days", "366", "less than or equal to 365"),
        ("digest.issue_senders", "1", "greater than or equal to 2"),
        ("digest.issue_senders", "1001", "less than or equal to 1000"),
        ("digest.most_urgent", "101", "less than or equal to 100"),
        ("web.port", "0", "greater than or equal to 1"),
        ("web.port", "65536", "less than or equal to 65535"),
        ("web.session_hours", "0", "greater than 0"),
        ("web.session_hours", "721", "less than or equal to 720"),
        ("web.idle_minutes", "0", "greater than 0"),
        ("web.idle_minutes", "1441", "less than or equal to 1440"),
        ("service.stop_seconds", "0.5", "greater than or equal to 1"),
        ("service.stop_seconds", "601", "less than or equal to 600"),
    ],
)
def test_it_refuses_a_number_out_of_range(tmp_path: Path, key: str, value: str, bound: str) -> None:
    """The bound is named, and what was found."""
    assert re.fullmatch(
        rf"{key}: Input should be {bound} \(found {re.escape(value)}(\.0)?\)", refused(tmp_path, key, value)
    )


@pytest.mark.parametrize("key", [*WORDS, "model.name"])
@pytest.mark.parametrize(("value", "bound"), [(" ", "at least 1 character"), ("x" * 201, "at most 200 characters")])
def test_it_refuses_words_out_of_bounds(tmp_path: Path, key: str, value: str, bound: str) -> None:
    """A name is neither empty nor endless."""
    assert f"{key}: String should have {bound} (found " in refused(tmp_path, key, f'"{value}"')


@pytest.mark.parametrize("key", [*WORDS, *LINES])
def test_it_refuses_a_line_break_in_words(tmp_path: Path, key: str) -> None:
    """What goes into a header or a command of a protocol is one line."""
    found = refused(tmp_path, key, '"one\\r\\ntwo"')
    assert found == f"{key}: must be one line of text, without control characters"


@pytest.mark.parametrize("key", LINES)
def test_it_refuses_a_line_without_end(tmp_path: Path, key: str) -> None:
    """A line may be empty, but not endless."""
    assert f"{key}: String should have at most 200 characters (found " in refused(tmp_path, key, f'"{"x" * 201}"')


@pytest.mark.parametrize("key", ["mailbox.watch", "mailbox.folders"])
@pytest.mark.parametrize("value", [" ", "x" * 201, "one\\r\\ntwo"], ids=["empty", "endless", "two lines"])
def test_it_refuses_a_folder_s_name_out_of_bounds(tmp_path: Path, key: str, value: str) -> None:
    """The place in the list is named."""
    assert refused(tmp_path, key, f'["Sales", "{value}"]').startswith(f"{key}.1: ")


def test_it_refuses_a_signature_without_end(tmp_path: Path) -> None:
    """A signature is bounded."""
    found = refused(tmp_path, "employee.signature", f'"{"x" * 2001}"')
    assert found.startswith("employee.signature: String should have at most 2000 characters (found ")


@pytest.mark.parametrize("key", ["employee.categories", "mailbox.watch"])
def test_it_refuses_an_empty_list_where_there_must_be_something(tmp_path: Path, key: str) -> None:
    """A decision must be filed under something, and some folder must be worked."""
    assert refused(tmp_path, key, "[]").startswith(f"{key}: Tuple should have at least 1 item")


@pytest.mark.parametrize(
    "address", ["support", "@example.com", "support@", "a b@example.com", "a@b@example.com", "<a@b>", "a@b, c@d"]
)
@pytest.mark.parametrize(("key", "pattern"), [("employee.address", '"{}"'), ("employee.aliases", '["{}"]')])
def test_it_refuses_what_is_no_address(tmp_path: Path, key: str, pattern: str, address: str) -> None:
    """An address has a name, an @ and a domain, and nothing around it."""
    assert "is not a plain address" in refused(tmp_path, key, pattern.format(address))


def test_it_refuses_an_address_that_it_cannot_write_from(tmp_path: Path) -> None:
    """An address that is not ASCII would break the first reply, so it is refused at the start."""
    assert refused(tmp_path, "employee.address", '"josé@example.com"').startswith("employee.address: ")


@pytest.mark.parametrize("url", ["api.anthropic.com", "ftp://api.anthropic.com", ""])
def test_it_refuses_what_is_no_url(tmp_path: Path, url: str) -> None:
    """The API is reached by http or https."""
    found = refused(tmp_path, "model.base_url", f'"{url}"')
    assert found == f"model.base_url: String should match pattern '^https?://' (found '{url}')"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("limits.dollars_per_turn", "20.01"),
        ("limits.dollars_per_day", "0.49"),
        ("limits.dollars_per_day", "300.01"),
        ("limits.dollars_per_month", "19.99"),
    ],
)
def test_it_refuses_limits_that_contradict_each_other(tmp_path: Path, key: str, value: str) -> None:
    """A larger window holds the smaller ones, and all three values are named."""
    found = refused(tmp_path, key, value)
    assert re.fullmatch(rf"limits: the limits contradict each other: .*{re.escape(value)}.* must hold", found)


def test_it_names_everything_that_is_wrong_at_once(tmp_path: Path) -> None:
    """Each mistake has its line, and each line names the file."""
    path = good(tmp_path, mailbox__port="0", model__most_steps="1")
    with pytest.raises(FatalError) as found:
        load(path)
    assert [line.split(": ")[:2] for line in str(found.value).split("\n")] == [
        [str(path), "mailbox.port"],
        [str(path), "model.most_steps"],
    ]


# Standing orders


def test_it_says_that_the_standing_orders_are_missing(tmp_path: Path) -> None:
    """The path that was looked at is named."""
    path = good(tmp_path)
    (tmp_path / "employee.md").unlink()
    expected = f"employee.orders: the standing orders {tmp_path}/employee.md cannot be read: No such file or directory"
    assert refusal(path) == expected


def test_it_says_that_the_standing_orders_are_a_folder(tmp_path: Path) -> None:
    """An empty path is the config's own folder."""
    assert refused(tmp_path, "employee.orders", '""').endswith("cannot be read: Is a directory")


def test_it_says_that_the_standing_orders_are_no_text(tmp_path: Path) -> None:
    """Orders are UTF-8."""
    path = good(tmp_path)
    (tmp_path / "employee.md").write_bytes(b"\xff")
    assert refusal(path).endswith("cannot be read: it is not UTF-8 text")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            {"url": '"mysql://host/db"'},
            "url: must begin with one of sqlite://, postgresql://, redis://, rediss://, s3://",
        ),
        ({"url": '"sqlite:///transcripts.db"'}, "url: needs a whole path: sqlite:////path/transcripts.db"),
        ({"url": '"sqlite:////"'}, "url: needs a whole path"),
        ({"url": '"postgresql:///db"'}, "url: names no server or bucket: postgresql://user@host/database"),
        ({"url": '"s3://"'}, "url: names no server or bucket: s3://bucket/prefix"),
        ({"url": '"redis://:hidden@host:6379/0"'}, "url: holds a password; give it as password = { file = }"),
        ({"url": '"rediss://host/0?password=hidden"'}, "url: holds a password; give it as password = { file = }"),
        ({"url": '"postgresql://u@h/d?password=hidden"'}, "url: holds a password; give it as password = { file = }"),
        ({"url": '"rediss://host:port/0"'}, "url: has a port that is no number from 1 to 65535"),
        ({"url": '"postgresql://host:99999/d"'}, "url: has a port that is no number from 1 to 65535"),
        ({"url": '"rediss://host/0?foo=bar"'}, "url: takes no options behind a question mark"),
        ({"url": '"s3://bucket?region=x"'}, "url: takes no options behind a question mark"),
        ({"url": '"rediss://host/first"'}, "url: needs the number of a database at its end: redis"),
        ({"url": '"redis://redis.example.com/0"'}, "url: goes over the network in the clear; use rediss://"),
        ({"url": '"rediss://host/0"', "region": '"eu-west-1"'}, "region: only a store in s3:// takes that"),
        ({"url": '"rediss://host/0"', "endpoint": '"https://x.example"'}, "endpoint: only a store in s3:// takes that"),
        ({"region": '"eu west"'}, "region: "),
        ({"endpoint": '"https://"'}, "endpoint: "),
        ({"endpoint": '"https://bad host"'}, "endpoint: "),
        ({"endpoint": '"http://minio.example.com"'}, "endpoint: "),
        ({"url": '"s3://bucket"', "password": '{ env = "X" }'}, "a store in s3:// takes no password"),
        ({"url": '"s3://bucket"', "access_key": '"key"'}, "give both access_key and secret_key, or neither"),
        ({"endpoint": '"ftp://x.example"'}, "endpoint: "),
        ({"timeout_seconds": "0.5"}, "timeout_seconds: "),
        ({"url": '"sqlite:////var/lib/clerkd/knowledge.db"'}, "session.store.url is the knowledge database"),
        ({"url": '"sqlite:////var/lib/clerkd/../clerkd/knowledge.db"'}, "session.store.url is the knowledge database"),
    ],
)
def test_a_session_store_that_cannot_be_is_refused(tmp_path: Path, keys: dict[str, str], told: str) -> None:
    """Each with its own words, and never with the password."""
    words = refusal(good(tmp_path, **{f"session__store__{key}": value for key, value in keys.items()}))
    assert told in words
    assert "hidden" not in words


def test_a_session_store_is_apart_from_the_knowledge_database_behind_a_link_too(tmp_path: Path) -> None:
    """Both ways to write the one directory are told."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for state, store in (("link", "real"), ("real", "link")):
        url = f'"sqlite:///{tmp_path}/{store}/knowledge.db"'
        path = good(tmp_path, session__store__url=url, service__state=f'"{tmp_path}/{state}"')
        assert "session.store.url is the knowledge database" in refusal(path)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/x.db",
        "postgresql://u@h/d?sslmode=require",
        "redis://127.0.0.1:6379/0",
        "rediss://h/1",
        "s3://bucket",
        "s3://b/a/p",
    ],
)
def test_each_kind_of_session_store_is_taken(tmp_path: Path, url: str) -> None:
    """As config/clerkd.toml lists them."""
    store = load(good(tmp_path, session__store__url=f'"{url}"')).session.store
    assert store
    assert (store.url, store.required) == (url, False)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"url": '"mysql://host/d"'}, "knowledge.url: must be a database on a PostgreSQL server"),
        ({"url": '"sqlite:////var/lib/clerkd/x.db"'}, "knowledge.url: must be a database on a PostgreSQL server"),
        ({"url": '"postgresql://clerkd@host"'}, "knowledge.url: must be a database on a PostgreSQL server"),
        (
            {"url": '"postgresql://u:hidden@host/d"'},
            "knowledge.url: holds a password; give it as password = { file = }",
        ),
        ({"url": '"postgresql://u@h/d?password=hidden"'}, "knowledge.url: holds a password"),
        ({"url": '"postgresql://host:99999/d"'}, "knowledge.url: has a port that is no number from 1 to 65535"),
        ({"password": '{ env = "X" }'}, "knowledge: password: the database is a file and takes none"),
    ],
)
def test_a_knowledge_database_that_cannot_be_is_refused(tmp_path: Path, keys: dict[str, str], told: str) -> None:
    """Each with its own words, and never with the password."""
    words = refusal(place(tmp_path, toml({**GOOD, "knowledge": keys})))
    assert told in words
    assert "hidden" not in words


@pytest.mark.parametrize(
    "store", ["postgresql://b@db.example.com:5432/d", "postgresql://db.example.com/d?sslmode=require"]
)
def test_transcripts_and_knowledge_need_a_database_each(tmp_path: Path, store: str) -> None:
    """However the one address is written."""
    path = good(tmp_path, knowledge__url='"postgresql://a@db.example.com/d"', session__store__url=f'"{store}"')
    assert "session.store.url is the knowledge database (knowledge.url)" in refusal(path)


def test_transcripts_and_knowledge_may_be_on_one_server(tmp_path: Path) -> None:
    """In two databases."""
    urls = {
        "knowledge__url": '"postgresql://db.example.com/a"',
        "session__store__url": '"postgresql://db.example.com/b"',
    }
    assert load(good(tmp_path, **urls)).knowledge.url == "postgresql://db.example.com/a"


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("postgresql://clerkd@db.example.com/clerkd", "verify-full"),
        ("postgresql://clerkd@db.example.com/clerkd?sslmode=require", "require"),
        ("postgresql://clerkd@127.0.0.1/clerkd", None),
        ("postgresql:///clerkd?host=/run/postgresql", None),
    ],
)
def test_a_server_elsewhere_must_show_who_it_is(address: str, mode: str | None) -> None:
    """Its own default would send mail in the clear where the server does not mind."""
    assert postgresql_url(address, None).query.get("sslmode") == mode
