"""What the sender wrote, apart from quote and signature; in doubt it all stays together."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail.quotes import Split, split

PATIENCE = 5.0
OUTLOOK = "From: Bo <bo@tern.example>\nSent: Monday, 2 March 2026 10:12\nTo: Ada\nSubject: Hours\n\nAre you open?"


@pytest.mark.parametrize(
    "quote",
    [
        "On Mon, 2 Mar 2026 at 10:12, Bo <bo@tern.example> wrote:\n\n> Are you open?\n>\n> Bo",
        "On Mon, 2 Mar 2026 at 10:12, Bo\n<bo@tern.example> wrote:\n> Are you open?",
        "On Mon, 2 Mar 2026 at 10:12, Bo <bo@tern.example> wrote:\n\nAre you open?",
        "Am Mo., 2. März 2026 um 10:12 Uhr schrieb Bo <bo@tern.example>:\n> Offen?",
        "Le lun. 2 mars 2026 à 10:12, Bo <bo@tern.example> a écrit :\n> Ouvert ?",
        "El lun, 2 mar 2026 a las 10:12, Bo (<bo@tern.example>) escribió:\n> ¿Abierto?",
        "Den mån 2 mars 2026 kl 10:12 skrev Bo <bo@tern.example>:\n> Öppet?",
        "Em seg., 2 de mar. de 2026 às 10:12, Bo <bo@tern.example> escreveu:\n> Aberto?",
        "Op ma 2 mrt 2026 om 10:12 schreef Bo <bo@tern.example>:\n> Open?",
        "Il giorno lun 2 mar 2026 alle ore 10:12 Bo ha scritto:\n> Aperto?",
        "> Are you open?\n> Bo",
        f"-----Original Message-----\n{OUTLOOK}",
        f"-----Ursprüngliche Nachricht-----\n{OUTLOOK}",
        f"________________________________\n{OUTLOOK}",
        OUTLOOK,
        "Von: Bo <bo@tern.example>\nGesendet: Montag, 2. März 2026 10:12\nAn: Ada\nBetreff: AW: Zeiten\n\nOffen?",
        "*From:* Bo\n*Sent:* Monday\n*To:* Ada\n*Subject:* Hours\n\nOpen?",
    ],
    ids=range(17),
)
def test_it_splits_off_a_quote_below_the_sender_s_words(quote: str) -> None:
    """The introduction belongs to the quote."""
    assert split(f"Yes, until six.\n\n{quote}", "Re: Hours") == Split("Yes, until six.", quote)


@pytest.mark.parametrize(
    "text",
    [
        "On 2 March 2026, Bo wrote:\n> Are you open?\n\nYes, until six.",
        "Hi,\n\nOn 2 March 2026, Bo wrote:\n> Are you open?\nYes.\n> Until when?\nSix.",
        "> Are you open?\nYes.",
    ],
    ids=["below", "between", "without an introduction"],
)
def test_it_keeps_all_where_the_sender_answers_below_or_between(text: str) -> None:
    """An answer cannot be read without what it answers."""
    assert split(text, "Re: Hours") == Split(text)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (f"See below.\n\n---------- Forwarded message ---------\n{OUTLOOK}", "Hours"),
        (f"See below.\n\nBegin forwarded message:\n\n{OUTLOOK}", "Hours"),
        (f"Siehe unten.\n\nAnfang der weitergeleiteten E-Mail:\n\n{OUTLOOK}", "Zeiten"),
        (f"See below.\n\n-----Original Message-----\n{OUTLOOK}", "FW: Hours"),
        (f"Siehe unten.\n\n{OUTLOOK}", "WG: Zeiten"),
        (OUTLOOK, "Hours"),
        ("> Are you open?", "Re: Hours"),
    ],
)
def test_it_keeps_what_the_sender_wants_to_show(text: str, subject: str) -> None:
    """A mail that is passed on, or that holds nothing but a quote, is about the quote."""
    assert split(text, subject) == Split(text)


@pytest.mark.parametrize(
    "text",
    [
        "On Monday he wrote:\nI shall come at noon.",
        "Prices\n________________________________\nGrinder 200",
        "From: Berlin\nTo: Munich\nDate: 3 March\nTwo seats, please.",
        "a > b, and b > c",
        "",
        "\n\n",
    ],
)
def test_it_keeps_what_only_looks_like_a_quote(text: str) -> None:
    """Letters that tell of others, rules and lists are the sender's own words."""
    assert split(text, "Hours") == Split(text.strip("\n"))


