"""What no mail of ours may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.runs import runs
from daemon.judgement.walls import RUN, Breach, Ground, Wall, breaches

MAIL = "Dear shop, my order Q-1042 at https://shop.example/orders/1042 is late. Write to ada@quill.example. Ada"
ORDERS = "You may give a refund of up to fifty euros on your own word, and never a cent more than that."
THEIRS = "my knee operation went wrong last week and I need the chair before Friday"
OF_ANOTHER = frozenset(map(" ".join, runs(THEIRS, RUN)))


def walls(text: str, ground: Ground) -> list[Wall]:
    """Name the walls that a text runs into."""
    return [breach.wall for breach in breaches(text, ground)]


@pytest.mark.parametrize(
    "text",
    [
        "Your order Q-1042 is on its way: https://shop.example/orders/1042",
        "See shop.example or write to ada@quill.example.",
        "See http://SHOP.example/orders/1042/.",
        "",
    ],
)
def test_what_stands_in_the_mail_at_hand_may_be_said(text: str) -> None:
    """Its links, the bare names of its hosts and its addresses may be repeated."""
    assert breaches(text, Ground(at_hand=MAIL)) == ()


@pytest.mark.parametrize(
    ("text", "passage"),
    [
        ("https://evil.example", "https://evil.example"),
        ("https://shop.example/orders/1042?said=secret", "https://shop.example/orders/1042?said=secret"),
        ("[here][1]\n\n[1]: evil.com/x", "evil.com/x"),
        ("evil.com", "evil.com"),
        ("boss@quill.example", "boss@quill.example"),
        ("tel:+4312345", "tel:+4312345"),
    ],
)
def test_a_link_that_is_neither_in_the_mail_nor_on_the_list_is_a_breach(text: str, passage: str) -> None:
    """Also one to a host that the mail names, where anything else is asked of it."""
    assert breaches(text, Ground(at_hand=MAIL)) == (Breach(Wall.LINK, passage),)


@pytest.mark.parametrize("text", ["https://docs.ours.example/a?b", "www.ours.example", "help@ours.example"])
def test_a_link_into_a_domain_on_the_list_may_be_written(text: str) -> None:
    """A domain on the list stands for its subdomains, too."""
    assert breaches(text, Ground(allowed=frozenset({"ours.example"}))) == ()


def test_a_domain_on_the_list_stands_for_no_other_that_ends_like_it() -> None:
    """Whoever registers a name that ends in ours gains nothing."""
    assert walls("notours.example", Ground(allowed=frozenset({"ours.example"}))) == [Wall.LINK]


def test_our_own_addresses_and_the_recipients_may_be_written() -> None:
    """They are no links to anybody else."""
    own = frozenset({"support@harbourpine.example"})
    assert breaches("Write to support@harbourpine.example.", Ground(own=own)) == ()


def test_what_is_tied_to_somebody_else_is_a_breach() -> None:
    """Numbers as they are grouped by anybody are known again."""
    ground = Ground(tied=frozenset({"431234567"}))
    assert breaches("Call 43 1234-567", ground) == (Breach(Wall.OTHERS, "431234567"),)


def test_a_run_of_anothers_words_is_a_breach() -> None:
    """Eight words in a row that stand in another's mail alone, whatever stands between them."""
    ground = Ground(borrowed=OF_ANOTHER)
    assert walls("He wrote: MY KNEE operation - went wrong, last week and.", ground) == [Wall.BORROWED]


def test_fewer_words_in_a_row_than_eight_are_anybodys() -> None:
    """Seven words are no run."""
    assert breaches(" ".join(THEIRS.split()[: RUN - 1]), Ground(borrowed=OF_ANOTHER)) == ()


def test_the_words_of_the_standing_orders_are_a_breach() -> None:
    """The passage is named by its first eight words."""
    text = "My instructions say: a refund of up to fifty euros on your own word!"
    assert breaches(text, Ground(orders=(ORDERS,))) == (Breach(Wall.ORDERS, "a refund of up to fifty euros on"),)


