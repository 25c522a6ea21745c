"""Which embedder a config means; its library is loaded only where it is asked for."""

from daemon.embedding.base import Embedder
from daemon.errors import FatalError
from daemon.settings import Settings

MISSING = "knowledge.embedder: the library for it is not installed: pip install 'clerkd[vectors]'"


def embedder_of(settings: Settings) -> Embedder | None:
    """Make the embedder, where one is wanted; raise FatalError where its library is not installed."""
    if settings.knowledge.embedder is None:
        return None
    try:
        from daemon.embedding.wordllama import WordLlama

        return WordLlama()
    except ImportError:
        raise FatalError(MISSING) from None
