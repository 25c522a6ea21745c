"""Remind: a promise whose day has come is put on the ledger as a message of clerkd's own, once."""

from daemon.house import House
from daemon.judgement.briefing import promise_words
from daemon.judgement.casework import PromiseState
from daemon.steps.brief import due
from daemon.steps.own import own_message
from knowledge import promises
from knowledge.tables import Message, Promise

FOLDER = "(promises)"  # no folder of any mailbox: with the promise's number it makes the message's place


def remind(house: House) -> bool:
    """At a tick, bring up the promises that are due, the one that is due longest first; say whether there was one."""
    if not house.promises.is_set():
        return False
    found = promises.due(house.db, PromiseState.OPEN, house.clock())
    if found is None:
        house.promises.clear()
        return False
    promise, made_in = found
    number = promises.remind(house.db, promise, _message(house, promise, made_in), PromiseState.OPEN)
    house.log.info("promise_due", promise=promise.id, message=number, case=promise.case_id, by=promise.by)
    return True


def _message(house: House, promise: Promise, made_in: Message) -> Message:
    made = own_message(made_in, FOLDER, promise.id or 0, promise_words(due(promise)), house.clock())
    made.case_id = promise.case_id
    return made
