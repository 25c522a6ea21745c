"""What waits for a person: the list, one after the other, and a person's word on it."""

from starlette.responses import RedirectResponse, Response

from daemon import waiting
from daemon.errors import FatalError
from daemon.judgement.policy import ANSWERS
from daemon.judgement.states import ActionState
from daemon.review.log import approval_line, content_of, correction_line
from daemon.reviewer import choices, lesson
from daemon.steps import fact_orders
from daemon.steps.orders import ADD_FACT, APPROVE, CORRECT, EDIT, REJECT
from daemon.web import render
from daemon.web.door import SEE_OTHER
from daemon.web.site import Asked, as_number, found
from daemon.web.teaching import draft
from daemon.web.words import Giver, Outcome
from knowledge import approvals, corrections
from knowledge.approvals import Item

CONFLICT = 409
MOST = 200  # that are listed, and may be approved at once
UNCHANGED = "Nothing was changed. To send it as it is, approve it."


def listed(asked: Asked) -> Response:
    """List what waits, the oldest first; of one category or kind where that is asked for."""
    category, kind = asked.given("category"), asked.given("kind")
    everything = waiting.waiting(asked.db)
    items = [item for item in everything if _fits(item, category, kind)][:MOST]
    asked.look("waiting", 0)
    return render.page(
        asked,
        "waiting.html",
        items=items,
        category=category,
        kind=kind,
        most=MOST,
        categories=sorted({item.decision.category for item in everything if item.decision}),
        kinds=sorted({item.action.kind for item in everything}),
        said=_said_of(asked),
        seen=" ".join(f"{item.action.id}:{item.action.digest}" for item in items),
    )


def one(asked: Asked, problem: str = "", status: int = 200) -> Response:
    """Show one: the mail beside the proposal, and why it waits."""
    item = _item(asked, asked.number)
    proposal = asked.site.show(item)
    asked.look("waiting", asked.number)
    message = item.message.id or 0
    return render.page(
        asked,
        "proposal.html",
        status,
        proposal=proposal,
        content=content_of(item.action),
        editable=item.action.kind in ANSWERS,
        body=asked.filled("body") or proposal.body,
        choices=choices(asked.settings),
        corrected=[str(correction_line(each)) for each in corrections.of_message(asked.db, message)],
        left=len(approvals.numbers(asked.db, ActionState.WAITING)),
        said=_said_of(asked),
        problem=problem,
    )


def following(asked: Asked) -> Response:
    """Lead to the item that comes next, or to the list where there is none."""
    after = as_number(asked.given("after")) or 0
    numbers = [each for each in approvals.numbers(asked.db, ActionState.WAITING) if each != after]
    number = next((each for each in numbers if each > after), numbers[0] if numbers else None)
    where = f"/waiting/{number}" if number else "/waiting"
    return RedirectResponse(Outcome(later=bool(asked.given("later"))).onward(f"{where}?after={after}"), SEE_OTHER)


def approve(asked: Asked) -> Response:
    """Have it done, as it was seen."""
    return _answered(asked, APPROVE, _word(asked))


def reject(asked: Asked) -> Response:
    """Have it never done."""
    return _answered(asked, REJECT, _word(asked, why=asked.filled("why")))


def edit(asked: Asked) -> Response:
    """Have what was written in its place done."""
    item = _item(asked, asked.number)
    body = asked.filled("body")
    if body.strip() == asked.site.show(item).body.strip():
        return one(asked, UNCHANGED, CONFLICT)
    return _answered(asked, EDIT, _word(asked, body=body))


def correct(asked: Asked) -> Response:
    """Write down how the decision should have been; the proposal still waits."""
    item = _item(asked, asked.number)
    field, _, should = asked.filled("should").partition(": ")
    if should not in choices(asked.settings).get(field, []):
        return one(asked, "Say what should have been otherwise.", CONFLICT)
    message = item.message.id or 0
    try:
        argument = asked.reviewer.corrected(message, field, should, asked.filled("why"))
    except FatalError as error:
        return one(asked, str(error), CONFLICT)
    outcome = Giver(asked).give(CORRECT, argument)
    if outcome.problem:
        return one(asked, outcome.problem, CONFLICT)
    onward = f"/waiting/{asked.number}" if outcome.later else f"/lesson/{asked.number}?of=correction"
    return RedirectResponse(outcome.onward(onward), SEE_OTHER)


