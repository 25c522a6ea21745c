"""A private Dovecot on loopback, as root or as an ordinary user: the real thing for the tests."""

import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from imapclient import IMAPClient

from tests.certificate import self_signed

LOOPBACK = "127.0.0.1"
PROGRAM = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
START_SECONDS = 15
ORDINARY = """\
default_login_user = {name}
default_internal_user = {name}
default_internal_group = {group}
"""
CONFIG = """\
base_dir = {run}
state_dir = {run}
protocols = imap
listen = 127.0.0.1
log_path = {root}/dovecot.log
ssl = {ssl}
{certificate}
{capability}
disable_plaintext_auth = no
auth_mechanisms = plain login
first_valid_uid = 1
mail_uid = {uid}
mail_gid = {gid}
mail_location = {location}
mail_fsync = never
{ordinary}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/%u
}}
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = {separator}
  {special}
}}
service imap-login {{
  {chroot}
  service_count = 0
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  {chroot}
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  {chroot}
}}
{more_chroots}
"""


MARKED = """\
mailbox Entwürfe {
    auto = create
    special_use = \\Drafts
  }"""


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Dovecot:
    """One Dovecot; it may be stopped and started again.

    ``store`` is how it keeps mail (maildir or sdbox), ``prefix`` what stands before all folders, its last character
    between them; ``capability`` is all that it says it can, where that is not what it can. ``marked`` says whether it
    has a folder that is marked as the one for drafts.
    """

    root: Path
    user: str
    password: str
    imap_port: int = field(default_factory=free_port)
    security: str = "none"
    store: str = "maildir"
    prefix: str = ""
    capability: str = ""
    marked: bool = True

    @property
    def ca_file(self) -> str | None:
        """What a client must trust."""
        return str(self.root / "server.pem") if self.security != "none" else None

    @property
    def maildir(self) -> Path:
        """Where the user's mail lies."""
        return self.root / "mail" / self.user / "Maildir"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        if PROGRAM is None:
            message = "dovecot is not installed (Debian: dovecot-imapd)"
            raise FileNotFoundError(message)
        config = self._write_config()
        errors = (self.root / "start.log").open("wb")
        self._process = subprocess.Popen([PROGRAM, "-F", "-c", str(config)], stdout=errors, stderr=errors)
        errors.close()
        latest = time.monotonic() + START_SECONDS
        while time.monotonic() < latest:
            try:
                socket.create_connection((LOOPBACK, self.imap_port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise TimeoutError((self.root / "start.log").read_text())

    def stop(self) -> None:
        """Stop it; the mailbox stays."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(START_SECONDS)

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        """Put a mail into a folder."""
        client = self.sign_in()
        client.append(folder, raw, msg_time=received)
        client.logout()

    def sign_in(self) -> IMAPClient:
        """Look into the mailbox as a person would."""
        context = ssl.create_default_context(cafile=self.ca_file) if self.security != "none" else None
        tls = self.security == "tls"
        client = IMAPClient(LOOPBACK, self.imap_port, ssl=tls, ssl_context=context if tls else None, timeout=10)
        if self.security == "starttls":
            client.starttls(context)
        client.login(self.user, self.password)
        return client

    def _choices(self, mail: Path) -> dict[str, str]:
        """Write the settings in which one Dovecot differs from another."""
        locations = {"maildir": f"maildir:{mail}/%u/Maildir", "sdbox": f"sdbox:{mail}/%u/sdbox"}
        secure = self.security != "none"
        if secure and not (self.root / "server.pem").exists():
            self_signed(self.root)
        return {
            "location": locations[self.store],
            "prefix": self.prefix,
            "special": MARKED if self.marked else "",
            "separator": self.prefix[-1:] or "/",
            "capability": f"imap_capability = {self.capability}" if self.capability else "",
            "ssl": "yes" if secure else "no",
            "certificate": f"ssl_cert = <{self.root}/server.pem\nssl_key = <{self.root}/server.key" if secure else "",
        }

    def _write_config(self) -> Path:
        root = os.geteuid() == 0
        owner = pwd.getpwnam("mail") if root else pwd.getpwuid(os.geteuid())
        run, mail = self.root / "run", self.root / "mail"
        for directory in (self.root, run, mail):
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(0o755)
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        group = subprocess.run(["id", "-gn"], capture_output=True, text=True, check=True).stdout.strip()
        tls = self.security == "tls"
        path = self.root / "dovecot.conf"
        path.write_text(
            CONFIG.format(
                root=self.root, run=run, mail=mail, uid=owner.pw_uid, gid=owner.pw_gid,
                imap=0 if tls else self.imap_port, imaps=self.imap_port if tls else 0, **self._choices(mail),
                password=self.password, chroot="" if root else "chroot =",
                ordinary="" if root else ORDINARY.format(name=owner.pw_name, group=group),
                more_chroots="" if root else "service ipc {\n  chroot =\n}\nservice director {\n  chroot =\n}",
            )
        )  # fmt: skip
        return path
