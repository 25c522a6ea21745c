"""Whether a mail is the answer to a letter of ours to a specialist who is a person, and what is done where it is not.

What such an answer says may be told to a customer. So it counts only where nobody else can have written it: it names
the letter by an id that is random, comes from the address that the letter went to, and the sender's domain vouches
for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from daemon.judgement.authenticity import Authenticity, Verdict
from daemon.judgement.handoffs import LONGEST_REPORT, HandoffState
from daemon.judgement.message import Message
from daemon.judgement.quoting import whole
from daemon.judgement.screening import Answer, AutomatedKind, File, Hold, Screening, Work

ANSWER = "answer"  # the rule by which one is filed
OWN_MARK = ".clerkd@"  # stands in each Message-ID of ours
LETTER_MARK = f".letter{OWN_MARK}"
NAMES = "it names our letter on handoff {}"
# Of what a machine answers by itself, nobody needs to be told: the handoff stays open, and comes up in time.
EXPECTED = (AutomatedKind.AUTO_REPLY, AutomatedKind.RECEIPT, AutomatedKind.OWN)


@dataclass(frozen=True)
class Letter:
    """A letter of ours on a handoff: to whom it went, to whom it would go today (nobody: empty), how the handoff is."""

    handoff: int
    own_id: str
    to: str
    configured: str
    state: HandoffState


def thread_id(own_id: str) -> str:
    """Give a letter's second id, as random as its Message-ID: what it says that it answers.

    Many mail programs give a draft another Message-ID when a person sends it, and keep what it answers; whoever
    answers it names both (RFC 5322, 3.6.4).
    """
    return own_id.replace(OWN_MARK, LETTER_MARK)


def letter_ids(ids: Iterable[str]) -> tuple[str, ...]:
    """Give the Message-IDs of the letters that a mail may mean which names these ids."""
    return tuple(dict.fromkeys(name.replace(LETTER_MARK, OWN_MARK) for name in ids))


def answered(message: Message, screening: Screening, letter: Letter, vouched: Authenticity) -> Screening:
    """Say what is done with a mail that may answer a letter; ``screening`` is what would be done with any other."""
    if letter.own_id not in letter_ids((*message.in_reply_to, *message.references)):
        return screening
    names = NAMES.format(letter.handoff)
    match screening:
        case File(kind=kind) if kind in EXPECTED:
            return screening
        case File(why=why):
            return replace(screening, why=f"{why}; {names}", for_a_person=True)
        case Work():
            obstacle = _obstacle(message, letter, vouched)
            return Hold(f"{names}, but {obstacle}") if obstacle else _answer(message, letter)
        case _:
            return screening


def why_of(answer: Answer) -> str:
    """Say what an answer is, for the log."""
    ended = ", which has ended: nobody has acted on it" if answer.late else ""
    return f"it answers our letter on handoff {answer.handoff}{ended}"


def _obstacle(message: Message, letter: Letter, vouched: Authenticity) -> str:
    """Say why a mail cannot be taken for the specialist's; empty where it can."""
    if message.sender is None or message.sender.email != letter.to.lower():
        return f"it does not come from {letter.to}"
    if letter.configured.lower() != letter.to.lower():
        return f"{letter.to} is no specialist any more"
    if vouched.verdict is not Verdict.PASS:
        return f"nothing shows that it comes from {letter.to}: {vouched.why}"
    if letter.state is HandoffState.CANCELLED:
        return "that is cancelled"
    return "" if report_of(message) else "there is no text in it"


def _answer(message: Message, letter: Letter) -> Answer:
    return Answer(letter.handoff, report_of(message), late=letter.state is not HandoffState.OPEN)


def report_of(message: Message) -> str:
    """Give what an answer says: its text without what it quotes, then the texts of what is attached."""
    texts = [f"[{item.name}:]\n{item.text}" for item in message.attachments if item.text.strip()]
    return whole("\n\n".join(filter(None, [message.text.strip(), *texts])))[:LONGEST_REPORT]
