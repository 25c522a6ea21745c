"""The walls on the way out: what no mail of ours may hold, whatever the model was brought to write.

The one session holds everybody's mail, so each of these must stand with a model that obeys whoever wrote last. They
know things again (numbers, addresses, links, runs of words); what is said in other words they cannot know.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from daemon.judgement.leaks import found
from daemon.judgement.links import Link, links
from daemon.judgement.outward import marks_of
from daemon.judgement.runs import runs

Runs = Sequence[tuple[str, ...]]
RUN = 8  # words in a row that two mails do not have in common by chance
LONGEST_PASSAGE = 200  # characters
# Characters that nobody sees, or that turn around what is read: controls, soft hyphens, directions, blanks without a
# width, fillers, variation selectors, tags. Joiners are left to the scripts and emoji that need them.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\U000e0000-\U000e0fff]"
    # A joiner between what no joiner belongs to.
    "|(?<=[0-9A-Za-z])[\u200c\u200d]|[\u200c\u200d](?=[0-9A-Za-z])"
)


class Wall(StrEnum):
    """What a mail of ours ran into."""

    LINK = "link"
    OTHERS = "another's"
    BORROWED = "another's words"
    ORDERS = "standing orders"
    SECRET = "secret"  # noqa: S105 - the name of a wall
    UNSEEN = "unseen characters"


@dataclass(frozen=True)
class Breach:
    """Which wall, and the passage that ran into it."""

    wall: Wall
    passage: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.wall}: {self.passage}"


@dataclass(frozen=True)
class Ground:
    """What a mail of ours may stand on, and what is not its own.

    ``at_hand`` is the mail that it answers as it was read, with its head; ``allowed`` are domains that may be linked,
    ``own`` our addresses and the recipient's. ``tied`` are numbers and addresses of others, ``borrowed`` the runs of
    words that stand in others' mails alone. ``open`` are runs of our documents, which may be told to anybody.
    """

    at_hand: str = ""
    allowed: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    tied: frozenset[str] = frozenset()
    borrowed: Collection[str] = frozenset()
    orders: Collection[str] = ()
    open: Collection[tuple[str, ...]] = ()
    secrets: Collection[str] = field(default=(), repr=False)


def breaches(text: str, ground: Ground) -> tuple[Breach, ...]:
    """Find all that a text of ours may not hold."""
    return tuple(dict.fromkeys(Breach(wall, _short(passage)) for wall, passage in _found(text, ground)))


def named(found: Collection[Breach]) -> str:
    """Name the walls that a text ran into, as the rule by which it waits."""
    return f"walls: {', '.join(dict.fromkeys(breach.wall for breach in found))}"


def _found(text: str, ground: Ground) -> Iterator[tuple[Wall, str]]:
    yield from ((Wall.UNSEEN, f"U+{ord(each):04X}") for each in UNSEEN.findall(text))
    yield from ((Wall.LINK, link.written) for link in _foreign(text, ground))
    yield from ((Wall.OTHERS, mark) for mark in sorted(marks_of(text) & ground.tied))
    said = runs(text, RUN)
    yield from ((Wall.BORROWED, run) for run in islice(_borrowed(said, ground), 1))
    ours = set(said).difference(runs(ground.at_hand, RUN), ground.open)
    yield from ((Wall.ORDERS, run) for orders in ground.orders for run in _shared(said, ours, orders))
    yield from ((Wall.SECRET, passage) for passage in found(text, ground.secrets, ground.at_hand))


def _foreign(text: str, ground: Ground) -> Iterator[Link]:
    """Find the links that are neither in the mail at hand nor on the list.

    One from the mail must be the same to the letter: what is asked for at a host can tell it anything. A host alone
    cannot.
    """
    known = list(links(ground.at_hand))
    targets, hosts = {link.target for link in known}, {link.host for link in known}
    for link in links(text):
        is_known = link.target in targets or link.target in ground.own or (link.is_bare and link.host in hosts)
        if not is_known and not _is_allowed(link.host, ground.allowed):
            yield link


def _is_allowed(host: str, allowed: frozenset[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[at:]) in allowed for at in range(len(labels)))


def _borrowed(said: Runs, ground: Ground) -> Iterator[str]:
    yield from filter(ground.borrowed.__contains__, map(" ".join, said))


def _shared(said: Runs, ours: Collection[tuple[str, ...]], orders: str) -> Iterator[str]:
    """Give the first run of words that a text shares with the orders, of those that stand nowhere else."""
    theirs = set(runs(orders, RUN)).intersection(ours)
    yield from (" ".join(run) for run in islice((each for each in said if each in theirs), 1))


def _short(passage: str) -> str:
    return " ".join(passage.split())[:LONGEST_PASSAGE]
