"""Who may sign in, who has, and who has looked at what: for admins. Users are made on the command line alone."""

from starlette.responses import Response

from daemon.web import render
from daemon.web.site import Asked
from knowledge import users, visits

MOST = 200


def listed(asked: Asked) -> Response:
    """List the users, and the newest looks."""
    everybody, seen = users.every(asked.db), users.visited_at(asked.db)
    return render.page(asked, "users.html", users=everybody, seen=seen, looks=visits.looks(asked.db, MOST), most=MOST)
