"""The one place that knows SMTP: hands mails over to the submission server (RFC 6409)."""

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from daemon.errors import DeferredError, FatalError, PermanentError, TransientError, UncertainError
from daemon.settings import Smtp

PART = "smtp"
SUCCESS, ACCEPTED, REDIRECT, GOES_ON, DEFERRED, PERMANENT, BEYOND = 200, 250, 300, 354, 400, 500, 600
THE_MAIL = "the mail"
LONGEST_WORDS = 200  # characters of a server's answer that are shown to a person


class Submission:
    """Signs in for each mail: a mailbox sends few, and a connection that lies idle is closed by most servers."""

    def __init__(self, smtp: Smtp, sender: str) -> None:
        """``sender`` is the address in the envelope: a bounce comes back to it."""
        self._smtp = smtp
        self._sender = sender

    def check(self) -> None:
        """Connect and sign in; raise TransientError where that fails."""
        with self._signed_in():
            pass

    def submit(self, recipients: Sequence[str], raw: bytes) -> None:
        """Hand over a mail.

        Raises TransientError where the server is out of reach, DeferredError where it does not take this mail now,
        PermanentError where it never will, and UncertainError where its last word was not heard: once the text has
        left, nobody knows what became of it.
        """
        with self._signed_in() as client:
            self._envelope(client, recipients, raw)
            try:
                code, said = client.docmd("DATA")
            except (smtplib.SMTPException, OSError) as error:
                raise self._lost(error) from error
            if code != GOES_ON:
                raise _refusal(THE_MAIL, code, said)
            try:
                client.send(_stuffed(raw))
                code, said = client.getreply()
            except (smtplib.SMTPException, OSError) as error:
                message = f"the connection to {self._where} broke while the mail was handed over"
                raise UncertainError(message) from error
            if SUCCESS <= code < REDIRECT:
                return
            if not DEFERRED <= code < BEYOND:
                message = f"{self._where} gave no answer that can be read when it had the mail ({code})"
                raise UncertainError(message)
            raise _refusal(THE_MAIL, code, said)

    def _envelope(self, client: smtplib.SMTP, recipients: Sequence[str], raw: bytes) -> None:
        try:
            code, said = client.mail(self._sender, self._options(client, recipients, raw))
            if code != ACCEPTED:
                raise _refusal(f"the sender {self._sender}", code, said)
            for recipient in recipients:
                code, said = client.rcpt(recipient)
                if not ACCEPTED <= code < ACCEPTED + 2:
                    raise _refusal(f"the recipient {recipient}", code, said)
        except (smtplib.SMTPException, OSError) as error:
            raise self._lost(error) from error

    def _options(self, client: smtplib.SMTP, recipients: Sequence[str], raw: bytes) -> list[str]:
        """Say what the server must know of the mail; raise PermanentError where it cannot carry it."""
        needed = [("8bitmime", "BODY=8BITMIME", raw.isascii())]
        needed += [("smtputf8", "SMTPUTF8", all(map(str.isascii, recipients)))]
        wanted = [(feature, option) for feature, option, plain in needed if not plain]
        missing = [feature.upper() for feature, _ in wanted if not client.has_extn(feature)]
        if missing:
            message = f"{self._where} cannot carry this mail: it does not know {missing[0]}"
            raise PermanentError(message)
        return [option for _, option in wanted]

    @contextmanager
    def _signed_in(self) -> Iterator[smtplib.SMTP]:
        client = self._connected()
        try:
            self._sign_in(client)
            yield client
        finally:
            with suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()

    def _connected(self) -> smtplib.SMTP:
        smtp = self._smtp
        try:
            if smtp.security == "tls":
                return smtplib.SMTP_SSL(
                    smtp.host, smtp.effective_port, timeout=smtp.timeout_seconds, context=self._context()
                )
            return smtplib.SMTP(smtp.host, smtp.effective_port, timeout=smtp.timeout_seconds)
        except (smtplib.SMTPException, OSError) as error:
            raise self._lost(error) from error

    def _sign_in(self, client: smtplib.SMTP) -> None:
        try:
            if self._smtp.security == "starttls":
                client.starttls(context=self._context())
            client.ehlo_or_helo_if_needed()
            client.login(self._smtp.user, self._smtp.password.read())
        except FatalError as error:
            raise TransientError(PART, str(error), "authentication") from error
        except smtplib.SMTPAuthenticationError as error:
            message = f"{self._where} does not accept the password of {self._smtp.user}"
            raise TransientError(PART, message, "authentication") from error
        except (smtplib.SMTPException, OSError) as error:
            raise self._lost(error) from error

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._smtp.ca_file) if self._smtp.ca_file else None)

    @property
    def _where(self) -> str:
        return f"the submission server {self._smtp.host}:{self._smtp.effective_port}"

    def _lost(self, error: Exception) -> TransientError:
        """Say that the server cannot be talked to; nothing of a mail has left yet."""
        if isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
            return TransientError(PART, f"{self._where} is out of reach: {error.strerror or type(error).__name__}")
        return TransientError(PART, f"{self._where} broke off ({type(error).__name__})")


def _refusal(what: str, code: int, said: bytes) -> DeferredError | PermanentError:
    """Tell a no for now from one for good (RFC 5321, 4.2.1)."""
    words = " ".join(said.decode("utf-8", "replace").split())[:LONGEST_WORDS]
    message = f"the server does not take {what}: {code} {words}"
    return PermanentError(message) if code >= PERMANENT else DeferredError(message)


def _stuffed(raw: bytes) -> bytes:
    """Write a mail as it goes over the line (RFC 5321, 4.5.2): a dot before each one that begins a line, one behind."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    whole = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", whole) + b".\r\n"
