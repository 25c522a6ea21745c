"""A Maildir on this machine as a mailbox."""

from daemon.mail.maildir.folder import VALIDITY, Folder
from daemon.mail.maildir.inbox import MaildirInbox
from daemon.mail.maildir.outbox import MaildirOutbox

__all__ = ["VALIDITY", "Folder", "MaildirInbox", "MaildirOutbox"]