@pytest.mark.parametrize("delimiter", ["-- ", "--"])
def test_it_splits_off_what_stands_behind_the_delimiter(delimiter: str) -> None:
    """Two hyphens alone begin a signature (RFC 3676, 4.3); the blank behind them is often lost."""
    assert split(f"Yes.\n\n{delimiter}\nAda\nQuill Ltd", "") == Split("Yes.", "", "Ada\nQuill Ltd")


@pytest.mark.parametrize(
    "footer",
    [
        "Sent from my iPhone",
        "Get Outlook for iOS",
        "Von meinem iPhone gesendet",
        "Gesendet mit der Mail-App",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
    ],
)
def test_it_takes_the_footer_of_a_telephone_for_a_signature(footer: str) -> None:
    """What a program adds to each mail is not what the sender wrote."""
    assert split(f"Yes.\n\n{footer}", "") == Split("Yes.", "", footer)


def test_it_finds_the_signature_below_a_quote() -> None:
    """Some programs sign at the very end."""
    found = split("Yes.\n\nOn 2 March 2026, Bo wrote:\n> Open?\n\n-- \nAda", "Re: Hours")
    assert found == Split("Yes.", "On 2 March 2026, Bo wrote:\n> Open?", "Ada")


def test_it_takes_no_long_text_for_a_signature() -> None:
    """Somebody who draws a line goes on writing."""
    text = "One\n--\n" + "\n".join(f"line {number}" for number in range(40))
    assert split(text, "") == Split(text)


def test_it_leaves_the_other_one_s_signature_in_the_quote() -> None:
    """A quote without marks ends with the signature of who is quoted."""
    assert split(f"Yes.\n\n{OUTLOOK}\n-- \nBo", "Re: Hours").signature == ""


@pytest.mark.parametrize(
    "text",
    [
        "On " * 20_000,
        "On \n" * 20_000,
        ">\n" * 100_000,
        ("On " + "x" * 200 + ":\n") * 1_000,
        ("Am " + " schrieb" * 29 + ":\n") * 1_000,
        ("Op " + " heeft " * 34 + ":\n") * 1_000,
        ("2020/1/1 <@<@<@" + "@ " * 110 + ">\n") * 1_000,
        "2020/1/1 " + "<@" * 20_000,
        "On x\nwrote:\n" * 500,
        "From: x\n" * 100_000,
        ("_" * 32 + "\n") * 10_000,
        "-- \n" * 100_000,
        "a\n>\n" * 50_000,
    ],
    ids=range(13),
)
def test_it_splits_a_hostile_text_within_seconds(text: str) -> None:
    """The patterns of the library are kept from lines that would keep them busy."""
    begun = time.process_time()
    split(text, "")
    assert time.process_time() - begun < PATIENCE


LINES = st.sampled_from(
    [
        "Yes.", "", "> quoted", ">> twice", "On 2 March 2026, Bo wrote:", "-- ", "--", "Sent from my iPhone",
        "________________________________", "From: Bo", "Subject: Hours", "Begin forwarded message:", "Bo wrote:",
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=15).map("\n".join))
def test_it_never_loses_a_word(text: str) -> None:
    """Text, quote and signature together hold every line, save the delimiter of the signature."""
    found = split(text, "")
    kept = sorted(f"{found.text}\n{found.quote}\n{found.signature}".split())
    lost = sorted(text.split())
    for word in kept:
        lost.remove(word)
    assert set(lost) <= {"--"}


@given(st.lists(LINES, max_size=15).map("\n".join))
def test_it_never_takes_the_sender_s_last_word(text: str) -> None:
    """A quote is only split off where something is left to read."""
    found = split(text, "")
    assert found.text or not found.quote
