"""The page of numbers: volume, categories, time to decision, approvals and edits, dollars, context, and lessons."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from starlette.responses import Response

from daemon.judgement.facts import FactKind
from daemon.judgement.policy import ANSWERS
from daemon.judgement.statistics import WEEK, Answer, Effect, Lesson, by_week, changed, effect, middle, weeks
from daemon.steps.approval_orders import Verdict
from daemon.web import charts, render
from daemon.web.headers import PICTURE
from daemon.web.site import Asked, found
from knowledge import numbers, turns
from knowledge.database import Database
from knowledge.numbers import Context, Decided

WEEKS = 12
SPAN = timedelta(days=56)  # that a lesson is judged by, before it and since
MOST_POINTS = 300
FRESH_SECONDS = 10
MINUTE = 60.0


@dataclass(frozen=True)
class Figures:
    """Rows of some weeks; and what each week cost, with all that belongs to it."""

    weeks: list[date]
    received: list[datetime]
    decided: list[Decided]
    answers: list[Answer]
    lessons: list[Lesson]
    contexts: list[Context]
    dollars: list[float]

    @property
    def labels(self) -> list[str]:
        """Name the weeks by their Mondays."""
        return [f"{week:%d %b}" for week in self.weeks]

    @property
    def effects(self) -> list[Effect]:
        """Say of each lesson whether it helped."""
        return [effect(lesson, self.answers, SPAN) for lesson in self.lessons]


Series = dict[str, list[float | None]]


def shown(asked: Asked) -> Response:
    """Show all charts, each with its numbers in a table."""
    figures = _figures(asked)
    tables = {name: (title, make(figures)) for name, (title, make, _draw) in CHARTS.items()}
    return render.page(asked, "numbers.html", figures=figures, tables=tables, context=CONTEXT)


def picture(asked: Asked) -> Response:
    """Give one chart."""
    name = asked.request.path_params["chart"]
    figures = _figures(asked)
    if name == CONTEXT:
        return _svg(_context(figures))
    _title, make, draw = found("chart", name, CHARTS.get(name))
    return _svg(draw(figures.labels, make(figures)))


def _figures(asked: Asked) -> Figures:
    return _read(asked.db, int(asked.now.timestamp()) // FRESH_SECONDS)


@lru_cache(maxsize=1)
def _read(db: Database, moment: int) -> Figures:
    """Read the rows once for a page and all its pictures."""
    wanted = weeks(datetime.fromtimestamp(moment * FRESH_SECONDS, UTC), WEEKS)
    first = datetime.combine(wanted[0], time(), UTC)
    spent = [turns.spent_since(db, first + WEEK * week) for week in range(WEEKS + 1)]
    return Figures(
        wanted,
        numbers.received(db, first),
        numbers.decided(db, first),
        [Answer(*row) for row in numbers.answered(db, first - SPAN, ANSWERS)],
        [Lesson(*row) for row in numbers.learnt(db, first, FactKind.LESSON)],
        numbers.contexts(db, first),
        [begin - end for begin, end in pairwise(spent)],
    )


def _svg(drawn: bytes) -> Response:
    return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": PICTURE})


def _volume(figures: Figures) -> Series:
    received = by_week(figures.received, lambda at: at, figures.weeks)
    return {"mails": [float(len(each)) for each in received]}


def _categories(figures: Figures) -> Series:
    counts = [Counter(row.category for row in each) for each in _decided(figures)]
    names = sorted({name for each in counts for name in each})
    return {name: [float(each[name]) for each in counts] for name in names}


def _time_to_decision(figures: Figures) -> Series:
    minutes = [[(row.at - row.received_at).total_seconds() / MINUTE for row in each] for each in _decided(figures)]
    return {"median minutes": [_rounded(middle(each), 2) for each in minutes]}


def _verdicts(figures: Figures) -> Series:
    counts = [Counter(each.verdict for each in week) for week in _answers(figures)]
    return {str(verdict): [float(each[verdict]) for each in counts] for verdict in Verdict}


def _change_rate(figures: Figures) -> Series:
    names = sorted({each.category for each in figures.answers})
    weekly = _answers(figures)
    return {
        name: [_rounded(changed(each for each in week if each.category == name).share, 3) for week in weekly]
        for name in names
    }


def _dollars(figures: Figures) -> Series:
    mails = [len(week) for week in _decided(figures)]
    pairs = zip(figures.dollars, mails, strict=True)
    return {"dollars a mail": [round(dollars / count, 4) if count else None for dollars, count in pairs]}


def _context(figures: Figures) -> bytes:
    """Draw the size of the context behind the newest turns."""
    rows = [row for row in figures.contexts if row.tokens][-MOST_POINTS:]
    labels = [f"{row.at:%d %b %H:%M}" for row in rows]
    return charts.lines(labels, {"tokens": [float(row.tokens) for row in rows]}, labels_shown=6)


def _decided(figures: Figures) -> list[list[Decided]]:
    return by_week(figures.decided, lambda row: row.at, figures.weeks)


def _answers(figures: Figures) -> list[list[Answer]]:
    return by_week(figures.answers, lambda each: each.at, figures.weeks)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


Make = Callable[[Figures], Series]
Draw = Callable[[Sequence[str], charts.Series], bytes]
CONTEXT = "context"
CHARTS: Mapping[str, tuple[str, Make, Draw]] = MappingProxyType(
    {
        "volume": ("Mails that came in", _volume, charts.bars),
        "categories": ("Decisions by category", _categories, charts.bars),
        "time": ("Time to decision, the median in minutes", _time_to_decision, charts.lines),
        "verdicts": ("What persons said of proposals", _verdicts, charts.bars),
        "changed": ("Share of proposals that were edited or rejected, by category", _change_rate, charts.lines),
        "dollars": ("US dollars for a mail", _dollars, charts.lines),
    }
)
