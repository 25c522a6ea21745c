"""Tell: the head of the decision log's chain goes to the journal, so that a cut-off end can be found."""

from daemon.house import House
from knowledge import chain


def tell_head(house: House) -> None:
    """At a tick, tell how long the chain is and which hash it ends with."""
    if not house.chain.is_set():
        return
    house.chain.clear()
    head = chain.head(house.db)
    if head:
        house.log.info("chain_head", links=head.number, head=head.hash)
