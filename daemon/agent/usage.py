"""The API's usage object, read as a value."""

from collections.abc import Mapping
from typing import Any

from daemon.judgement.money import Usage


def usage_of(usage: Mapping[str, Any] | None) -> Usage:
    """Read the API's usage object; what is not in it counts as nothing."""
    counted = usage or {}
    return Usage(
        int(counted.get("input_tokens") or 0),
        int(counted.get("output_tokens") or 0),
        int(counted.get("cache_read_input_tokens") or 0),
        int(counted.get("cache_creation_input_tokens") or 0),
    )
