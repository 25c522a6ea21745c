"""How failures are classified at the edges; the core decides what follows from the class."""


class ClerkdError(Exception):
    """Base of all errors whose text is meant for a person: what is wrong, where, and what to do."""


class TransientError(ClerkdError):
    """It may work later without anybody's help; ``part`` names what is out of reach."""

    def __init__(self, part: str, message: str) -> None:
        """Keep the part's name beside the message."""
        super().__init__(message)
        self.part = part


class UncertainError(ClerkdError):
    """The bytes had left before the connection broke: nobody knows whether the effect took place."""


class PermanentError(ClerkdError):
    """It will not work however often it is tried."""


class GoneError(PermanentError):
    """The mail that an action is about is no longer where it was."""


class FatalError(ClerkdError):
    """The program cannot start or go on; the text says what to do."""
