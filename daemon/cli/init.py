"""``clerkd init``: asks the few things that must be known, tries them, and writes the config."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.check import try_all
from daemon.errors import ClerkdError, FatalError
from daemon.paths import data_file
from daemon.settings import DEFAULT_PATH, Settings, load

CONFIG = Template("""\
# clerkd's config, written by `clerkd init`. Every further key, its default and why: $reference

[employee]
name = $name
address = $address
orders = "employee.md"        # the standing orders, beside this file: write there what the employee should know
# specialists = "specialists" # to whom it may hand a case: look through the files there first

[mailbox]
host = $host
security = $security
$port
user = $user
password = $password
since = "new"                 # on the very first start, only mail that arrives from then on is worked
$smtp
[model]
api_key = $key
$base_url
[limits]                      # US dollars
dollars_per_day = 20.0
dollars_per_month = 300.0

[service]
state = $state
""")
SMTP = Template("""
[smtp]                        # nothing leaves by it until you say so in [autonomy]
host = $host
user = $user
password = $password
""")


@dataclass(frozen=True)
class Answers:
    """What a person has said."""

    address: str
    name: str
    host: str
    port: int | None
    security: str
    user: str
    password: str
    smtp_host: str
    key: str
    base_url: str
    state: str


def init(  # noqa: PLR0913 - one parameter a question
    config: Annotated[Path, typer.Option("--config", "-c", help="Where to write the config.")] = DEFAULT_PATH,
    address: Annotated[str, typer.Option(prompt="The mailbox's address", help="The employee's own address.")] = "",
    name: Annotated[str, typer.Option(prompt="The employee's name", help="In whose name replies are written.")] = "",
    imap_host: Annotated[str, typer.Option(prompt="IMAP server", help="The IMAP server's name.")] = "",
    imap_user: Annotated[str, typer.Option(help="[default: the address]")] = "",
    imap_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="[default: 993 with tls, 143 otherwise]")
    ] = None,
    imap_security: Annotated[str, typer.Option(help="tls, starttls or none.")] = "tls",
    imap_password: Annotated[
        str,
        typer.Option(
            prompt="File with the mailbox's password",
            help="Source of the password: a file's path, or env:NAME, credential:NAME, command:PROGRAM ARG…",
        ),
    ] = "",
    api_key: Annotated[
        str, typer.Option(prompt="File with the Anthropic API key", help="Source of the API key, in the same forms.")
    ] = "",
    smtp_host: Annotated[str, typer.Option(help="The submission server, if `clerkd check` shall try it.")] = "",
    base_url: Annotated[str, typer.Option(help="The Messages API, where it is not Anthropic's own address.")] = "",
    state: Annotated[Path, typer.Option(help="Where the service keeps its state.")] = Path("/var/lib/clerkd"),
    *,
    untested: Annotated[
        bool, typer.Option("--untested", help="Write the config without trying the servers and the key.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
) -> None:
    """Ask the few things that must be known, try them, and write a commented config with standing orders.

    Every question can be answered by an option. Secrets are never asked for and never written: only where they
    come from.

    Example:  clerkd init --config ./clerkd.toml --address support@example.com --name "Robin Reed"
              --imap-host imap.example.com --imap-password ./imap-password --api-key env:ANTHROPIC_API_KEY
    """
    if config.exists() and not force:
        message = f"{config}: is there already; --force replaces it"
        raise FatalError(message)
    answers = Answers(address, name, imap_host, imap_port, imap_security, imap_user or address, source(imap_password),
                      smtp_host, source(api_key), base_url, str(state.absolute()))  # fmt: skip
    settings = _written(config, answers)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"Written: {config} and {settings.employee.orders}")
    if not untested and not try_all(settings, console):
        console.print("Something does not work yet. Mend it in the config, then try again with: clerkd check")
        raise typer.Exit(1)
    console.print(
        f"Next: write into {settings.employee.orders.name} what the employee should know, "
        f"then: clerkd run --config {config}"
    )


def source(words: str) -> str:
    """Turn a secret's source, as given on the command line, into TOML; raise FatalError where it is none."""
    kind, _, value = words.partition(":")
    if kind in ("env", "credential", "file") and value:
        return f"{{ {kind} = {json.dumps(value)} }}"
    if kind == "command" and value:
        return f"{{ command = {json.dumps(value.split())} }}"
    path = Path(words).expanduser().absolute()
    if not words or not path.is_file():
        message = (
            f"{words or '(nothing)'}: there is no such file; give a file that holds the secret, "
            "or env:NAME, credential:NAME, command:PROGRAM"
        )
        raise FatalError(message)
    return f"{{ file = {json.dumps(str(path))} }}"


def render(answers: Answers) -> str:
    """Write the config's text."""
    quoted = {
        name: json.dumps(getattr(answers, name)) for name in ("address", "name", "host", "security", "user", "state")
    }
    smtp = SMTP.substitute(host=json.dumps(answers.smtp_host), user=quoted["user"], password=answers.password)
    return CONFIG.substitute(
        quoted,
        reference=str(data_file("config/clerkd.toml")),
        port=f"port = {answers.port}" if answers.port else "# port = 993",
        password=answers.password,
        key=answers.key,
        smtp=smtp if answers.smtp_host else "",
        base_url=f"base_url = {json.dumps(answers.base_url)}\n" if answers.base_url else "",
    )


def _written(config: Path, answers: Answers) -> Settings:
    orders, staff = config.parent / "employee.md", config.parent / "specialists"
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        if not orders.exists():
            orders.write_text(data_file("config/employee.md").read_text(encoding="utf-8"), encoding="utf-8")
        if not staff.exists():
            shutil.copytree(data_file("config/specialists"), staff)
        draft = config.with_name(f"{config.name}.new")
        draft.write_text(render(answers), encoding="utf-8")
        try:
            load(draft)
        except ClerkdError:
            draft.unlink()
            raise
        draft.replace(config)
    except OSError as error:
        message = f"{error.filename or config}: cannot be written: {error.strerror}"
        raise FatalError(message) from None
    return load(config)
