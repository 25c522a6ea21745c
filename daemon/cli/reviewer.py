"""Who is at the keys, and where: for what is written down of a person's word."""

import os
import pwd

from daemon.reviewer import Reviewer


def at_the_keys() -> Reviewer:
    """Tell by the system: whoever came here with sudo is meant, not root."""
    origin = os.environ.get("SSH_CLIENT", "").partition(" ")[0]
    return Reviewer(_name(), f"terminal from {origin}" if origin else "terminal")


def _name() -> str:
    """Ask the system who this is, not the environment, which says what anybody put there."""
    number = os.getuid()
    if number == 0 and os.environ.get("SUDO_UID", "").isdecimal():
        number = int(os.environ["SUDO_UID"])
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
