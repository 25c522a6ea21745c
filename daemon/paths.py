"""Where things lie: the state directory's layout, and the data files that come with the program."""

from dataclasses import dataclass
from pathlib import Path

ROOM = Path(__file__).resolve().parent


@dataclass(frozen=True)
class StateDirectory:
    """The layout of the directory ``service.state``."""

    root: Path

    @property
    def database(self) -> Path:
        """The knowledge database."""
        return self.root / "knowledge.db"

    @property
    def agent(self) -> Path:
        """What belongs to the CLI: transcripts, its home, its locks."""
        return self.root / "agent"

    @property
    def badge(self) -> Path:
        """The name under which the session store was held last."""
        return self.agent / "store-holder"

    @property
    def tokens(self) -> Path:
        """What OAuth2 sign-ins keep: refresh tokens, readable by the service's user alone."""
        return self.root / "tokens"

    @property
    def lock(self) -> Path:
        """Held by the one daemon, or the one command in its place."""
        return self.root / "clerkd.lock"


def data_file(name: str) -> Path:
    """Find a file of ``config/`` or ``systemd/``: beside the package in a checkout, inside it when installed."""
    installed = ROOM / "share" / name
    return installed if installed.exists() else ROOM.parent / name
