"""Embed: passages that have no vector of the configured embedder yet are given one, batch by batch.

It is no part of a turn: what is new is recalled by its words until the next tick. So a turn never waits for it, an
older database fills up by itself, and where a batch is cut off, it is done again.
"""

import asyncio

from daemon.embedding.base import Embedder
from daemon.house import House
from daemon.judgement.words import content
from knowledge import vectors
from knowledge.database import Database
from knowledge.vectors import Made

BATCH = 1_000  # passages; they take half a second, and their write some 20 ms


async def embed(house: House) -> bool:
    """At a tick, give the newest passages without a vector one; say whether there were any."""
    if house.embedder is None or not house.vectors.is_set():
        return False
    # Cleared before it is looked: a tick that comes meanwhile is not lost.
    house.vectors.clear()
    count = await asyncio.to_thread(embed_batch, house.db, house.embedder)
    if count:
        house.vectors.set()
        house.log.info("passages_embedded", count=count, embedder=house.embedder.name)
    return bool(count)


def embed_batch(db: Database, embedder: Embedder) -> int:
    """Give a batch of passages their vectors; say how many were in it."""
    texts = vectors.missing(db, embedder.name, BATCH)
    made = [Made(number, text, embedder.vector(content(text))) for number, text in texts.items()]
    if made:
        vectors.keep(db, embedder.name, made)
    return len(made)
