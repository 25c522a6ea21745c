"""Record: from a decision to the rows that hold it, with each action's exact bytes frozen."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.judgement.answers import ANSWER, why_of
from daemon.judgement.casework import CaseEvent, CaseState, Promiser, PromiseState, left_by, moves
from daemon.judgement.decision import Decision as Decided
from daemon.judgement.decision import Promised
from daemon.judgement.message import Message
from daemon.judgement.policy import (
    ANSWERS,
    HANDLED_FLAG,
    HANDLED_FOLDER,
    SEEN_BY_A_PERSON,
    Handled,
    Kind,
    Planned,
    Situation,
    Verdict,
    plan,
)
from daemon.judgement.promises import comes_up_at
from daemon.judgement.screening import Answer, File
from daemon.judgement.states import ActionState
from daemon.mail.compose import Author, own_message_id, reply
from daemon.mail.forward import Forwarded, forward
from knowledge.seal import digest
from knowledge.tables import Action, Decision, Promise, SharedIssue
from knowledge.tables import Message as Row
from knowledge.turns import Conclusion

AUTOMATED, ANSWERED = "automated", "report"
STATES = {
    Verdict.ALLOW: ActionState.PLANNED,
    Verdict.ASK: ActionState.WAITING,
    Verdict.REFUSE: ActionState.REFUSED,
}
# A case that a machine's mail has opened; an older one stays as it is.
AT_REST: Mapping[str, str] = {CaseState.OPEN: CaseState.CLOSED}


@dataclass(frozen=True)
class Surroundings:
    """What a decision meets: what it is judged by, the case's open promises, and the mail as it came.

    ``handed``: a report of a specialist's is still to come in its case.
    """

    around: Situation
    promises: Sequence[Promise]
    raw: bytes
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
    planned = plan(decision, message, known.around)
    settled = {item.promise: str(PromiseState(item.how)) for item in decision.settled}
    left = [promise.by for promise in known.promises if promise.id not in settled]
    desk = _Desk(row, message, author, known.raw, now)
    actions = [desk.action(item, ordinal) for ordinal, item in enumerate(planned)]
    promised = [each for each in decision.promises if Promiser(each.by) is not Promiser.US or is_answered(actions)]
    return Conclusion(
        record,
        actions,
        [_promise(row, each, now) for each in promised],
        settled,
        PromiseState.OPEN,
        moves(left_by(planned, [*left, *(each.by for each in promised)], handed=known.handed)),
        issue=decision.issue,
        proposal=_proposal(decision, now),
    )


def is_answered(actions: Sequence[Action]) -> bool:
    """Say whether the sender may get what was written; where all of it is refused, nobody was told or promised it."""
    states = {action.state for action in actions if action.kind in ANSWERS}
    return states != {ActionState.REFUSED}


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
    wanted = [(Kind.FLAG, handled.flag, HANDLED_FLAG), (Kind.MOVE, handled.folder, HANDLED_FOLDER)]
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


@dataclass(frozen=True)
class _Desk:
    """Where actions are written down: the mail that they are about, as a row, as it was read and as it came."""

    row: Row
    message: Message
    author: Author
    raw: bytes
    now: datetime

    def action(self, item: Planned, ordinal: int) -> Action:
        """Freeze an action's bytes; one that is refused has none that could be sent."""
        if item.verdict is Verdict.REFUSE or not item.recipients:
            return _mailbox_action(self.row, item, ordinal, self.now)
        own_id = own_message_id(uuid.uuid4().hex, self.author.address)
        content = self._content(item, own_id)
        return Action(
            message_id=self.row.id or 0,
            ordinal=ordinal,
            kind=item.kind,
            target=item.target,
            content=content,
            recipients=list(item.recipients),
            own_message_id=own_id,
            digest=digest(content, item.recipients, item.kind, item.target),
            rule=item.rule,
            findings=list(map(str, item.findings)),
            state=STATES[item.verdict],
            created_at=self.now,
            updated_at=self.now,
        )

    def _content(self, item: Planned, own_id: str) -> bytes:
        to = item.recipients[0]
        if item.kind is not Kind.FORWARD:
            return reply(self.message, self.author, to, item.body, own_id, self.now)
        number = self.row.about_id or self.row.id or 0
        mail = Forwarded(self.row.case_id or 0, number, self.message.subject, self.raw)
        return forward(mail, self.author, to, item.body, own_id, self.now)


def _mailbox_action(row: Row, item: Planned, ordinal: int, now: datetime) -> Action:
    content = item.body.encode()
    return Action(
        message_id=row.id or 0,
        ordinal=ordinal,
        kind=item.kind,
        target=item.target,
        content=content,
        digest=digest(content, (), item.kind, item.target),
        rule=item.rule,
        state=STATES[item.verdict],
        created_at=now,
        updated_at=now,
    )
