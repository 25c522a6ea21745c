"""The one place that knows imapclient: the connection to a mailbox, and what it says."""

from daemon.mail.imap.commands import Imap
from daemon.mail.imap.connection import LONGEST_CALL, PART
from daemon.mail.imap.values import Account, Fetched, Folder, Listed, Pass

__all__ = ["LONGEST_CALL", "PART", "Account", "Fetched", "Folder", "Imap", "Listed", "Pass"]
