"""The adapter of WordLlama's word vectors (Miller 2024): 32,000 pieces of words, 256 numbers each, in its wheel.

The library itself is not imported. Its loader looks for the tokenizer where its wheel does not put it, and would fetch
it from the network; importing it sets up logging for the whole process. So the two files are read by their own
libraries, and what is done with them is done here: a text's vector is the sum of its words', each of length 1. Its
own mean over the pieces lets the long vectors of rare pieces drown the rest (LoCoMo, recall@10 by vectors alone:
24 against 42).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from tokenizers import Tokenizer

TOKENIZER = Path("tokenizers", "l2_supercat_tokenizer_config.json")
WEIGHTS = Path("weights", "l2_supercat_256.safetensors")
SIZE = 256
LARGEST = 127  # of a signed byte
METHOD = 1  # counts up where the same words come to be other vectors
REMEMBERED = 5_000  # words; one takes 1 KB

Numbers = NDArray[np.float32]


class WordLlama:
    """Makes vectors of words; the weights are loaded with the first of them (20 ms, 35 MB)."""

    def __init__(self) -> None:
        """Find the files; raise ImportError where they are not installed."""
        found = find_spec("wordllama")
        root = Path(found.origin).parent if found and found.origin else Path()
        self._tokenizer_file, self._weights_file = root / TOKENIZER, root / WEIGHTS
        if not (found and self._tokenizer_file.is_file() and self._weights_file.is_file()):
            message = "wordllama's wheel is not here, or not one with weights"
            raise ImportError(message)
        self.name = f"wordllama {version('wordllama')}/{METHOD}"
        self._of_word = lru_cache(REMEMBERED)(self._made)

    def vector(self, words: Sequence[str]) -> bytes:
        """Make the vector of these words: signed bytes, the largest of them 127."""
        whole = self._sum(dict.fromkeys(words, 1.0))
        largest = float(np.abs(whole).max())
        return np.rint(whole * (LARGEST / largest)).astype(np.int8).tobytes() if largest else b""

    def likeness(self, questions: Sequence[Mapping[str, float]], vectors: Sequence[bytes]) -> list[list[float]]:
        """Give the cosine of each question to each vector."""
        if not questions or not vectors:
            return [[] for _ in vectors]
        asked = np.stack([_unit(self._sum(question)) for question in questions])
        kept = np.frombuffer(b"".join(vectors), np.int8).reshape(-1, SIZE).astype(np.float32)
        # Not by BLAS: its threads spin for the cores that the daemon's other threads want (28 ms became 64, measured).
        products = np.einsum("ij,kj->ik", kept, asked)
        found: list[list[float]] = (products / np.sqrt(np.einsum("ij,ij->i", kept, kept))[:, None]).tolist()
        return found

    def _sum(self, weights: Mapping[str, float]) -> Numbers:
        whole = np.zeros(SIZE, np.float32)
        for word, weight in weights.items():
            whole += weight * self._of_word(word)
        return whole

    def _made(self, word: str) -> Numbers:
        tokenizer, weights = self._files
        pieces = tokenizer.encode(word.encode(errors="replace").decode(), add_special_tokens=False).ids
        return _unit(weights[pieces].astype(np.float32).sum(axis=0))

    @cached_property
    def _files(self) -> tuple[Any, NDArray[np.float16]]:
        tokenizer = Tokenizer.from_file(str(self._tokenizer_file))
        with safe_open(self._weights_file, framework="np") as weights:
            return tokenizer, weights.get_tensor("embedding.weight")


def _unit(vector: Numbers) -> Numbers:
    length = np.linalg.norm(vector)
    return (vector / length).astype(np.float32) if length else vector
