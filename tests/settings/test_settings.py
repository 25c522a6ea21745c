"""The config: read as it is written, or refused with file, key, what is wrong and what is allowed."""

import re
import stat
import tomllib
import types
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

from daemon.errors import FatalError
from daemon.judgement.money import LIST_PRICES, Budget, Prices
from daemon.judgement.policy import Handled
from daemon.judgement.retry import Pauses
from daemon.settings import DEFAULT_PATH, Mailbox, Model, Secret, Settings, Smtp, load, locate

BAD = Path(__file__).parent / "bad_configs"
DOCUMENTED = Path(__file__).parents[2] / "config" / "clerkd.toml"
ORDERS = "# Standing orders\n\nAnswer politely.\n"
PASSWORD = '{ env = "IMAP_PASSWORD" }'
UNKNOWN = "unknown key; see config/clerkd.toml for every key that there is"
MISSING = "is missing and has no default"

Tables = dict[str, dict[str, str]]
GOOD: Tables = {
    "employee": {"name": '"Robin Reed"', "address": '"support@example.com"'},
    "mailbox": {"host": '"imap.example.com"', "user": '"support@example.com"', "password": PASSWORD},
    "smtp": {"host": '"smtp.example.com"', "user": '"support@example.com"', "password": PASSWORD},
    "model": {"api_key": '{ env = "API_KEY" }'},
    "model.prices": {"input": "1.0", "output": "5.0", "cache_read": "0.1", "cache_write": "1.25"},
    "limits": {},
    "retry": {},
    "service": {},
}
TEXTS = ["employee.name", "employee.orders", "employee.signature", "mailbox.host", "mailbox.user", "mailbox.ca_file",
         "mailbox.folder", "mailbox.drafts", "mailbox.handled_flag", "mailbox.handled_folder", "smtp.host", "smtp.user",
         "model.name", "service.state"]  # fmt: skip
ADDRESSES = ["employee.address"]
LISTS = ["employee.aliases", "employee.categories", "mailbox.folders"]
CHOICES = ["mailbox.security", "mailbox.start", "smtp.security", "service.log_level"]
URLS = ["model.base_url"]
WHOLE_NUMBERS = ["mailbox.port", "mailbox.largest_mail", "mailbox.longest_text", "smtp.port", "model.most_steps",
                 "model.api_retries"]  # fmt: skip
NUMBERS = ["mailbox.poll_seconds", "mailbox.timeout_seconds", "smtp.timeout_seconds", "model.turn_seconds",
           "model.prices.input", "model.prices.output", "model.prices.cache_read", "model.prices.cache_write",
           "limits.dollars_per_turn", "limits.dollars_per_day", "limits.dollars_per_month",
           "retry.first_pause_seconds", "retry.longest_pause_seconds", "retry.reconcile_seconds",
           "service.stop_seconds"]  # fmt: skip
SECRETS = ["mailbox.password", "smtp.password", "model.api_key"]
SECTIONS = ["employee", "mailbox", "smtp", "model", "model.prices", "limits", "retry", "service"]
SOURCES = ["file", "credential", "env", "command"]
REQUIRED = ["employee.name", "employee.address", "mailbox.host", "mailbox.user", "mailbox.password", "smtp.host",
            "smtp.user", "smtp.password", "model.api_key", "model.prices.input", "model.prices.output",
            "model.prices.cache_read", "model.prices.cache_write"]  # fmt: skip
OPEN_SECRETS = ['"open-sesame"', '["open-sesame"]', '{ value = "open-sesame" }', "open-sesame",
                '{ command = "open-sesame" }', '"""open-sesame']  # fmt: skip
NUMERIC_SECRETS = ["8124433017", "8124.433017", "2026-11-02"]


def toml(tables: Tables) -> str:
    """Write a config of these sections."""
    return "\n".join(
        line
        for section, keys in tables.items()
        for line in (f"[{section}]", *(f"{key} = {value}" for key, value in keys.items()), "")
    )


