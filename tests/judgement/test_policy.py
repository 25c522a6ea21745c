"""From a decision to planned actions; the recipients are never the model's."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from daemon.judgement.autonomy import DEFAULTS, Autonomy, Effect, Mode
from daemon.judgement.caps import Sent
from daemon.judgement.decision import Decision
from daemon.judgement.message import Address, Message
from daemon.judgement.policy import (
    LEAVING,
    SEEN_BY_A_PERSON,
    Handled,
    Kind,
    Planned,
    Situation,
    Verdict,
    plan,
    reply_address,
)
from tests.judgement.samples import ADA, DECISIONS, MESSAGES, NOW, OWN, decision, message

COLLEAGUE = Address("bo@quill.example")
STRANGER = Address("ada@evil.example")
SUBDOMAIN = Address("ada@mail.quill.example")
DRAFT = {"kind": "draft", "body": "We close at six."}
MOVE = {"kind": "move", "folder": "Archive"}
FLAG = {"kind": "flag"}
ESCALATE = {"kind": "escalate", "question": "May we refund?"}
NOTHING = Situation(NOW)


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
        (DRAFT, Planned(Kind.DRAFT, "autonomy.reply", body="We close at six.", recipients=("ada@quill.example",))),
        (MOVE, Planned(Kind.MOVE, "autonomy.move", target="Archive")),
        (FLAG, Planned(Kind.FLAG, "autonomy.flag", target=SEEN_BY_A_PERSON)),
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
    assert planned == Planned(
        Kind.DRAFT, "no single sender to reply to", body="We close at six.", verdict=Verdict.REFUSE
    )


def test_it_orders_actions_so_that_moving_comes_last() -> None:
    """However the model orders them, the mail is moved when all else is done."""
    planned = plan(decision(MOVE, FLAG, ESCALATE, DRAFT), message(), NOTHING)
    assert [item.kind for item in planned] == [Kind.DRAFT, Kind.ESCALATE, Kind.FLAG, Kind.MOVE]


def test_it_sets_the_configured_flag_on_a_handled_mail() -> None:
    """The handled flag comes on top of what was decided."""
    planned = plan(decision(), message(), Situation(NOW, Handled(flag="$Clerkd")))
    assert planned == (Planned(Kind.FLAG, "mailbox.handled_flag", target="$Clerkd"),)


def test_it_keeps_the_chosen_flag_beside_the_configured_one() -> None:
    """A mail may get both flags."""
    planned = plan(decision(FLAG), message(), Situation(NOW, Handled(flag="$Clerkd")))
    assert [item.target for item in planned] == [SEEN_BY_A_PERSON, "$Clerkd"]


def test_it_moves_a_handled_mail_to_the_configured_folder() -> None:
    """The handled folder takes every mail for which no other was chosen."""
    planned = plan(decision(), message(), Situation(NOW, Handled(folder="Done")))
    assert planned == (Planned(Kind.MOVE, "mailbox.handled_folder", target="Done"),)


def test_it_moves_a_mail_only_once() -> None:
    """A folder that was chosen for the mail goes before the configured one."""
    planned = plan(decision(MOVE), message(), Situation(NOW, Handled(folder="Done")))
    assert planned == (Planned(Kind.MOVE, "autonomy.move", target="Archive"),)


def test_it_does_nothing_about_an_action_of_an_unknown_kind() -> None:
    """What this house cannot carry out is not planned, and it does not stand in the way of the rest."""
    taken = decision().model_copy(update={"actions": (object(), *decision(FLAG).actions)})
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
    assert all((item.verdict is not Verdict.REFUSE) == (len(item.recipients) == 1) for item in drafts)


# What may leave

REPLY = {"kind": "reply", "body": "We close at six."}
FORWARD = {"kind": "forward", "to": "books", "note": "Is it paid?"}
CLOSE = {"kind": "close"}
TRUSTED = Autonomy({**DEFAULTS, Effect.REPLY: Mode.DO, Effect.FORWARD: Mode.DO})
BOOKS = {"books": "alice@example.com"}


def allowing(**changes: Any) -> Situation:
    """Let everything leave, with some things otherwise."""
    return replace(Situation(NOW, autonomy=TRUSTED, addressees=BOOKS, own=OWN), **changes)


def setting(effect: Effect, mode: Mode) -> Situation:
    """Let one effect go so far."""
    return allowing(autonomy=Autonomy({**DEFAULTS, effect: mode}))


@pytest.mark.parametrize(
    ("mode", "kind", "verdict"),
    [
        (Mode.NEVER, Kind.REPLY, Verdict.REFUSE),
        (Mode.ASK, Kind.REPLY, Verdict.ASK),
        (Mode.DRAFT, Kind.DRAFT, Verdict.ALLOW),
        (Mode.DO, Kind.REPLY, Verdict.ALLOW),
    ],
)
def test_a_reply_goes_as_far_as_the_config_says(mode: Mode, kind: Kind, verdict: Verdict) -> None:
    """It is sent, laid into Drafts, kept for an approval, or refused; the rule is named."""
    (planned,) = plan(decision(REPLY), message(), setting(Effect.REPLY, mode))
    assert planned == Planned(kind, "autonomy.reply", "", "We close at six.", ("ada@quill.example",), verdict)


@pytest.mark.parametrize(
    ("mode", "kind", "verdict"),
    [
        (Mode.NEVER, Kind.REPLY, Verdict.REFUSE),
        (Mode.ASK, Kind.REPLY, Verdict.ASK),
        (Mode.DRAFT, Kind.DRAFT, Verdict.ALLOW),
        (Mode.DO, Kind.DRAFT, Verdict.ALLOW),
    ],
)
def test_a_draft_of_the_model_s_is_never_sent(mode: Mode, kind: Kind, verdict: Verdict) -> None:
    """What it would only draft is laid into Drafts at most, whatever the config allows."""
    (planned,) = plan(decision(DRAFT), message(), setting(Effect.REPLY, mode))
    assert (planned.kind, planned.verdict) == (kind, verdict)


@pytest.mark.parametrize(
    ("effect", "action", "kind"),
    [
        (Effect.FORWARD, FORWARD, Kind.FORWARD),
        (Effect.MOVE, MOVE, Kind.MOVE),
        (Effect.FLAG, FLAG, Kind.FLAG),
        (Effect.CLOSE, CLOSE, Kind.CLOSE),
    ],
)
@pytest.mark.parametrize(
    ("mode", "verdict"), [(Mode.NEVER, Verdict.REFUSE), (Mode.ASK, Verdict.ASK), (Mode.DO, Verdict.ALLOW)]
)
def test_each_other_action_goes_as_far_as_the_config_says(
    effect: Effect, action: dict[str, str], kind: Kind, mode: Mode, verdict: Verdict
) -> None:
    """Forwarding, moving, flagging and closing are allowed, asked about or refused."""
    (planned,) = plan(decision(action), message(), setting(effect, mode))
    assert (planned.kind, planned.rule, planned.verdict) == (kind, f"autonomy.{effect}", verdict)


def test_an_escalation_is_always_made() -> None:
    """It asks a person: nothing could be narrower."""
    narrow = Autonomy(dict.fromkeys(Effect, Mode.NEVER))
    (planned,) = plan(decision(ESCALATE), message(), allowing(autonomy=narrow))
    assert planned.verdict is Verdict.ALLOW


def test_a_mail_is_forwarded_to_the_address_of_the_config_alone() -> None:
    """The model names whom the config knows; what it says stands in the note."""
    (planned,) = plan(decision(FORWARD), message(), allowing())
    assert (planned.target, planned.recipients, planned.body) == ("books", ("alice@example.com",), "Is it paid?")


def test_a_mail_is_forwarded_to_nobody_unknown() -> None:
    """A name that the config does not know leads nowhere."""
    (planned,) = plan(decision({**FORWARD, "to": "eve@evil.example"}), message(), allowing())
    assert (planned.verdict, planned.recipients) == (Verdict.REFUSE, ())


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (
            {"automated": "it carries the headers of a mailing list"},
            "never to a machine: it carries the headers of a ma",
        ),
        ({"own": frozenset({"ada@quill.example"})}, "never to ourselves"),
    ],
)
@pytest.mark.parametrize("action", [REPLY, DRAFT])
def test_machines_and_ourselves_are_never_answered(changes: dict[str, Any], rule: str, action: dict[str, str]) -> None:
    """Whatever the config allows, no such mail is sent, and none is laid into Drafts."""
    (planned,) = plan(decision(action), message(), allowing(**changes))
    assert planned.verdict is Verdict.REFUSE
    assert planned.rule.startswith(rule)


@pytest.mark.parametrize("action", [REPLY, FORWARD])
def test_what_would_break_a_cap_waits_for_a_person(action: dict[str, str]) -> None:
    """Ten mails left in the last ten minutes: the next one is asked about, and the cap is named."""
    full = Sent(in_case=[NOW] * 10)
    (planned,) = plan(decision(action), message(), allowing(sent=full))
    assert (planned.verdict, planned.rule) == (Verdict.ASK, "limits: 10 mails in 10 minutes in this case")


def test_a_draft_breaks_no_cap() -> None:
    """It does not leave."""
    (planned,) = plan(decision(DRAFT), message(), allowing(sent=Sent(in_case=[NOW] * 10)))
    assert planned.verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ({"kind": "reply", "body": "See evil.com"}, Kind.REPLY),
        ({"kind": "draft", "body": "See evil.com"}, Kind.DRAFT),
        ({"kind": "forward", "to": "books", "note": "See evil.com"}, Kind.FORWARD),
    ],
)
def test_what_runs_into_a_wall_waits_for_a_person_with_the_passage(action: dict[str, str], kind: Kind) -> None:
    """Also a draft: a person might send it unread."""
    (planned,) = plan(decision(action), message(), allowing())
    assert (planned.kind, planned.verdict, planned.rule) == (kind, Verdict.ASK, "walls: link")
    assert list(map(str, planned.findings)) == ["link: evil.com"]


def test_what_is_refused_is_held_against_no_wall() -> None:
    """Nobody needs to look at it."""
    (planned,) = plan(decision({"kind": "reply", "body": "See evil.com"}), message(), setting(Effect.REPLY, Mode.NEVER))
    assert (planned.verdict, planned.findings) == (Verdict.REFUSE, ())


@pytest.mark.parametrize(
    ("said", "body", "verdict"),
    [
        ({"amount": 20.0}, "We close at six.", Verdict.ALLOW),
        ({"amount": 80.0}, "We close at six.", Verdict.ASK),
        ({}, "We refund 80 EUR.", Verdict.ASK),
        ({"amount": 20.0}, "We refund 80 EUR.", Verdict.ASK),
    ],
    ids=["little", "much", "not said", "less said than written"],
)
def test_what_is_at_stake_is_the_larger_of_what_is_said_and_what_is_written(
    said: dict[str, float], body: str, verdict: Verdict
) -> None:
    """A model that keeps silent of a sum, or says less, gains nothing."""
    around = allowing(autonomy=replace(TRUSTED, most_amount=50.0))
    (planned,) = plan(decision({"kind": "reply", "body": body}, **said), message(), around)
    assert planned.verdict is verdict


@given(DECISIONS, MESSAGES)
def test_nothing_ever_leaves_alone_by_default(taken: Decision, mail: Message) -> None:
    """With an empty config, no reply and no forward is ever allowed."""
    planned = plan(taken, mail, NOTHING)
    assert not [item for item in planned if item.kind in LEAVING and item.verdict is Verdict.ALLOW]
