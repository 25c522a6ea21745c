"""The embedder whose weights come with its wheel: offline, and nearer for what means the same."""

import re
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.embedding.kinds import embedder_of
from daemon.embedding.wordllama import SIZE, WordLlama
from daemon.errors import FatalError
from daemon.settings import load
from tests.settings.configs import good

EMBEDDER = WordLlama()


def likeness(question: str, text: str) -> float:
    """Compare two texts of plain words."""
    weights = dict.fromkeys(question.split(), 1.0)
    return EMBEDDER.likeness([weights], [EMBEDDER.vector(text.split())])[0][0]


def run(code: str) -> str:
    """Run code in a process of its own."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("invoice", "bill payment", "swimming pool"),
        ("car broken", "vehicle repair garage", "birthday cake"),
        ("physician", "doctor appointment", "garden tools"),
    ],
)
def test_what_means_the_same_in_other_words_is_nearer(question: str, near: str, far: str) -> None:
    """No word is shared."""
    assert likeness(question, near) > likeness(question, far) + 0.1


def test_the_same_words_are_as_like_as_can_be() -> None:
    """Up to the rounding to a byte."""
    assert likeness("blue pump", "pump blue") == pytest.approx(1.0, abs=0.001)


def test_a_word_that_weighs_more_draws_the_question_to_it() -> None:
    """A rare word says more about what is looked for."""
    kept = [EMBEDDER.vector(["invoice"]), EMBEDDER.vector(["garden"])]
    ((invoice, _), (garden, _)) = EMBEDDER.likeness([{"invoice": 3.0, "garden": 1.0}, {"tea": 1.0}], kept)
    assert invoice > garden


def test_a_text_without_words_has_no_vector() -> None:
    """It is kept as empty, so that it is not tried again."""
    assert EMBEDDER.vector([]) == b""
    assert EMBEDDER.likeness([], []) == []
    assert EMBEDDER.likeness([], [EMBEDDER.vector(["tea"])]) == [[]]
    assert EMBEDDER.likeness([{}], [EMBEDDER.vector(["tea"])]) == [[0.0]]


@given(st.lists(st.text(max_size=40), max_size=20))
def test_whatever_a_mail_holds_has_a_vector_of_one_size_or_none(words: list[str]) -> None:
    """Lone surrogates too, and the same words have the same vector."""
    made = EMBEDDER.vector(words)
    assert len(made) in (0, SIZE)
    assert made == EMBEDDER.vector(words)


def test_it_works_with_the_network_forbidden() -> None:
    """Neither at the import nor at work is a socket made or a name looked up."""
    told = run("""
        import sys
        def refuse(event, arguments):
            if event.startswith("socket."):
                raise SystemExit(f"{event} {arguments}")
        sys.addaudithook(refuse)
        from daemon.embedding.wordllama import WordLlama
        embedder = WordLlama()
        print(len(embedder.vector(["blue", "pump"])), embedder.likeness([{"pump": 1.0}], [embedder.vector(["pump"])]))
    """)
    assert re.fullmatch(r"256 \[\[(1\.0|0\.99\d+)\]\]\n", told)


def test_its_library_is_not_imported_and_leaves_the_logging_alone() -> None:
    """Its own loader would download, and importing it lets every library's words into the journal."""
    told = run("""
        import logging, sys
        from daemon.embedding.wordllama import WordLlama
        WordLlama().vector(["pump"])
        loaded = [name for name in ("wordllama", "requests", "huggingface_hub") if name in sys.modules]
        print(loaded, logging.root.handlers)
    """)
    assert told == "[] []\n"


@pytest.mark.exhaustive
def test_no_library_is_loaded_where_no_embedder_is_wanted(tmp_path: Path) -> None:
    """Whoever has words alone pays nothing for vectors."""
    told = run(f"""
        import sys
        from pathlib import Path
        from daemon import app
        from daemon.embedding.kinds import embedder_of
        from daemon.settings import load
        found = embedder_of(load(Path({str(good(tmp_path))!r})))
        print(found, [name for name in ("numpy", "tokenizers", "safetensors") if name in sys.modules])
    """)
    assert told == "None []\n"


def test_the_weights_lie_in_the_installed_package() -> None:
    """They came with pip."""
    found = find_spec("wordllama")
    assert found
    assert found.origin
    assert EMBEDDER._weights_file.is_relative_to(Path(found.origin).parent)
    assert EMBEDDER._weights_file.stat().st_size > 16_000_000


def test_its_name_tells_the_version() -> None:
    """Vectors of another one are made anew."""
    assert re.fullmatch(r"wordllama \d+(\.\w+)+/\d+", EMBEDDER.name)


@pytest.mark.parametrize("missing", ["numpy", "safetensors", "tokenizers"])
def test_it_says_which_extra_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """The library is no part of an ordinary installation."""
    monkeypatch.delitem(sys.modules, "daemon.embedding.wordllama")
    monkeypatch.setitem(sys.modules, missing, None)
    settings = load(good(tmp_path, knowledge__embedder='"wordllama"'))
    with pytest.raises(FatalError, match=re.escape("knowledge.embedder: the library for it is not installed: pip in")):
        embedder_of(settings)


def test_it_says_so_where_the_package_holds_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another release might not."""
    package = tmp_path / "wordllama"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    settings = load(good(tmp_path, knowledge__embedder='"wordllama"'))
    with pytest.raises(FatalError, match=re.escape("pip install 'clerkd[vectors]'")):
        embedder_of(settings)