def place(folder: Path, text: str) -> Path:
    """Write a config file, with standing orders beside it."""
    (folder / "employee.md").write_text(ORDERS, encoding="utf-8")
    path = folder / "clerkd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def good(folder: Path, *, without: str = "", **values: str) -> Path:
    """Write a good config with some keys otherwise; two underscores stand for a dot."""
    tables = {section: dict(keys) for section, keys in GOOD.items()}
    for name, value in values.items():
        section, _, key = name.replace("__", ".").rpartition(".")
        tables[section][key] = value
    if without:
        section, _, key = without.rpartition(".")
        del tables[section][key]
    return place(folder, toml(tables))


def refusal(path: Path) -> str:
    """Give the words with which a config is refused, without the name of its file."""
    with pytest.raises(FatalError) as refused:
        load(path)
    return str(refused.value).replace(f"{path}: ", "")


def refused(folder: Path, key: str, value: str) -> str:
    """Give the words with which this value of a key is refused."""
    return refusal(good(folder, **{key.replace(".", "__"): value}))


def sections_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """Find the section in a key's type, where it is one."""
    choices = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    yield from (one for one in choices if isinstance(one, type) and issubclass(one, BaseModel) and one is not Secret)


def keys_of(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Give all keys of the settings with their defaults; a section is no key."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        deeper = [keys_of(section, f"{prefix}{name}.") for section in sections_of(field.annotation)]
        found |= {key: default for keys in deeper for key, default in keys.items()}
        if not deeper:
            found[f"{prefix}{name}"] = field.default
    return found


ALL_KEYS = keys_of(Settings)
WITH_DEFAULTS = [key for key, default in ALL_KEYS.items() if default is not PydanticUndefined]


def documentation() -> dict[str, str]:
    """Give the line of each key in config/clerkd.toml, of those that are written as comments too."""
    lines, section = {}, ""
    for line in DOCUMENTED.read_text(encoding="utf-8").splitlines():
        bare = line.removeprefix("# ")
        if heading := re.match(r"\[([a-z.]+)\]", bare):
            section = heading[1]
        elif key := re.match(r"([a-z_]+) = ", bare):
            lines[f"{section}.{key[1]}"] = bare
    return lines


def documented() -> dict[str, Any]:
    """Give the value of each key in config/clerkd.toml."""
    return {key: value for key, line in documentation().items() for value in tomllib.loads(line).values()}


def plain(value: Any) -> Any:
    """Give a default as TOML writes it."""
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


# What is good


def test_the_lists_of_this_file_name_every_key() -> None:
    """No key of the settings is left untested below."""
    lists = (TEXTS, ADDRESSES, LISTS, CHOICES, URLS, WHOLE_NUMBERS, NUMBERS, SECRETS)
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
        settings.limits.dollars_per_day = 1_000_000


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
        ("mailbox.longest_text", "200"),
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
        (Mailbox, "tls", 993),
        (Mailbox, "starttls", 143),
        (Mailbox, "none", 143),
        (Smtp, "tls", 465),
        (Smtp, "starttls", 587),
        (Smtp, "none", 25),
    ],
)
def test_it_knows_the_usual_port(section: type[Mailbox | Smtp], security: str, port: int) -> None:
    """Each kind of security has its port."""
    server = section.model_validate({"host": "h", "user": "u", "password": {"env": "P"}, "security": security})
    assert server.effective_port == port


@pytest.mark.parametrize("section", [Mailbox, Smtp])
def test_a_given_port_goes_before_the_usual_one(section: type[Mailbox | Smtp]) -> None:
    """The configured port counts."""
    server = section.model_validate({"host": "h", "user": "u", "password": {"env": "P"}, "port": 1143})
    assert server.effective_port == 1143


def test_it_hands_the_judgement_its_values(tmp_path: Path) -> None:
    """Caps, pauses and the handled mail's fate are the configured ones."""
    settings = load(good(tmp_path, mailbox__handled_flag='"$Clerkd"', mailbox__handled_folder='"Done"'))
    assert (settings.limits.budget, settings.retry.pauses, settings.mailbox.handled, settings.mailbox.name) == (
        Budget(0.5, 20.0, 300.0),
        Pauses(15, 900),
        Handled("$Clerkd", "Done"),
        "support@example.com@imap.example.com",
    )


