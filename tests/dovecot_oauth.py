"""A private Dovecot that takes access tokens: JWTs, checked with a key of its own and without asking anybody."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

from tests.dovecot import Dovecot

# Dovecot looks a key up by azp, algorithm and kid; a token that names none of them means "default".
KEY = Path("default", "HS256", "default")
OAUTH2 = """\
tokeninfo_url =
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={keys}/
username_attribute = email
username_format = %u
"""
PASSDB = """\
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {path}
}}
"""


@dataclass
class OAuthDovecot(Dovecot):
    """One Dovecot with one mailbox, opened by the password or by a token that this key has signed."""

    key: bytes = field(default=b"", kw_only=True)

    def _write_config(self) -> Path:
        path = super()._write_config()
        keys, oauth2 = self.root / "keys", self.root / "dovecot-oauth2.conf"
        (keys / KEY).parent.mkdir(parents=True, exist_ok=True)
        (keys / KEY).write_bytes(base64.b64encode(self.key))
        oauth2.write_text(OAUTH2.format(keys=keys))
        path.write_text(path.read_text() + PASSDB.format(path=oauth2))
        return path
