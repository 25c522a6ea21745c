"""Hashes passwords, and holds one against its hash (Argon2id, RFC 9106)."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12  # characters; NIST SP 800-63B asks for eight at least
HASHER = PasswordHasher()
NOBODYS = HASHER.hash(secrets.token_urlsafe())


def hashed(password: str) -> str:
    """Give the hash of a password."""
    return HASHER.hash(password)


def fits(password: str, known: str | None) -> bool:
    """Say whether a password is that of a hash; without one it takes as long, so that nobody learns who is known."""
    try:
        return HASHER.verify(known or NOBODYS, password) and known is not None
    except (VerificationError, InvalidHashError):
        return False
