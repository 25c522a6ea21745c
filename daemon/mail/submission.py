"""The one place that knows SMTP. For now it only signs in, so that ``clerkd check`` can say whether it would work."""

import smtplib
import ssl

from daemon.errors import TransientError
from daemon.settings import Smtp

PART = "smtp"


def sign_in(smtp: Smtp) -> None:
    """Connect and sign in to the submission server (RFC 6409); raise TransientError where that fails."""
    where = f"the submission server {smtp.host}:{smtp.effective_port}"
    try:
        with _connect(smtp) as client:
            if smtp.security == "starttls":
                client.starttls(context=ssl.create_default_context())
            client.login(smtp.user, smtp.password.read())
    except smtplib.SMTPAuthenticationError as error:
        message = f"{where} does not accept the password of {smtp.user}"
        raise TransientError(PART, message) from error
    except smtplib.SMTPException as error:
        message = f"{where} refuses the sign-in ({type(error).__name__})"
        raise TransientError(PART, message) from error
    except OSError as error:
        message = f"{where} is out of reach: {error.strerror or type(error).__name__}"
        raise TransientError(PART, message) from error


def _connect(smtp: Smtp) -> smtplib.SMTP:
    if smtp.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(smtp.host, smtp.effective_port, timeout=smtp.timeout_seconds, context=context)
    return smtplib.SMTP(smtp.host, smtp.effective_port, timeout=smtp.timeout_seconds)