def approve_several(asked: Asked) -> Response:
    """Approve what was listed, byte for byte; asked once, with the count."""
    seen = [each.partition(":") for each in asked.filled("seen").split()]
    wanted = {number: digest for each, _, digest in seen if (number := as_number(each))}
    items = [item for item in waiting.waiting(asked.db) if item.action.id in wanted]
    if not asked.filled("confirmed"):
        asked.look("several", 0)
        return render.page(asked, "several.html", items=items, seen=asked.filled("seen"))
    giver = Giver(asked)
    outcomes = [giver.give(APPROVE, asked.reviewer.said(number, digest)) for number, digest in wanted.items()]
    problems = [each.problem for each in outcomes if each.problem]
    if problems:
        return render.page(asked, "several.html", CONFLICT, items=[], seen="", problem="; ".join(problems))
    later = any(each.later for each in outcomes)
    return RedirectResponse(Outcome(later=later).onward("/waiting"), SEE_OTHER)


def teach(asked: Asked) -> Response:
    """Propose what a person's word may teach, or take the lesson."""
    asked.look("lesson", asked.number)
    shown = draft(asked.db, asked.number, asked.settings.employee.signature, asked.given("of"))
    onward = f"/waiting/next?after={asked.number}" if shown.answered else f"/waiting/{asked.number}"
    if asked.request.method == "POST":
        return _taught(asked, shown.category, onward)
    if not shown.text:
        return RedirectResponse(onward, SEE_OTHER)
    return render.page(asked, "lesson.html", draft=shown.text, onward=onward)


def _taught(asked: Asked, category: str, onward: str) -> Response:
    text = asked.filled("text")
    argument = lesson(text, category)
    outcome = Outcome(fact_orders.objection(argument))  # told now: the order itself waits for the end of a turn
    outcome = outcome if outcome.problem else Giver(asked).give(ADD_FACT, argument)
    if outcome.problem:
        return render.page(asked, "lesson.html", CONFLICT, draft=text, onward=onward, problem=outcome.problem)
    return RedirectResponse(outcome.onward(onward), SEE_OTHER)


def _answered(asked: Asked, kind: str, word: str | FatalError) -> Response:
    """Give a person's word, and go on: to what it may teach, and then to the next item."""
    if isinstance(word, FatalError):
        return one(asked, str(word), CONFLICT)
    outcome = Giver(asked).give(kind, word)
    if outcome.problem:
        return _refused(asked, outcome.problem)
    teaches = kind != APPROVE and not outcome.later
    onward = f"/lesson/{asked.number}?of=answer" if teaches else f"/waiting/next?after={asked.number}"
    return RedirectResponse(outcome.onward(onward), SEE_OTHER)


def _refused(asked: Asked, problem: str) -> Response:
    """Show it again with what is wrong; where it does not wait any more, the list."""
    if approvals.one(asked.db, asked.number, ActionState.WAITING):
        return one(asked, problem, CONFLICT)
    return render.page(asked, "several.html", CONFLICT, items=[], seen="", problem=problem)


def _word(asked: Asked, why: str = "", body: str = "") -> str | FatalError:
    signature = asked.settings.employee.signature if body else ""
    try:
        return asked.reviewer.said(asked.number, asked.filled("digest"), why, body, signature)
    except FatalError as error:
        return error


def _item(asked: Asked, number: int) -> Item:
    return found("proposal that waits under the number", number, approvals.one(asked.db, number, ActionState.WAITING))


def _fits(item: Item, category: str, kind: str) -> bool:
    filed = item.decision.category if item.decision else ""
    return category in ("", filed) and kind in ("", item.action.kind)


def _said_of(asked: Asked) -> str:
    """Say what became of the item before this one."""
    number = as_number(asked.given("after"))
    given = approvals.of_action(asked.db, number) if number else []
    return str(approval_line(given[-1])) if given else ""
