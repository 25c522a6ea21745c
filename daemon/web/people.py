"""The people who write: the list, and what is known of one, with what it rests on."""

from starlette.responses import Response

from daemon.judgement.casework import CaseState, PromiseState
from daemon.web import render
from daemon.web.site import Asked, found
from knowledge import cases, facts, people

MOST, MOST_CASES = 100, 50


def listed(asked: Asked) -> Response:
    """List people, the last seen first; those whose name, address or organisation holds some words."""
    search = asked.given("search")
    asked.look("people", 0)
    return render.page(asked, "people.html", people=people.find(asked.db, search, MOST), search=search, most=MOST)


def one(asked: Asked) -> Response:
    """Show what is known of one."""
    known = found("person", asked.number, people.get(asked.db, asked.number))
    asked.look("person", asked.number)
    return render.page(
        asked,
        "person.html",
        known=known,
        names=people.names_of(asked.db, asked.number),
        cases=cases.find(asked.db, tuple(CaseState), asked.number, PromiseState.OPEN, MOST_CASES),
        facts=[
            *facts.of_person(asked.db, asked.number),
            *facts.of_organisation(asked.db, known.person.organisation),
        ],
    )
