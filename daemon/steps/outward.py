"""Outward: what of a text that would leave belongs to somebody else than the sender of the mail at hand."""

from collections.abc import Collection, Iterator, Sequence

from daemon.house import Records
from daemon.judgement.message import Message
from daemon.judgement.outward import COMMON, marks_of, tied
from daemon.judgement.policy import reply_address
from daemon.judgement.runs import runs
from daemon.judgement.walls import RUN, Ground
from knowledge import holders, people, prints
from knowledge.tables import Message as Row
from knowledge.whose import Whose


def ground(
    records: Records, row: Row, message: Message, at_hand: str, texts: Sequence[str], orders: Collection[str]
) -> Ground:
    """Say what these texts of ours may stand on, beside the mail as it was read; our secrets, the caller adds."""
    own, sender = records.settings.employee.own_addresses, reply_address(message)
    marks = marks_of("\n".join(texts))
    return Ground(
        at_hand=at_hand,
        allowed=frozenset(records.settings.autonomy.links),
        own=frozenset([*own, sender.email] if sender else own),
        tied=tied_to_others(records, row, at_hand, marks) if marks else frozenset(),
        borrowed=borrowed(records, row, at_hand, texts),
        orders=orders,
        open=told_to_anybody(records, texts, orders),
    )


def tied_to_others(records: Records, row: Row, letter: str, marks: frozenset[str]) -> frozenset[str]:
    """Give those of the marks that are somebody else's; what stands in the mail at hand or in its case is nobody's."""
    case = holders.texts_of_case(records.db, row.case_id) if row.case_id else []
    at_hand = marks_of("\n".join([letter, row.sender_address, *case]))
    wanted = marks - at_hand - marks_of("\n".join(records.settings.employee.own_addresses))
    if not wanted:
        return frozenset()
    addresses = marks_of("\n".join(holders.addresses_of_others(records.db, row.person_id)))
    return (wanted & addresses) | tied(_holders(records, row, wanted))


def _holders(records: Records, row: Row, wanted: Collection[str]) -> dict[str, set[Whose]]:
    found: dict[str, set[Whose]] = {mark: set() for mark in wanted}
    organisation = people.organisation_of(records.db, row.person_id)
    for whose, text in holders.texts_of_others(records.db, row.person_id, organisation):
        for mark in marks_of(text) & found.keys():
            found[mark].add(whose)
    return found


def borrowed(records: Records, row: Row, at_hand: str, texts: Sequence[str]) -> frozenset[str]:
    """Give all runs of words that stand in another's mails, and neither in the sender's, the case's nor our documents.

    All of them, for each text is held against them by itself. What three or more people wrote is a phrase, and
    nobody's.
    """
    text = "\n".join(texts)
    found = prints.owners(records.db, prints.of(text), COMMON)
    others = {name for names in found.values() if not _may_be_told(names, row.person_id) for name in names}
    case = holders.texts_of_case(records.db, row.case_id) if row.case_id else []
    said = set(runs(text, RUN)).difference(*(runs(each, RUN) for each in (at_hand, *case)))
    shared = (said.intersection(runs(theirs, RUN)) for name in sorted(others) for theirs in _said_by(records, name))
    return frozenset(" ".join(run) for both in shared for run in both)


def told_to_anybody(records: Records, texts: Sequence[str], orders: Collection[str]) -> list[tuple[str, ...]]:
    """Give the runs of words of our orders that stand in our documents, too: whoever writes may be told them."""
    shared = set(runs("\n".join(texts), RUN)).intersection(run for each in orders for run in runs(each, RUN))
    numbers = {run: prints.of(" ".join(run)) for run in shared}
    ours = prints.in_documents(records.db, frozenset().union(*numbers.values()))
    return [run for run, its in numbers.items() if its <= ours]


def _may_be_told(owners: Collection[str], person_id: int | None) -> bool:
    """Say whether what these owners have in common is the sender's own, or stands in our documents."""
    return prints.of_person(person_id) in owners or any(map(prints.is_document, owners))


def _said_by(records: Records, name: str) -> Iterator[str]:
    """Give what a person wrote, by the name under which the prints have them."""
    return holders.texts_of(records.db, int(name.removeprefix("p"))) if name.startswith("p") else iter(())
