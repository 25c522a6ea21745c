"""``clerkd run``: the service itself."""

from daemon.cli.options import Config
from daemon.service import telemetry
from daemon.settings import load, locate, refuse_missing_secrets


def run(config: Config = None) -> None:
    """Work the mailbox until stopped: the service itself.

    On its very first start only mail that arrives from then on is worked (mailbox.since = "new"). It stops cleanly
    on SIGTERM or Ctrl-C: the turn at hand may finish within service.stop_seconds, else it is dropped and its mail
    is worked at the next start. Events go to stderr, as JSON under systemd.

    Example:  clerkd run --config ./clerkd.toml
    """
    from daemon import runs

    settings = load(config)
    refuse_missing_secrets(settings, locate(config))
    telemetry.configure(settings.service.log_level)
    runs.serve(settings)