def test_it_reckons_with_the_configured_prices(tmp_path: Path) -> None:
    """Given prices go before the list's."""
    assert load(good(tmp_path)).model.price_list == Prices(1.0, 5.0, 0.1, 1.25)


def test_it_reckons_with_the_list_price_of_a_known_model() -> None:
    """Without prices of its own, a model costs what the list says."""
    assert Model.model_validate({"api_key": {"env": "K"}}).price_list == LIST_PRICES["claude-sonnet-5"]


# Where the config is


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the environment says of configs and credentials."""
    monkeypatch.delenv("CLERKD_CONFIG", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


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


@pytest.mark.parametrize("key", REQUIRED)
def test_it_misses_each_required_key(tmp_path: Path, key: str) -> None:
    """A key without a default is named."""
    assert refusal(good(tmp_path, without=key)) == f"{key}: {MISSING}"


@pytest.mark.parametrize("section", ["employee", "mailbox", "model"])
def test_it_misses_each_required_section(tmp_path: Path, section: str) -> None:
    """A section without defaults is named."""
    tables = {name: GOOD[name] for name in ("employee", "mailbox", "model") if name != section}
    assert refusal(place(tmp_path, toml(tables))) == f"{section}: {MISSING}"


@pytest.mark.parametrize("section", ["employee", "mailbox", "smtp", "model", "limits", "retry", "service"])
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


@pytest.mark.parametrize("key", LISTS)
def test_it_refuses_a_text_for_each_list(tmp_path: Path, key: str) -> None:
    """A list must stand in brackets."""
    assert refused(tmp_path, key, '"one"') == f"{key}: Input should be a valid array (found 'one')"


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
        ("mailbox.longest_text", "199", "greater than or equal to 200"),
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
        ("service.stop_seconds", "0.5", "greater than or equal to 1"),
        ("service.stop_seconds", "601", "less than or equal to 600"),
    ],
)
def test_it_refuses_a_number_out_of_range(tmp_path: Path, key: str, value: str, bound: str) -> None:
    """The bound is named, and what was found."""
    assert re.fullmatch(
        rf"{key}: Input should be {bound} \(found {re.escape(value)}(\.0)?\)", refused(tmp_path, key, value)
    )


@pytest.mark.parametrize(
    "key", ["employee.name", "mailbox.host", "mailbox.user", "mailbox.folder", "smtp.host", "smtp.user", "model.name"]
)
@pytest.mark.parametrize(("value", "bound"), [(" ", "at least 1 character"), ("x" * 201, "at most 200 characters")])
def test_it_refuses_words_out_of_bounds(tmp_path: Path, key: str, value: str, bound: str) -> None:
    """A name is neither empty nor endless."""
    assert f"{key}: String should have {bound} (found " in refused(tmp_path, key, f'"{value}"')


@pytest.mark.parametrize(
    "key", ["employee.name", "mailbox.host", "mailbox.user", "mailbox.folder", "smtp.host", "smtp.user"]
)
def test_it_refuses_a_line_break_in_words(tmp_path: Path, key: str) -> None:
    """What goes into a header or a command of a protocol is one line."""
    assert refused(tmp_path, key, '"one\\r\\ntwo"').startswith(f"{key}: ")


def test_it_refuses_a_signature_without_end(tmp_path: Path) -> None:
    """A signature is bounded."""
    found = refused(tmp_path, "employee.signature", f'"{"x" * 2001}"')
    assert found.startswith("employee.signature: String should have at most 2000 characters (found ")


def test_it_refuses_an_empty_list_of_categories(tmp_path: Path) -> None:
    """A decision must be filed under something."""
    found = refused(tmp_path, "employee.categories", "[]")
    assert found.startswith("employee.categories: Tuple should have at least 1 item")


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


@pytest.mark.parametrize("folder", ["INBOX", "inbox", "Inbox"])
def test_it_refuses_to_move_handled_mail_into_the_inbox_that_it_watches(tmp_path: Path, folder: str) -> None:
    """INBOX is the same in any case (RFC 3501, 5.1): a mail moved there would come in again for ever."""
    assert refused(tmp_path, "mailbox.handled_folder", f'"{folder}"').startswith("mailbox: handled_folder ")


def test_it_refuses_to_let_the_employee_move_mail_into_the_folder_that_it_watches(tmp_path: Path) -> None:
    """A mail moved there would come in again, and cost again, for ever."""
    assert refused(tmp_path, "mailbox.folders", '["Archive", "INBOX"]').startswith("mailbox")


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


# Secrets


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("value", OPEN_SECRETS)
def test_no_refusal_shows_a_secret_that_stands_in_the_open(tmp_path: Path, key: str, value: str) -> None:
    """However a secret is written into the config, it does not get from there into a log."""
    assert "open-sesame" not in refused(tmp_path, key, value)


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("value", NUMERIC_SECRETS)
def test_no_refusal_shows_a_secret_that_was_written_without_quotation_marks(
    tmp_path: Path, key: str, value: str
) -> None:
    """A password may be a number, and is a secret all the same."""
    assert value not in refused(tmp_path, key, value)


@pytest.mark.parametrize("key", SECRETS)
def test_it_says_how_to_give_a_secret(tmp_path: Path, key: str) -> None:
    """The four sources are named."""
    assert refused(tmp_path, key, '"open-sesame"') == (
        f"{key}: a secret never stands in the TOML itself; "
        "give { file = }, { credential = }, { env = } or { command = [] }"
    )


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize(
    ("source", "value"),
    [("file", "5"), ("credential", '""'), ("env", "5"), ("env", '""'), ("command", "[]"), ("command", "[5]")],
)
def test_it_refuses_a_source_of_the_wrong_kind(tmp_path: Path, key: str, source: str, value: str) -> None:
    """The source is named."""
    assert refused(tmp_path, key, f"{{ {source} = {value} }}").startswith(f"{key}.{source}")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "none"),
        ({"file": "/f", "env": "E"}, "file, env"),
        ({"file": "/f", "credential": "c", "env": "E", "command": ["c"]}, "file, credential, env, command"),
    ],
)
def test_a_secret_has_exactly_one_source(given: dict[str, Any], named: str) -> None:
    """What was given is named."""
    with pytest.raises(ValidationError, match=f"give exactly one of file, credential, env, command; given: {named} "):
        Secret.model_validate(given)


def secret(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> Secret:
    """Put a value where this source finds it."""
    path = folder / "secret"
    path.write_text(value, encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("THE_SECRET", value)
    given = {"file": path, "credential": "secret", "env": "THE_SECRET", "command": ("cat", str(path))}
    return Secret.model_validate({source: given[source]})


@pytest.mark.parametrize("source", SOURCES)
def test_it_reads_a_secret_from_each_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """A line break at the end, as editors leave it, is no part of a secret."""
    assert secret(source, tmp_path, monkeypatch, "open-sesame\n").read() == "open-sesame"


@pytest.mark.parametrize("source", SOURCES)
def test_it_reads_a_secret_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """A changed secret counts at once."""
    known = secret(source, tmp_path, monkeypatch, "old")
    known.read()
    secret(source, tmp_path, monkeypatch, "new")
    assert known.read() == "new"


@pytest.mark.parametrize("source", SOURCES)
def test_it_refuses_an_empty_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Blanks are no secret, and the source is named."""
    empty = secret(source, tmp_path, monkeypatch, " \n")
    with pytest.raises(FatalError, match=rf"^the secret from {source} .* is empty$"):
        empty.read()


