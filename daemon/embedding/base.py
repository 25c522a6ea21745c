"""What recall wants of an embedder, whatever library does the work."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Embedder(Protocol):
    """Makes vectors of words and compares them. Nothing goes over the network; may be used from any thread."""

    @property
    def name(self) -> str:
        """Its name with its version: vectors of another one cannot be compared with its own."""

    def vector(self, words: Sequence[str]) -> bytes:
        """Make the vector of these words, as it is kept; empty where none of them is known."""

    def likeness(self, questions: Sequence[Mapping[str, float]], vectors: Sequence[bytes]) -> list[list[float]]:
        """Compare weighed words with vectors: for each vector, how like it is to each question, from -1 to 1."""