def test_words_of_the_orders_that_the_sender_wrote_may_be_repeated() -> None:
    """What stands in the mail at hand gives nothing away."""
    assert breaches(ORDERS, Ground(at_hand=ORDERS, orders=(ORDERS,))) == ()


def test_words_of_the_orders_that_stand_in_our_documents_may_be_told() -> None:
    """What is for whoever asks is no secret."""
    ground = Ground(orders=(ORDERS,), open=runs(ORDERS, RUN))
    assert breaches(ORDERS, ground) == ()


def test_a_secret_of_this_house_is_a_breach_that_does_not_repeat_it() -> None:
    """The passage shown to a reviewer holds no secret."""
    assert breaches("It is corr3ct-horse.", Ground(secrets=("corr3ct-horse",))) == (
        Breach(Wall.SECRET, "(a secret of this house)"),
    )


@pytest.mark.parametrize(
    "unseen",
    [
        "\u00ad",
        "\u200e",
        "\u034f",
        "\u061c",
        "\u3164",
        "\ufe00",
        "a\u200cb",
        "\u200b",
        "\u202e",
        "\U000e0041",
        "\ufeff",
        "\u2066",
        "\x1b",
        "\u2028",
    ],
)
def test_characters_that_nobody_sees_are_a_breach(unseen: str) -> None:
    """What a reviewer cannot see must not be sent."""
    assert walls(f"Dear Ada,{unseen} hello", Ground()) == [Wall.UNSEEN]


@pytest.mark.parametrize("seen", ["👩‍👧 hello", "می‌خواهم", "naïve ﬁt", "a\tb\nc\r\nd"])
def test_characters_that_writing_needs_are_none(seen: str) -> None:
    """Joiners of emoji and of Persian stay."""
    assert breaches(seen, Ground()) == ()


@pytest.mark.parametrize("unseen", ["\u00ad", "\u200c", "\u200e", "\u2060"])
def test_what_nobody_sees_hides_neither_a_number_nor_words(unseen: str) -> None:
    """Between digits and letters it is taken out before anything is compared."""
    ground = Ground(tied=frozenset({"431234567"}), borrowed=OF_ANOTHER)
    text = f"{unseen.join('431234567')} {' '.join(unseen.join(word) for word in THEIRS.split())}"
    assert {Wall.OTHERS, Wall.BORROWED} <= set(walls(text, ground))


def test_all_breaches_are_told_each_once() -> None:
    """A reviewer sees everything at once."""
    ground = Ground(tied=frozenset({"431234567"}), borrowed=OF_ANOTHER)
    assert walls(f"evil.com 431234567 {THEIRS} evil.com", ground) == [Wall.LINK, Wall.OTHERS, Wall.BORROWED]


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_repeats_the_mail_at_hand_never_leaks_a_link(mail: str, more: str) -> None:
    """No link is let through that does not stand in the mail."""
    ground = Ground(at_hand=mail)
    assert all(breach.wall is not Wall.LINK for breach in breaches(mail, ground))
    text = f"{mail} {more} https://never.said.example/x"
    assert any("never.said.example/x" in breach.passage for breach in breaches(text, ground)) or "never.said" in mail


@given(st.lists(st.sampled_from(THEIRS.split()), min_size=RUN, max_size=40))
def test_a_breach_by_anothers_words_is_found_wherever_it_stands(words: list[str]) -> None:
    """Behind and before any other words."""
    text = " ".join([*words, *THEIRS.split(), *words])
    assert Wall.BORROWED in walls(text, Ground(borrowed=OF_ANOTHER))


@given(st.integers(0, len(THEIRS.split()) - RUN))
def test_a_part_of_anothers_words_is_a_breach_whichever_it_is(start: int) -> None:
    """Each text is held against all of them: that another text holds the first part excuses nothing."""
    part = " ".join(THEIRS.split()[start : start + RUN])
    assert walls(f"He said: {part}", Ground(borrowed=OF_ANOTHER)) == [Wall.BORROWED]
