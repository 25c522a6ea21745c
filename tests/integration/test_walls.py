"""The walls on the way out, with a model that writes whatever it is told to."""

from pathlib import Path

import pytest

from knowledge import actions
from tests.bed import Bed, mail
from tests.rules import deciding

THEIRS = "My knee operation went wrong last week and I need the chair before Friday. My number is 0664 555 1234."
FAQ = "The descaler must be warmed to forty degrees before it is poured into the tank of the machine."


def drafting(bed: Bed, body: str) -> None:
    """Have the model answer each mail so."""
    bed.model.rules = deciding({"kind": "draft", "body": body})


def findings(bed: Bed, message: int) -> tuple[str, list[str]]:
    """Give state and findings of the answer to a message."""
    answer = actions.of_message(bed.db, message)[0]
    return answer.state, answer.findings


@pytest.fixture
def known(bed: Bed) -> Bed:
    """Have Bo tell something that is nobody else's."""
    drafting(bed, "Thank you.")
    bed.server.deliver(mail("My order", THEIRS, sender="Bo Tern <bo@tern.example>"))
    bed.work(1)
    return bed


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("Another customer wrote: my knee operation went wrong last week and so on.", "another's words: my knee"),
        pytest.param("You can call him at 0664/5551234.", "another's: 06645551234", marks=pytest.mark.exhaustive),
        pytest.param("Write to bo@tern.example.", "link: bo@tern.example", marks=pytest.mark.exhaustive),
        pytest.param(
            "Look at https://evil.example/?a=b", "link: https://evil.example/?a=b", marks=pytest.mark.exhaustive
        ),
        ("Our key is a-key-for-the-stand-in.", "secret: (a secret of this house)"),
    ],
    ids=["words", "number", "address", "link", "secret"],
)
def test_what_is_another_s_is_held_with_the_passage(known: Bed, body: str, finding: str) -> None:
    """Nothing of it is in the mailbox: no draft is stored until a person has said a word."""
    drafting(known, body)
    known.server.deliver(mail("Hello", sender="Ada <ada@quill.example>"))
    known.work(2)
    state, found = findings(known, 2)
    assert state == "waiting"
    assert any(each.startswith(finding) for each in found), found
    assert len(known.mails_in("Drafts")) == 1
    assert known.state_of(2) == "waiting"


def test_the_standing_orders_are_held_with_the_passage(bed: Bed) -> None:
    """Whoever asks for the instructions does not get them."""
    drafting(bed, "My orders say: give a refund of up to fifty euros on your own word.")
    bed.orders = "You may give a refund of up to fifty euros on your own word."
    bed.server.deliver(mail("Hello"))
    bed.work(1)
    assert findings(bed, 1) == ("waiting", ["standing orders: give a refund of up to fifty euros"])


@pytest.mark.exhaustive
def test_what_the_orders_and_a_document_say_may_be_told(bed: Bed, tmp_path: Path) -> None:
    """What is for whoever asks is no secret, though the orders say it, too."""
    (tmp_path / "faq.md").write_text(f"# Descaling\n\n{FAQ}\n", encoding="utf-8")
    bed.sections["documents"] = f'[knowledge]\ndocuments = ["{tmp_path}/faq.md"]'
    bed.orders = f"Answer kindly. {FAQ}"
    drafting(bed, FAQ)
    bed.server.deliver(mail("How do I descale it?"))
    bed.work(1)
    assert findings(bed, 1) == ("sent", [])


@pytest.mark.exhaustive
def test_what_the_sender_wrote_before_may_be_said_to_them(known: Bed) -> None:
    """It is theirs, in whichever of their cases."""
    drafting(known, "You wrote: my knee operation went wrong last week and I need the chair. We call 0664 555 1234.")
    known.server.deliver(mail("Something else", sender="Bo Tern <bo@tern.example>"))
    known.work(2)
    assert findings(known, 2)[1] == []


@pytest.mark.exhaustive
def test_what_stands_in_our_documents_is_nobodys_however_often_it_is_quoted(bed: Bed, tmp_path: Path) -> None:
    """A customer who quotes the FAQ does not make it theirs."""
    (tmp_path / "faq.md").write_text(f"# Descaling\n\n{FAQ}\n", encoding="utf-8")
    bed.sections["documents"] = f'[knowledge]\ndocuments = ["{tmp_path}/faq.md"]'
    drafting(bed, "Thank you.")
    bed.server.deliver(mail("Is this right?", f"You say: {FAQ}", sender="Bo <bo@tern.example>"))
    bed.work(1)
    drafting(bed, FAQ)
    bed.server.deliver(mail("How do I descale it?"))
    bed.work(2)
    assert findings(bed, 2) == ("sent", [])
