"""The chain of sessions: how full each was, what it cost, and why it ended."""

from starlette.responses import Response

from daemon.review.sessions import line_of, lines, page, upkeep_line
from daemon.web import render
from daemon.web.site import Asked, found
from knowledge import sessions


def listed(asked: Asked) -> Response:
    """Show the chain, the newest first, with a gauge of each context against its bound."""
    bound = asked.settings.session.compact_at_tokens
    return render.page(asked, "sessions.html", chain=lines(asked.db), bound=bound)


def one(asked: Asked) -> Response:
    """Show one session: its compactions and rotations, and what it noted for its successor."""
    session = asked.request.path_params["session"]
    row = found("session", session, sessions.get(asked.db, session))
    asked.look(f"session {row.id}", 0)
    shown = page(asked.db, line_of(asked.db, row))
    return render.page(asked, "session.html", shown=shown, upkeeps=[upkeep_line(row) for row in shown.upkeeps])
