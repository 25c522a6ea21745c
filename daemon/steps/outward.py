"""Outward: which numbers and addresses of a call to a server outside belong to somebody else than the sender."""

from collections.abc import Collection

from daemon.house import Records
from daemon.judgement.outward import marks_of, tied
from knowledge import holders, people
from knowledge.tables import Message as Row
from knowledge.whose import Whose


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
