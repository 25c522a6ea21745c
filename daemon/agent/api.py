"""Asks the Messages API whether it takes the key and knows the model; costs nothing."""

import json
import urllib.error
import urllib.parse
import urllib.request

from daemon.errors import FatalError, TransientError

SECONDS = 20
UNAUTHORISED = (401, 403)
PART = "model"


def probe(base_url: str, key: str) -> None:
    """List one model; raise FatalError where the key is refused, TransientError where nobody answers."""
    request = urllib.request.Request(  # noqa: S310 - settings allow http and https only
        f"{base_url.rstrip('/')}/v1/models?limit=1",
        headers={"x-api-key": key, "anthropic-version": "2023-06-01"},
    )
    host = urllib.parse.urlsplit(base_url).netloc
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
            json.load(answer)
    except urllib.error.HTTPError as error:
        _refused(error, host)
    except (OSError, ValueError) as error:
        message = f"the API at {host} does not answer ({type(error).__name__})"
        raise TransientError(PART, message) from None


def _refused(error: urllib.error.HTTPError, host: str) -> None:
    status = error.code
    error.close()
    if status in UNAUTHORISED:
        message = f"the API at {host} refuses the key (HTTP {status}); check model.api_key"
        raise FatalError(message) from None
    message = f"the API at {host} answers with HTTP {status}"
    raise TransientError(PART, message) from None
