"""Which store a config means; the clients of Redis and S3 are loaded only where they are asked for."""

from sqlalchemy import make_url

from daemon.agent.store.base import LineStore
from daemon.agent.store.sql import SqlStore
from daemon.errors import FatalError
from daemon.settings import Store, postgresql_url

MISSING = "session.store.url: the client for it is not installed: pip install 'clerkd[{}]'"


def store_of(wanted: Store) -> LineStore:
    """Make the store; raise FatalError where its client is not installed."""
    match wanted.kind:
        case "sqlite" | "postgresql":
            return _sql(wanted)
        case "redis" | "rediss":
            return _redis(wanted)
        case _:
            return _s3(wanted)


def _sql(wanted: Store) -> LineStore:
    is_file = wanted.kind == "sqlite"
    url = make_url(wanted.url) if is_file else postgresql_url(wanted.url, wanted.password)
    return SqlStore(url, wanted.timeout_seconds)


def _redis(wanted: Store) -> LineStore:
    try:
        from daemon.agent.store.redis import RedisStore
    except ImportError:
        raise FatalError(MISSING.format("redis")) from None
    return RedisStore(wanted.url, wanted.password.read() if wanted.password else None, wanted.timeout_seconds)


def _s3(wanted: Store) -> LineStore:
    try:
        from daemon.agent.store.s3 import Bucket, S3Store
    except ImportError:
        raise FatalError(MISSING.format("s3")) from None
    name, _, prefix = wanted.url.removeprefix("s3://").partition("/")
    secret = wanted.secret_key.read() if wanted.secret_key else None
    bucket = Bucket(name, prefix, wanted.endpoint or None, wanted.region or None, wanted.access_key or None, secret)
    return S3Store(bucket, wanted.timeout_seconds)
