"""Answers to letters of ours: what counts as a specialist's, and what is done with all that does not."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.judgement.answers import Letter, answered, letter_ids, report_of, thread_id, why_of
from daemon.judgement.authenticity import Authenticity, Verdict
from daemon.judgement.handoffs import LONGEST_REPORT, HandoffState
from daemon.judgement.message import Address, Attachment, Message
from daemon.judgement.screening import Answer, AutomatedKind, File, Hold, Screening, Work
from tests.judgement.samples import ADA
from tests.judgement.samples import message as mail

OWN_ID = "<0123456789abcdef.clerkd@harbourpine.example>"
OTHER_ID = "<fedcba9876543210.clerkd@harbourpine.example>"
ALICE = Address("alice@harbourpine.example", "Alice")
PASSED = Authenticity(Verdict.PASS, "dmarc", domain="harbourpine.example")
UNKNOWN = Authenticity(Verdict.UNKNOWN, "the border server wrote no results into it")
LETTER = Letter(3, OWN_ID, ALICE.email, ALICE.email, HandoffState.OPEN)
ABSENT = File("auto-submitted", "its Auto-Submitted header says that a machine sent it", AutomatedKind.AUTO_REPLY)
MACHINE = File("bulk", "its Precedence header is that of a mass mailing", AutomatedKind.MACHINE)


def letter(**changes: Any) -> Letter:
    """Make the letter, with some things otherwise."""
    return Letter(**{**vars(LETTER), **changes})


def answer(**changes: Any) -> Message:
    """Make Alice's answer, with some things otherwise."""
    return mail(**{"senders": (ALICE,), "in_reply_to": (OWN_ID,), "text": "It is paid.", **changes})


def judged(
    of: Message | None = None,
    asked: Letter = LETTER,
    vouched: Authenticity = PASSED,
    screening: Screening | None = None,
) -> Screening:
    """Judge an answer."""
    return answered(of or answer(), screening or Work(), asked, vouched)


def test_an_answer_that_shows_all_three_counts() -> None:
    """It names our letter, comes from the address that it went to, and the domain vouches for it."""
    assert judged() == Answer(3, "It is paid.", late=False)
    assert why_of(Answer(3, "", late=False)) == "it answers our letter on handoff 3"


@pytest.mark.parametrize(
    "named",
    [
        {"in_reply_to": (OWN_ID,)},
        {"in_reply_to": (), "references": (OWN_ID,)},
        {"in_reply_to": ("<other@mail.example>",), "references": (thread_id(OWN_ID), "<other@mail.example>")},
    ],
    ids=["In-Reply-To", "References", "the second id, where her mail program has changed the first"],
)
def test_the_letter_may_be_named_in_each_way(named: dict[str, Any]) -> None:
    """As mail programs do it."""
    assert judged(answer(**named)) == Answer(3, "It is paid.", late=False)


@pytest.mark.parametrize(
    ("of", "asked", "vouched", "why"),
    [
        (answer(senders=(ADA,)), LETTER, PASSED, "it does not come from alice@harbourpine.example"),
        (answer(), letter(configured=""), PASSED, "alice@harbourpine.example is no specialist any more"),
        (answer(), letter(configured="bo@x.example"), PASSED, "alice@harbourpine.example is no specialist any more"),
        (
            answer(),
            LETTER,
            UNKNOWN,
            "nothing shows that it comes from alice@harbourpine.example: the border server wrote no results into it",
        ),
        (
            answer(),
            LETTER,
            Authenticity(Verdict.FAIL, "dmarc"),
            "nothing shows that it comes from alice@harbourpine.example: dmarc",
        ),
        (answer(), letter(state=HandoffState.CANCELLED), PASSED, "that is cancelled"),
        (answer(text=" \n"), LETTER, PASSED, "there is no text in it"),
    ],
    ids=["somebody else", "gone", "another now", "not vouched for", "forged", "cancelled", "empty"],
)
def test_what_names_our_letter_and_fails_is_held_with_the_reason(
    of: Message, asked: Letter, vouched: Authenticity, why: str
) -> None:
    """Never worked as an answer, and never as an ordinary mail either."""
    assert judged(of, asked, vouched) == Hold(f"it names our letter on handoff 3, but {why}")


@pytest.mark.parametrize("screening", [Work(), ABSENT, Hold("the sender is ambiguous")])
def test_a_mail_that_names_another_letter_is_what_it_would_be(screening: Screening) -> None:
    """Also where all the rest fits."""
    assert judged(answer(in_reply_to=(OTHER_ID,)), screening=screening) is screening
    assert judged(answer(in_reply_to=()), screening=screening) is screening


def test_what_a_machine_answers_by_itself_is_no_answer() -> None:
    """Her out-of-office is filed as any other, and the handoff stays open."""
    assert judged(screening=ABSENT) is ABSENT