@pytest.mark.parametrize("source", SOURCES)
def test_neither_the_words_nor_the_repr_of_a_secret_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Only the source is ever written down."""
    known = secret(source, tmp_path, monkeypatch, "open-sesame")
    assert "open-sesame" not in f"{known} {known!r}"


@pytest.mark.usefixtures("no_environment")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"file": "/nowhere/secret"}, "the secret from file /nowhere/secret cannot be read: No such file or directory"),
        ({"file": "/"}, "the secret from file / cannot be read: Is a directory"),
        ({"env": "NOBODY_SET_THIS"}, "the secret from env NOBODY_SET_THIS is empty"),
        ({"command": ["false"]}, "the secret from command false cannot be read: CalledProcessError"),
        ({"command": ["/nowhere"]}, "the secret from command /nowhere cannot be read: No such file or directory"),
        ({"command": ["printf", "\\377"]}, "the secret from command printf cannot be read: UnicodeDecodeError"),
        ({"file": "\0"}, "the secret from file \0 cannot be read: "),
    ],
)
def test_it_says_why_a_secret_cannot_be_read(given: dict[str, Any], message: str) -> None:
    """The source is named, and the reason."""
    with pytest.raises(FatalError) as found:
        Secret.model_validate(given).read()
    assert str(found.value).startswith(message)


def test_it_says_why_a_credential_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential that systemd did not load is named."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(
        FatalError, match=r"^the secret from credential imap cannot be read: No such file or directory$"
    ):
        Secret(credential="imap").read()


@pytest.mark.usefixtures("no_environment")
def test_it_says_that_there_are_no_credentials_without_systemd() -> None:
    """The way out is named."""
    with pytest.raises(
        FatalError, match=r"but \$CREDENTIALS_DIRECTORY is not set: run under systemd with LoadCredential="
    ):
        Secret(credential="imap").read()


@pytest.mark.parametrize(
    "script",
    ["echo open-sesame; exit 1", "echo open-sesame >&2; exit 1", "printf 'open-sesame\\377'"],
    ids=["on stdout", "on stderr", "in bytes that are no text"],
)
def test_a_failing_command_never_shows_the_secret(tmp_path: Path, script: str) -> None:
    """What a command printed before it failed stays out of the error, and out of its chain."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(stat.S_IRWXU)
    with pytest.raises(FatalError) as found:
        Secret(command=(str(program),)).read()
    assert ("open-sesame" in str(found.value), found.value.__cause__) == (False, None)


