"""Serves the pages until it is asked to stop."""

import uvicorn

from daemon.clock import utc_now
from daemon.errors import FatalError
from daemon.premises import knowledge_of
from daemon.service.telemetry import logger
from daemon.settings import Settings
from daemon.waiting import shown
from daemon.web.app import build
from daemon.web.site import Site
from knowledge import users

STOP_SECONDS = 5
NOBODY = "nobody may sign in yet; add somebody with: clerkd web user add NAME --role reviewer"


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; raise FatalError where nobody may sign in, or the port is taken."""
    db, web = knowledge_of(settings), settings.web
    if not users.every(db):
        raise FatalError(NOBODY)
    with shown(settings, db) as show:
        # Behind a proxy, the address that it names is that of the browser; without one, nobody's word is taken for it.
        config = uvicorn.Config(
            build(Site(settings, db, show, utc_now)),
            host=web.host,
            port=web.port,
            proxy_headers=web.url is not None,
            server_header=False,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        server = uvicorn.Server(config)
        logger().info("pages_served", address=web.address)
        try:
            server.run()
        except SystemExit:
            message = f"the pages cannot be served at {web.host}:{web.port}: the port is taken, or not this user's"
            raise FatalError(message) from None