def test_what_only_looks_like_a_machine_s_is_shown_to_a_person() -> None:
    """It may be an answer, and would be lost."""
    found = judged(screening=MACHINE)
    assert isinstance(found, File)
    assert (found.rule, found.for_a_person) == ("bulk", True)
    assert found.why.endswith("; it names our letter on handoff 3")


def test_an_ambiguous_sender_is_held_as_ever() -> None:
    """The reason is that one."""
    assert judged(answer(senders=()), screening=Hold("nobody")) == Hold("nobody")


@pytest.mark.parametrize("state", [state for state in HandoffState if state not in {"open", "cancelled"}])
def test_an_answer_behind_the_end_of_its_handoff_is_late(state: HandoffState) -> None:
    """A second one, or one to a letter that was thought to be deleted."""
    found = judged(asked=letter(state=state))
    assert found == Answer(3, "It is paid.", late=True)
    assert isinstance(found, Answer)
    assert why_of(found) == "it answers our letter on handoff 3, which has ended: nobody has acted on it"


def test_the_address_is_compared_without_its_case() -> None:
    """As the reading gives it."""
    assert isinstance(
        judged(asked=letter(to="Alice@HarbourPine.example", configured="alice@HARBOURPINE.example")), Answer
    )


IDS = st.sampled_from([OWN_ID, OTHER_ID, thread_id(OWN_ID), "<x@quill.example>", OWN_ID.upper(), f"{OWN_ID} ", ""])
SENDERS = st.sampled_from(
    [ALICE, ADA, Address("alice@harbourpine.example.evil.example"), Address("xalice@harbourpine.example", ALICE.email)]
)
SCREENINGS = st.sampled_from([Work(), ABSENT, MACHINE, Hold("who?")])


@given(
    st.lists(IDS, max_size=3),
    st.lists(IDS, max_size=3),
    st.lists(SENDERS, max_size=2),
    st.sampled_from(Verdict),
    SCREENINGS,
    st.sampled_from(HandoffState),
    st.sampled_from(["", ALICE.email, ADA.email]),
    st.sampled_from(["", "It is paid."]),
)
@example([OWN_ID], [], [ALICE], Verdict.PASS, Work(), HandoffState.OPEN, ALICE.email, "It is paid.")
@example([], [OTHER_ID, thread_id(OWN_ID)], [ALICE], Verdict.PASS, Work(), HandoffState.OPEN, ALICE.email, "Paid.")
def test_nothing_counts_without_reference_address_and_authenticity(
    in_reply_to: list[str],
    references: list[str],
    senders: list[Address],
    verdict: Verdict,
    screening: Screening,
    state: HandoffState,
    configured: str,
    text: str,
) -> None:
    """A report comes of a mail if, and only if, it shows all of them, a person wrote it, and the handoff is open."""
    of = mail(in_reply_to=tuple(in_reply_to), references=tuple(references), senders=tuple(senders), text=text)
    found = answered(of, screening, letter(state=state, configured=configured), Authenticity(verdict, "-"))
    shows = bool({OWN_ID, thread_id(OWN_ID)} & {*in_reply_to, *references}) and senders == [ALICE]
    proven = verdict is Verdict.PASS and configured == ALICE.email
    counts = shows and proven and screening == Work() and state is HandoffState.OPEN and bool(text)
    assert (isinstance(found, Answer) and not found.late) == counts
    if isinstance(found, Answer):
        assert shows
        assert proven
        assert screening == Work()
    if isinstance(screening, Work) and {OWN_ID, thread_id(OWN_ID)} & {*in_reply_to, *references}:
        assert found != screening  # whatever names our letter is never worked as an ordinary mail


# What it says


def test_a_report_is_what_she_wrote_and_what_she_attached() -> None:
    """Without what her mail program quotes; a picture has no text."""
    files = (Attachment("ledger.csv", "text/csv", 9, text="2044,paid"), Attachment("logo.png", "image/png", 9))
    assert report_of(answer(text="See below.\n", quote="> Is it paid?", attachments=files)) == (
        "See below.\n\n[ledger.csv:]\n2044,paid"
    )


def test_a_report_is_bounded_and_can_be_written_down() -> None:
    """However long her mail is, and half characters are none."""
    assert len(report_of(answer(text="x" * 100_000))) == LONGEST_REPORT
    assert report_of(answer(text="\ud800")) == "?"


# The two ids of a letter


def test_an_answer_names_our_letter_by_either_id() -> None:
    """Both lead to the letter, once."""
    other = "<two@quill.example>"
    assert letter_ids([other, OWN_ID, thread_id(OWN_ID), other]) == (other, OWN_ID)
    assert thread_id(OWN_ID) != OWN_ID


@given(st.text())
def test_an_id_that_is_none_of_ours_is_left_as_it_is(name: str) -> None:
    """Nothing is made of a stranger's."""
    assert letter_ids([f"<{name}@quill.example>"]) == (f"<{name}@quill.example>",)
