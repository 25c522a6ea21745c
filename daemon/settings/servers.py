"""The address of a database server in the config: what it may hold, and how it is reached."""

from urllib.parse import SplitResult, urlsplit

from sqlalchemy import URL, make_url

from daemon.secret import Secret

LOOPBACK = ("localhost", "127.0.0.1", "::1")
KNOWLEDGE = "postgresql://user@host/database"


def refuse_passwords(parts: SplitResult) -> None:
    """Refuse a password in an address; raise ValueError."""
    if parts.password is not None or "password" in parts.query:
        message = "holds a password; give it as password = { file = } or the like, never in the TOML itself"
        raise ValueError(message)


def refuse_odd_ports(parts: SplitResult) -> None:
    """Refuse a port that is none; raise ValueError."""
    try:
        _ = parts.port
    except ValueError:
        message = "has a port that is no number from 1 to 65535"
        raise ValueError(message) from None


def knowledge_address(address: str) -> str:
    """See that an address names a database on a PostgreSQL server; raise ValueError."""
    parts = urlsplit(address)
    if parts.scheme != "postgresql" or not parts.path.strip("/"):
        message = f"must be a database on a PostgreSQL server: {KNOWLEDGE}; left out, it is a file in service.state"
        raise ValueError(message)
    refuse_passwords(parts)
    refuse_odd_ports(parts)
    return address


def postgresql_url(address: str, password: Secret | None) -> URL:
    """Say how a server is reached. Its own default would send mail in the clear where the server does not mind."""
    url = make_url(address)
    if url.host and url.host not in LOOPBACK and "sslmode" not in url.query:
        url = url.update_query_dict({"sslmode": "verify-full"})
    return url.set(password=password.read()) if password else url


def is_same_database(one: str, other: str) -> bool:
    """Say whether two addresses lead to one database."""
    places = [(url.host, url.port or 5432, url.database) for url in (make_url(one), make_url(other))]
    return places[0] == places[1]
