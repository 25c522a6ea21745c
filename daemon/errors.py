"""How failures are classified at the edges; the core decides what follows from the class."""


class ClerkdError(Exception):
    """Base of all errors whose text is meant for a person: what is wrong, where, and what to do."""


class TransientError(ClerkdError):
    """It may work later without the service being changed; ``part`` names what is out of reach, ``kind`` why."""

    def __init__(self, part: str, message: str, kind: str = "unreachable") -> None:
        """Keep the part's name and the kind beside the message."""
        super().__init__(message)
        self.part = part
        self.kind = kind


class UncertainError(ClerkdError):
    """The bytes had left before the connection broke: nobody knows whether the effect took place."""


class DeferredError(ClerkdError):
    """This one thing does not work now, and may later; all else may go on meanwhile."""


class PermanentError(ClerkdError):
    """It will not work however often it is tried."""


class GoneError(PermanentError):
    """The mail that an action is about is no longer where it was."""


class FatalError(ClerkdError):
    """The program cannot start or go on; the text says what to do."""


class OrderRefused(Exception):  # noqa: N818 - a refusal, said to a person
    """A person's order cannot be carried out; the text says why."""
