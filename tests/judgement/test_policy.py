"""From a decision to planned actions; the recipients are never the model's."""

import pytest
from hypothesis import given

from daemon.judgement.decision import Decision
from daemon.judgement.message import Address, Message
from daemon.judgement.policy import SEEN_BY_A_PERSON, Handled, Kind, Planned, plan, reply_address
from tests.judgement.samples import ADA, DECISIONS, MESSAGES, decision, message

COLLEAGUE = Address("bo@quill.example")
STRANGER = Address("ada@evil.example")
SUBDOMAIN = Address("ada@mail.quill.example")
DRAFT = {"kind": "draft", "body": "We close at six."}
MOVE = {"kind": "move", "folder": "Archive"}
FLAG = {"kind": "flag"}
ESCALATE = {"kind": "escalate", "question": "May we refund?"}
NOTHING = Handled()


@pytest.mark.parametrize(
    ("senders", "reply_to", "to"),
    [
        ((ADA,), (), ADA),
        ((ADA,), (COLLEAGUE,), ADA),
        ((ADA,), (STRANGER,), ADA),
        ((ADA,), (SUBDOMAIN,), ADA),
        ((ADA,), (COLLEAGUE, ADA), ADA),
        ((), (), None),
        ((), (COLLEAGUE,), None),
        ((ADA, COLLEAGUE), (), None),
        ((ADA, COLLEAGUE), (COLLEAGUE,), None),
    ],
    ids=[
        "From",
        "Reply-To of the same domain",
        "Reply-To elsewhere",
        "Reply-To at a subdomain",
        "two Reply-To",
        "nobody",
        "nobody, with Reply-To",
        "two in From",
        "two in From, with Reply-To",
    ],
)
def test_it_derives_to_whom_a_reply_goes(
    senders: tuple[Address, ...], reply_to: tuple[Address, ...], to: Address | None
) -> None:
    """A reply goes to From, or to nobody: a Reply-To is never followed, of the same provider neither."""
    assert reply_address(message(senders=senders, reply_to=reply_to)) == to


@pytest.mark.parametrize(
    ("action", "planned"),
    [
        (DRAFT, Planned(Kind.DRAFT, "default: draft", body="We close at six.", recipients=("ada@quill.example",))),
        (MOVE, Planned(Kind.MOVE, "mailbox.folders", target="Archive")),
        (FLAG, Planned(Kind.FLAG, "default: flag", target=SEEN_BY_A_PERSON)),
        (ESCALATE, Planned(Kind.ESCALATE, "default: escalate", target=SEEN_BY_A_PERSON, body="May we refund?")),
    ],
    ids=["draft", "move", "flag", "escalate"],
)
def test_it_plans_each_kind_of_action(action: dict[str, str], planned: Planned) -> None:
    """Every action is planned with the rule that allowed it."""
    assert plan(decision(action), message(), NOTHING) == (planned,)


def test_it_plans_nothing_where_nothing_needs_to_be_done() -> None:
    """The action none leaves no trace."""
    assert plan(decision(), message(), NOTHING) == ()


def test_it_refuses_a_draft_to_nobody() -> None:
    """Without a single sender the draft is planned as refused, with its text and the reason."""
    (planned,) = plan(decision(DRAFT), message(senders=()), NOTHING)
    assert planned == Planned(Kind.DRAFT, "no single sender to reply to", body="We close at six.", allowed=False)


def test_it_orders_actions_so_that_moving_comes_last() -> None:
    """However the model orders them, the mail is moved when all else is done."""
    planned = plan(decision(MOVE, FLAG, ESCALATE, DRAFT), message(), NOTHING)
    assert [item.kind for item in planned] == [Kind.DRAFT, Kind.ESCALATE, Kind.FLAG, Kind.MOVE]


def test_it_sets_the_configured_flag_on_a_handled_mail() -> None:
    """The handled flag comes on top of what was decided."""
    planned = plan(decision(), message(), Handled(flag="$Clerkd"))
    assert planned == (Planned(Kind.FLAG, "mailbox.handled_flag", target="$Clerkd"),)


def test_it_keeps_the_chosen_flag_beside_the_configured_one() -> None:
    """A mail may get both flags."""
    planned = plan(decision(FLAG), message(), Handled(flag="$Clerkd"))
    assert [item.target for item in planned] == [SEEN_BY_A_PERSON, "$Clerkd"]


def test_it_moves_a_handled_mail_to_the_configured_folder() -> None:
    """The handled folder takes every mail for which no other was chosen."""
    planned = plan(decision(), message(), Handled(folder="Done"))
    assert planned == (Planned(Kind.MOVE, "mailbox.handled_folder", target="Done"),)


def test_it_moves_a_mail_only_once() -> None:
    """A folder that was chosen for the mail goes before the configured one."""
    planned = plan(decision(MOVE), message(), Handled(folder="Done"))
    assert planned == (Planned(Kind.MOVE, "mailbox.folders", target="Archive"),)


def test_it_does_nothing_about_an_action_of_an_unknown_kind() -> None:
    """What this house cannot carry out is not planned, and it does not stand in the way of the rest."""
    taken = Decision.model_construct(actions=(object(), *decision(FLAG).actions))
    assert [item.kind for item in plan(taken, message(), NOTHING)] == [Kind.FLAG]


@given(DECISIONS, MESSAGES)
def test_a_draft_only_ever_goes_to_the_sender_or_within_the_sender_s_domain(taken: Decision, mail: Message) -> None:
    """For any decision the recipient is the one From address or the one Reply-To of its domain."""
    allowed = {address.email for address in mail.senders if len(mail.senders) == 1}
    allowed |= {other.email for other in mail.reply_to for sender in mail.senders if other.domain == sender.domain}
    recipients = {to for item in plan(taken, mail, NOTHING) for to in item.recipients}
    assert recipients <= allowed


@given(DECISIONS, MESSAGES)
def test_the_recipients_never_depend_on_what_the_model_wrote(taken: Decision, mail: Message) -> None:
    """Whatever the draft says, it goes where a draft with another text would go."""
    plain = plan(decision(DRAFT), mail, NOTHING)[0].recipients
    drafts = [item.recipients for item in plan(taken, mail, NOTHING) if item.kind is Kind.DRAFT]
    assert drafts in ([], [plain])


@given(DECISIONS, MESSAGES)
def test_only_drafts_have_recipients(taken: Decision, mail: Message) -> None:
    """No other action is addressed to anybody."""
    planned = plan(taken, mail, NOTHING)
    assert not [item for item in planned if item.kind is not Kind.DRAFT and item.recipients]


@given(DECISIONS, MESSAGES)
def test_a_draft_without_recipients_is_never_allowed(taken: Decision, mail: Message) -> None:
    """A draft is allowed exactly where it has one recipient."""
    drafts = [item for item in plan(taken, mail, NOTHING) if item.kind is Kind.DRAFT]
    assert all(item.allowed == (len(item.recipients) == 1) for item in drafts)
