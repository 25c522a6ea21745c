"""A private Dovecot whose folders may be closed to their own user: rights for each folder (RFC 4314)."""

from dataclasses import dataclass
from pathlib import Path

from tests.dovecot import Dovecot

ACL = """\
mail_plugins = acl
protocol imap {
  mail_plugins = acl imap_acl
}
plugin {
  acl = vfile
}
"""
LOOK_AND_READ = "lr"


@dataclass
class AclDovecot(Dovecot):
    """One Dovecot with one mailbox, whose user may take rights away from itself."""

    def make_read_only(self, folder: str) -> None:
        """Leave nothing but looking and reading in a folder."""
        client = self.sign_in()
        client.setacl(folder, self.user, LOOK_AND_READ)
        client.logout()

    def _write_config(self) -> Path:
        path = super()._write_config()
        path.write_text(path.read_text() + ACL)
        return path
