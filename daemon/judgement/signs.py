"""The signs by which a machine's mail is known (RFC 3834 section 2, RFC 3464, and what servers really write).

Return-Receipt-To and Disposition-Notification-To are no signs: a person's mail asks for a receipt with them.
X-MS-Exchange-Inbox-Rules-Loop alone is none either: a person's mail carries it that a colleague's rule sent on.
"""

import re
from collections.abc import Mapping

from daemon.judgement.message import Attachment, Message

Headers = Mapping[str, tuple[str, ...]]

NEVER_REPLY = "no[-_.]?reply|do[-_.]?not[-_.]?reply|nicht-?antworten|keine-?antwort|ne-?pas-?repondre|no-?responder"
ROBOT_NAMES = re.compile(
    rf"(?:(?:[^-_.+]+[-_.+]){{0,8}}(?:{NEVER_REPLY})(?:[-_.+].*)?|mailer-daemon|postmaster|auto-?repl(?:y|ies)"
    r"|auto-?responder|owner-.*|.*-owner|.*-request|bounces?(?:[+-].*)?)",
    re.DOTALL,
)
LIST_NAMES = re.compile(r"owner-.*|.*-owner|.*-request", re.DOTALL)
COMMENT = re.compile(r"\([^()]*\)")
LIST_HEADERS = (
    "list-id", "list-unsubscribe", "list-subscribe", "list-post", "list-help", "list-owner", "list-archive",
    "x-mailing-list", "mailing-list",
)  # fmt: skip
RESPONDER_HEADERS = ("x-autoreply", "x-autorespond")
TLS_HEADERS = ("tls-report-domain", "tls-report-submitter")
EXCHANGE_HEADERS = (
    "x-ms-exchange-generated-message-source", "x-ms-exchange-inbox-rules-loop", "x-ms-exchange-parent-message-id",
)  # fmt: skip
CALENDAR_METHODS = frozenset({"REQUEST", "REPLY", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER", "PUBLISH", "ADD"})
# What asks somebody for something. PUBLISH and ADD too: a person may have attached the event to a letter.
ASKING_METHODS = frozenset({"REQUEST", "COUNTER", "PUBLISH", "ADD"})
MACHINE_REPORTS = frozenset({"feedback-report", "tlsrpt"})
PACKED = ("zip", "gzip", "xml", "x-gzip", "x-zip-compressed")
ABSENT = re.compile(
    r"auto(?:matic)?[ -]?(?:reply|response)|out of (?:the )?office|away from (?:the )?office|abwesenheit|abwesend"
    r"|automatische antwort|auto-?antwort|réponse automatique|absence|absent|respuesta automática"
    r"|fuera de (?:la )?oficina|risposta automatica|fuori (?:sede|ufficio)|resposta automática"
    r"|automatisch antwoord|afwezig|autosvar|automatiskt? svar|automaattinen vastaus|odpowiedź automatyczna"
    r"|automatická odpověď|otomatik yan|автоответ|自動応答|自動返信|自动答复|自动回复|自動回覆",
    re.IGNORECASE,
)


def first(headers: Headers, name: str) -> str:
    """Give the topmost value of a field in lower case; empty where there is none."""
    return next(iter(headers.get(name, ())), "").strip().lower()


def sender_name(message: Message) -> str:
    """Give what stands before the sender's ``@``; empty where the sender is ambiguous."""
    return message.sender.email.rpartition("@")[0] if message.sender else ""


def auto_submitted(message: Message) -> bool:
    """Say whether any Auto-Submitted field names a machine (RFC 3834, 5): anything but ``no`` does."""
    return any(value not in ("", "no") for value in _submissions(message.headers))


def _submissions(headers: Headers) -> list[str]:
    values = headers.get("auto-submitted", ())
    return [COMMENT.sub("", value).partition(";")[0].strip().lower() for value in values]


def null_return_path(message: Message) -> bool:
    """Say whether the envelope names nobody to answer to, as in a bounce."""
    return first(message.headers, "return-path") == "<>"


def bulk(message: Message) -> bool:
    """Say whether the Precedence is one that nobody answers; responders call theirs ``auto_reply``."""
    return first(message.headers, "precedence") in ("bulk", "list", "junk", "auto_reply", "auto-reply")


def mailing_list(message: Message) -> bool:
    """Say whether it carries a field of RFC 2369, RFC 2919, or of the programs before them."""
    return any(name in message.headers for name in LIST_HEADERS)


def robot_header(message: Message) -> bool:
    """Say whether it carries the field of an automatic responder, or asks that nobody respond automatically.

    The latter is no proof of a machine, only a request not to be answered by one (MS-OXCMAIL, 2.1.3.2.20), which
    clerkd heeds; its value None asks for nothing.
    """
    suppressed = first(message.headers, "x-auto-response-suppress")
    named = any(name in message.headers for name in (*RESPONDER_HEADERS, "x-loop"))
    return named or suppressed not in ("", "none")


def absence(message: Message) -> bool:
    """Say whether the subject begins as that of an out-of-office reply; it is a support for other signs, never one."""
    return bool(ABSENT.match(message.subject.strip()))


def exchange_absence(message: Message) -> bool:
    """Say whether Exchange made it and calls it an out-of-office reply; neither of the two is enough."""
    return absence(message) and any(name in message.headers for name in EXCHANGE_HEADERS)


def robot_sender(message: Message) -> bool:
    """Say whether the sender's name is one that no person has."""
    return bool(ROBOT_NAMES.fullmatch(sender_name(message)))


def report(message: Message) -> bool:
    """Say whether it is a report on an earlier mail (RFC 6522)."""
    return message.report is not None or message.media_type == "multipart/report"


def bounce(message: Message) -> bool:
    """Say whether it tells of a mail's delivery: by a report (RFC 3464), as Exim does, or by who wrote it."""
    name = sender_name(message)
    told = message.report is not None and (
        message.report.kind.endswith("delivery-status") or bool(message.report.deliveries)
    )
    returned = name == "mailer-daemon" or (name == "postmaster" and null_return_path(message))
    return told or returned or failed_recipients(message)


def failed_recipients(message: Message) -> bool:
    """Say whether it names those who could not be reached in a header field, as Exim's bounces do."""
    return "x-failed-recipients" in message.headers


def receipt(message: Message) -> bool:
    """Say whether it tells that a mail was read (RFC 8098), also where only Exchange's Content-Class says so."""
    told = message.report is not None and message.report.kind == "disposition-notification"
    return told or receipt_class(message)


def receipt_class(message: Message) -> bool:
    """Say whether Exchange calls it a receipt."""
    return first(message.headers, "content-class") == "urn:content-classes:mdn"


def calendar(message: Message) -> bool:
    """Say whether a calendar program sent it (RFC 5546, 1.4)."""
    return message.calendar_method.upper() in CALENDAR_METHODS


def invitation(message: Message) -> bool:
    """Say whether it asks for a person's date, not only tells of one."""
    return message.calendar_method.upper() in ASKING_METHODS


def tls_report(message: Message) -> bool:
    """Say whether it reports on the encryption of connections (RFC 8460, 5.3)."""
    return any(name in message.headers for name in TLS_HEADERS)


def dmarc_report(message: Message) -> bool:
    """Say whether it is a DMARC aggregate report: by its fixed subject and its one packed file (RFC 7489, 7.2.1.1)."""
    subject = message.subject.lower()
    return "report domain:" in subject and "submitter:" in subject and any(map(_packed, message.attachments))


def _packed(item: Attachment) -> bool:
    return item.media_type.rpartition("/")[2] in PACKED or item.name.lower().endswith((".zip", ".gz", ".xml"))


def cron(message: Message) -> bool:
    """Say whether cron sent what a job printed."""
    return "x-cron-env" in message.headers


def machine_report(message: Message) -> bool:
    """Say whether a machine reports to whoever runs the servers: complaints (RFC 5965), TLS, DMARC, cron."""
    told = message.report is not None and message.report.kind in MACHINE_REPORTS
    return told or tls_report(message) or dmarc_report(message) or cron(message)


def auto_reply(message: Message) -> bool:
    """Say of an automated mail whether it answers another one: an out-of-office reply, a confirmation of receipt."""
    responder = any(name in message.headers for name in RESPONDER_HEADERS)
    answers = null_return_path(message) and bool(message.in_reply_to or message.references)
    called = first(message.headers, "precedence") in ("auto_reply", "auto-reply")
    return responder or answers or called or absence(message) or "auto-replied" in _submissions(message.headers)


def to_a_list(message: Message) -> bool:
    """Say of an automated mail whether it went to many: a list, a newsletter, or the list's own program."""
    return mailing_list(message) or bulk(message) or bool(LIST_NAMES.fullmatch(sender_name(message)))
