"""Sets the stage of a rehearsal: a config that points to the embedded servers, with secrets worth nothing."""

import shutil
from pathlib import Path
from string import Template

from daemon.paths import data_file
from daemon.rehearsal.mailserver import LOOPBACK, MailServer

PASSWORD = "rehearsal"  # noqa: S105 - of a server that lives on loopback for a minute
# The name shows in the log, so that nobody takes the rules for a model; they cost nothing.
STAND_IN = Template("""\
name = "stand-in"
api_key = { file = "$secrets/model" }
base_url = "$url"
prices = { input = 0, output = 0, cache_read = 0, cache_write = 0 }
""")
LIVE_KEY = '{ env = "ANTHROPIC_API_KEY" }'

CONFIG = Template("""\
# Written by clerkd demo: the embedded mail server and $who.
[employee]
name = "Robin Reed"
address = "support@harbourpine.example"
specialists = "specialists"

[mailbox]
host = "$host"
port = $imap
security = "none"
user = "$user"
password = { file = "$secrets/mailbox" }
since = "all"
poll_seconds = 0.2

[smtp]
host = "$host"
port = $smtp
security = "none"
user = "$user"
password = { file = "$secrets/mailbox" }

[model]
$model

[service]
state = "$state"
""")


def set_stage(state: Path, server: MailServer, stand_in_url: str | None) -> Path:
    """Write config, standing orders and secrets into the state directory; without a URL the real API is used."""
    secrets = state / "secrets"
    secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    (secrets / "mailbox").write_text(PASSWORD, encoding="utf-8")
    (secrets / "model").write_text("rehearsal", encoding="utf-8")
    (state / "employee.md").write_text(data_file("config/employee.md").read_text(encoding="utf-8"), encoding="utf-8")
    shutil.copytree(data_file("config/specialists"), state / "specialists", dirs_exist_ok=True)
    model = f"api_key = {LIVE_KEY}"
    if stand_in_url:
        model = STAND_IN.substitute(secrets=secrets, url=stand_in_url)
    config = state / "clerkd.toml"
    values = {
        "who": "the stand-in for the model" if stand_in_url else "the real API",
        "host": LOOPBACK,
        "imap": str(server.imap_port),
        "smtp": str(server.smtp_port),
        "user": server.user,
        "secrets": str(secrets),
        "model": model,
        "state": str(state),
    }
    config.write_text(CONFIG.substitute(values), encoding="utf-8")
    return config
