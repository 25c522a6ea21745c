"""Tidy: the pieces into which the index of words falls as it grows are joined, a few pages at a time.

It is no part of a turn, and nothing depends on it but how long a recall takes: cut off, it is done at a later tick.
"""

import asyncio

from daemon.house import House
from knowledge import pieces

INDEX = "index"  # the worker that does it


async def tidy(house: House) -> bool:
    """At a tick, join the pieces if there are many; say whether there were."""
    if not house.pieces.is_set():
        return False
    house.pieces.clear()
    if not await asyncio.to_thread(pieces.are_many, house.db):
        return False
    begin = True
    while not house.stop.requested and await asyncio.to_thread(pieces.join, house.db, begin=begin):
        begin = False
        house.pulse.beat(INDEX)
    house.log.info("index_tidied", finished=not house.stop.requested)
    return True