def test_the_arguments_of_a_command_are_not_shown() -> None:
    """An argument may be a secret itself."""
    with pytest.raises(FatalError, match=r"^the secret from command false cannot be read: CalledProcessError$"):
        Secret(command=("false", "--password=open-sesame")).read()


# The documentation in config/clerkd.toml


def test_the_documented_config_is_good(tmp_path: Path) -> None:
    """What is written there can be loaded as it stands."""
    assert load(place(tmp_path, DOCUMENTED.read_text(encoding="utf-8")))


def test_the_documented_config_names_every_key_and_no_other() -> None:
    """Each key stands there, as a line of its own or as a comment."""
    assert sorted(documented()) == sorted(ALL_KEYS)


@pytest.mark.parametrize("key", [key for key in WITH_DEFAULTS if ALL_KEYS[key] is not None])
def test_the_documented_default_is_the_real_one(key: str) -> None:
    """What the file says of a key that is left out is true."""
    assert documented()[key] == plain(ALL_KEYS[key])


@pytest.mark.parametrize(
    ("key", "port", "words"),
    [
        ("mailbox.port", 993, "default: 993 with tls, 143 otherwise"),
        ("smtp.port", 587, "default: 587 with starttls, 465 with tls, 25 with none"),
    ],
)
def test_the_documented_ports_are_the_usual_ones(key: str, port: int, words: str) -> None:
    """The words beside the port agree with the tables that are tested above."""
    assert (documented()[key], words in DOCUMENTED.read_text(encoding="utf-8")) == (port, True)


@pytest.mark.parametrize(
    ("key", "price"), [("input", 2.0), ("output", 10.0), ("cache_read", 0.2), ("cache_write", 2.5)]
)
def test_the_documented_prices_are_those_of_the_default_model(key: str, price: float) -> None:
    """The example of prices is a true one."""
    default = LIST_PRICES[str(ALL_KEYS["model.name"])]
    assert documented()[f"model.prices.{key}"] == price == getattr(default, key)


@pytest.mark.parametrize("key", [key for key in REQUIRED if not key.startswith("model.prices.")])
def test_the_documented_config_says_what_is_required(key: str) -> None:
    """A key without a default is marked; the prices stand under a heading of their own."""
    assert "# required" in documentation()[key]


@pytest.mark.parametrize("key", WITH_DEFAULTS)
def test_the_documented_config_calls_nothing_required_that_is_not(key: str) -> None:
    """A key with a default is not marked."""
    assert "# required" not in documentation()[key]
