"""Record: from a decision to the rows that hold it, with each action's exact bytes frozen."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.judgement.answers import ANSWER, why_of
from daemon.judgement.casework import CaseEvent, CaseState, PromiseState, left_by, moves
from daemon.judgement.decision import Decision as Decided
from daemon.judgement.decision import Promised
from daemon.judgement.message import Message
from daemon.judgement.policy import SEEN_BY_A_PERSON, Handled, Kind, Planned, plan
from daemon.judgement.promises import comes_up_at
from daemon.judgement.screening import Answer, File
from daemon.judgement.states import ActionState
from daemon.mail.compose import Author, digest, own_message_id, reply
from knowledge.tables import Action, Decision, Promise, SharedIssue
from knowledge.tables import Message as Row
from knowledge.turns import Conclusion

AUTOMATED, ANSWERED = "automated", "report"
# A case that a machine's mail has opened; an older one stays as it is.
AT_REST: Mapping[str, str] = {CaseState.OPEN: CaseState.CLOSED}


@dataclass(frozen=True)
class Surroundings:
    """What a decision meets: what is done with every mail of its mailbox, and the case's open promises.

    ``handed``: a report of a specialist's is still to come in its case.
    """

    handled: Handled
    promises: Sequence[Promise]
    handed: bool = False


def decided(
    decision: Decided, message: Message, row: Row, author: Author, known: Surroundings, now: datetime
) -> Conclusion:
    """Make the rows of the model's decision."""
    record = Decision(
        message_id=row.id or 0,
        category=decision.category,
        priority=decision.priority,
        summary=decision.summary,
        reason=decision.reason,
        confidence=decision.confidence,
        decided_at=now,
    )
    planned = plan(decision, message, known.handled)
    settled = {item.promise: str(PromiseState(item.how)) for item in decision.settled}
    left = [promise.by for promise in known.promises if promise.id not in settled]
    kinds = [action.kind for action in decision.actions]
    return Conclusion(
        record,
        [_action(row, item, ordinal, message, author, now) for ordinal, item in enumerate(planned)],
        [_promise(row, promised, now) for promised in decision.promises],
        settled,
        PromiseState.OPEN,
        moves(left_by(kinds, [*left, *(promised.by for promised in decision.promises)], handed=known.handed)),
        issue=decision.issue,
        proposal=_proposal(decision, now),
    )


def _proposal(decision: Decided, now: datetime) -> SharedIssue | None:
    if not decision.propose_issue:
        return None
    return SharedIssue(category=decision.category, proposed=decision.propose_issue, opened_at=now)


def _promise(row: Row, promised: Promised, now: datetime) -> Promise:
    return Promise(
        case_id=row.case_id or 0,
        message_id=row.about_id or row.id or 0,
        by=promised.by,
        what=promised.what,
        due=promised.due,
        comes_up_at=comes_up_at(promised.by, promised.due),
        state=PromiseState.OPEN,
        made_at=now,
    )


def filed(handled: Handled, row: Row, filing: File, now: datetime) -> Conclusion:
    """Make the rows of a machine's mail that a rule filed without the model."""
    record = _by_rule(row, filing.rule, "Automated mail", filing.why, now)
    concluded = _concluded(handled, row, record, now, for_a_person=filing.for_a_person)
    return concluded if filing.for_a_person else replace(concluded, case_moves=AT_REST)


def answered(handled: Handled, row: Row, answer: Answer, now: datetime) -> Conclusion:
    """Make the rows of a specialist's answer: it is told as a report, or, where it is late, to a person."""
    record = _by_rule(row, ANSWER, "A specialist's mail", why_of(answer), now)
    record.category = ANSWERED
    return _concluded(handled, row, record, now, for_a_person=answer.late)


def put_aside(row: Row, rule: str, why: str, now: datetime) -> Conclusion:
    """Make the row of a message of clerkd's own that has nothing to say any more."""
    return Conclusion(_by_rule(row, rule, "Put aside", why, now))


def _by_rule(row: Row, rule: str, words: str, why: str, now: datetime) -> Decision:
    return Decision(
        message_id=row.id or 0,
        rule=rule,
        category=AUTOMATED,
        priority="low",
        summary=f"{words}: {why}.",
        reason=why,
        confidence=1.0,
        decided_at=now,
    )


def _concluded(handled: Handled, row: Row, record: Decision, now: datetime, *, for_a_person: bool) -> Conclusion:
    """Add what is done with every handled mail, and with one that a person must see."""
    wanted = [(Kind.FLAG, handled.flag, "mailbox.handled_flag"), (Kind.MOVE, handled.folder, "mailbox.handled_folder")]
    planned = [Planned(kind, rule, target=target) for kind, target, rule in wanted if target]
    if for_a_person:
        record.priority = "high"
        planned.insert(0, Planned(Kind.ESCALATE, record.rule, target=SEEN_BY_A_PERSON, body=record.reason))
    return Conclusion(
        record,
        [_mailbox_action(row, item, ordinal, now) for ordinal, item in enumerate(planned)],
        case_moves=moves(CaseEvent.OURS) if for_a_person else {},
    )


def attention(row: Row, rule: str, now: datetime) -> Action:
    """Make the action that shows a held or failed mail to whoever looks into the mailbox."""
    return _mailbox_action(row, Planned(Kind.FLAG, rule, target=SEEN_BY_A_PERSON), 0, now)


def _action(row: Row, item: Planned, ordinal: int, message: Message, author: Author, now: datetime) -> Action:
    if item.kind is not Kind.DRAFT:
        return _mailbox_action(row, item, ordinal, now)
    if not item.allowed:
        return _mailbox_action(row, item, ordinal, now, state=ActionState.REFUSED)
    own_id = own_message_id(uuid.uuid4().hex, author.address)
    content = reply(message, author, item.recipients[0], item.body, own_id, now)
    return Action(
        message_id=row.id or 0,
        ordinal=ordinal,
        kind=item.kind,
        content=content,
        recipients=list(item.recipients),
        own_message_id=own_id,
        digest=digest(content, item.recipients, item.kind, item.target),
        rule=item.rule,
        state=ActionState.PLANNED,
        created_at=now,
        updated_at=now,
    )


def _mailbox_action(
    row: Row, item: Planned, ordinal: int, now: datetime, state: ActionState = ActionState.PLANNED
) -> Action:
    content = item.body.encode()
    return Action(
        message_id=row.id or 0,
        ordinal=ordinal,
        kind=item.kind,
        target=item.target,
        content=content,
        digest=digest(content, (), item.kind, item.target),
        rule=item.rule,
        state=state,
        created_at=now,
        updated_at=now,
    )
