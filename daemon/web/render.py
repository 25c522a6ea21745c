"""Makes HTML of templates; whatever stands in a mail is escaped, and what is disguised in it is marked."""

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from daemon.judgement.disguises import Piece, pieces
from daemon.judgement.sign_in import Role
from daemon.review.log import when
from daemon.web.site import Asked, Site
from daemon.web.standing import standing

MARK = Markup('<mark class="disguise" title="{why}">{text}<span class="why"> [{why}]</span></mark>')
SHORT = 80


def marked(text: str | None) -> Markup:
    """Give a text of somebody's for a page: escaped, and with marks on what is not as it seems."""
    return Markup("").join(map(_piece, pieces(text or "")))


def _piece(piece: Piece) -> Markup:
    if not piece.disguise:
        return escape(piece.text)
    shown = piece.text if piece.text.isprintable() else "\N{REPLACEMENT CHARACTER}"
    return MARK.format(why=piece.disguise, text=shown)


def _short(text: str | None) -> str:
    plain = " ".join((text or "").split())
    return plain if len(plain) <= SHORT else f"{plain[: SHORT - 1]}\N{HORIZONTAL ELLIPSIS}"


def _dollars(amount: float | None) -> str:
    return "-" if amount is None else f"${amount:.4f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


@pass_context
def _current(context: Context, path: str) -> Markup:
    """Mark the link of the page that is shown."""
    request: Request = context["request"]
    here = request.url.path == path or request.url.path.startswith(f"{path}/")
    return Markup(' aria-current="page"') if here else Markup("")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "marked": marked, "short": _short, "when": when, "dollars": _dollars, "percent": _percent, "iso": _iso,
}  # fmt: skip
TEMPLATES.globals |= {"current": _current}


def page(asked: Asked, template: str, status: int = 200, **values: object) -> Response:
    """Give a page for somebody who is signed in."""
    may_review = Role(asked.guest.user.role).may(Role.REVIEWER)
    may_manage = Role(asked.guest.user.role).may(Role.ADMIN)
    around = {"guest": asked.guest, "may_review": may_review, "may_manage": may_manage, "standing": standing(asked)}
    return bare(asked.site, asked.request, template, status, **around, **values)


def part(asked: Asked, template: str, headers: dict[str, str], **values: object) -> Response:
    """Give a part of a page, for one that is open already."""
    text = TEMPLATES.get_template(template).render(request=asked.request, **values)
    return HTMLResponse(text, headers=headers)


def bare(site: Site, request: Request, template: str, status: int = 200, **values: object) -> Response:
    """Give a page for anybody."""
    employee = site.settings.employee
    text = TEMPLATES.get_template(template).render(request=request, employee=employee, **{"problem": "", **values})
    return HTMLResponse(text, status)
