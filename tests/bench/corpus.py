"""A seeded corpus of mails as a company gets them: plain, with quotes, in HTML, with attachments; all invented."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

WORDS = (
    "the", "of", "and", "to", "in", "for", "is", "on", "that", "with", "as", "are", "at", "be", "this",
    "have", "from", "or", "by", "we", "you", "not", "can", "will", "order", "invoice", "delivery", "address",
    "payment", "machine", "valve", "sensor", "quantity", "price", "offer", "date", "please", "thanks",
    "regards", "week", "tomorrow", "number", "customer", "service", "support", "question", "answer", "return",
    "warranty", "part", "cable", "system", "account", "report", "month", "total",
)  # fmt: skip
PEOPLE = ("Ada Quill", "Bo Tern", "Søren Wren", "Jürgen Groß", "Ewa Żak", "Chloé Lark", "Li Heron", "Tom Otter")
START = datetime(2026, 1, 5, 8, tzinfo=UTC)


def corpus(count: int, seed: int = 1) -> Iterator[bytes]:
    """Yield so many mails, of 8 KB on average, always the same ones for a seed."""
    return (_mail(random.Random(f"{seed}-{number}"), number) for number in range(count))


def _mail(chance: random.Random, number: int) -> bytes:
    mail = EmailMessage()
    name = chance.choice(PEOPLE)
    mail["From"] = f"{name} <p{chance.randrange(300)}@quill.example>"
    mail["To"] = "Support <support@harbourpine.example>"
    mail["Subject"] = chance.choice(("", "", "Re: ", "AW: ")) + _sentence(chance, 5)
    mail["Date"] = format_datetime(START + timedelta(minutes=11 * number))
    mail["Message-ID"] = f"<{number}.{chance.getrandbits(64):x}@quill.example>"
    mail["Received"] = f"from mx.quill.example by mx.harbourpine.example with ESMTPS id {chance.getrandbits(60):x}"
    mail.set_content(_letter(chance))
    kind = chance.random()
    if kind > 0.55:  # a little less than half of all mail comes in HTML too
        mail.add_alternative(_html(chance), subtype="html")
    if kind > 0.85:  # and one in seven has something attached
        _attach(mail, chance)
    return mail.as_bytes()


def _sentence(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)).capitalize()


def _paragraph(chance: random.Random) -> str:
    return ". ".join(_sentence(chance, chance.randint(6, 14)) for _ in range(chance.randint(2, 6))) + "."


def _letter(chance: random.Random) -> str:
    own = "\n\n".join(_paragraph(chance) for _ in range(chance.randint(2, 7)))
    text = f"Hello,\n\n{own}\n\n-- \n{chance.choice(PEOPLE)}\n"
    if chance.random() < 0.5:  # half of all mail quotes what it answers
        quoted = "\n".join(f"> {_sentence(chance, 10)}" for _ in range(chance.randint(3, 30)))
        text += f"\nOn Mon, 5 Jan 2026 at 10:12, Robin Reed <support@harbourpine.example> wrote:\n\n{quoted}\n"
    return text


def _html(chance: random.Random) -> str:
    rows = "".join(
        f'<tr><td style="padding:8px;font-family:Arial"><p style="color:#333">{_paragraph(chance)}</p>'
        f'<a href="https://click.quill.example/{chance.getrandbits(128):x}">{_sentence(chance, 3)}</a></td></tr>'
        for _ in range(chance.randint(8, 30))
    )
    return (
        "<html><head><style>.preheader{display:none}</style></head><body>"
        f'<div class="preheader">{_sentence(chance, 8)}</div><table width="100%">{rows}</table></body></html>'
    )


def _attach(mail: EmailMessage, chance: random.Random) -> None:
    if chance.random() < 0.5:  # pictures and tables alike
        mail.add_attachment(chance.randbytes(chance.randint(2_000, 30_000)), "image", "png", filename="photo.png")
    else:
        lines = "\n".join(f"{chance.choice(WORDS)},{chance.randrange(100)}" for _ in range(400))
        mail.add_attachment(lines, subtype="csv", filename="list.csv")
