"""The config: one TOML file, read and checked as a whole before anything starts."""

from daemon.settings.file import DEFAULT_PATH, load, locate, refuse_missing_secrets, secrets_of
from daemon.settings.mailboxes import LETTERS, ImapMailbox, Mailbox, MaildirMailbox, Watched
from daemon.settings.outside import OutsideServer
from daemon.settings.sections import Limits, Model, Reading, Settings, Smtp
from daemon.settings.servers import postgresql_url
from daemon.settings.specialists import specialists_of
from daemon.settings.store import Store
from daemon.settings.variant import load_variant

__all__ = [
    "DEFAULT_PATH", "LETTERS", "ImapMailbox", "Limits", "Mailbox", "MaildirMailbox", "Model",
    "OutsideServer", "Reading", "Settings", "Smtp", "Store", "Watched", "load", "load_variant", "locate",
    "postgresql_url", "refuse_missing_secrets", "secrets_of", "specialists_of",
]  # fmt: skip
