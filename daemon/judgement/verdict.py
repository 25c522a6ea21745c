"""What came back from a turn, read as a value: which failure it is, or none."""

from dataclasses import dataclass

from daemon.judgement.retry import Failure, FailureKind

BY_STATUS = {
    400: FailureKind.REFUSED,
    401: FailureKind.AUTHENTICATION,
    402: FailureKind.CREDIT,
    403: FailureKind.AUTHENTICATION,
    404: FailureKind.AUTHENTICATION,
    408: FailureKind.UNAVAILABLE,
    413: FailureKind.TOO_LONG,
    422: FailureKind.REFUSED,
    429: FailureKind.RATE_LIMIT,
}
BY_WORD = {
    "authentication_failed": FailureKind.AUTHENTICATION,
    "billing_error": FailureKind.CREDIT,
    "rate_limit": FailureKind.RATE_LIMIT,
    "invalid_request": FailureKind.REFUSED,
    "server_error": FailureKind.UNAVAILABLE,
}
MEANING = {
    FailureKind.AUTHENTICATION: "the API does not accept the key or does not know the model",
    FailureKind.CREDIT: "the API account is out of credit",
    FailureKind.RATE_LIMIT: "the API's rate limit is reached",
    FailureKind.UNAVAILABLE: "the API is not available",
    FailureKind.TOO_LONG: "the prompt is too long for the model",
    FailureKind.REFUSED: "the request was not valid",
    FailureKind.CAP: "the turn reached its limit of steps",
}
SERVER_ERRORS = 500


@dataclass(frozen=True)
class ApiResult:
    """How the engine ended a turn. ``words`` is its own error text, used to classify and never logged."""

    is_error: bool
    subtype: str
    status: int | None = None
    error: str | None = None
    words: str = ""


def failure_of(result: ApiResult) -> Failure | None:
    """Classify the engine's result; None where the turn ended well."""
    if result.subtype == "error_max_turns":
        return _failure(FailureKind.CAP, result)
    if not result.is_error:
        return None
    return _failure(_kind(result), result)


def _kind(result: ApiResult) -> FailureKind:
    words = result.words.lower()
    if "prompt is too long" in words or "context window" in words:
        return FailureKind.TOO_LONG
    if "credit balance" in words or "usage limits" in words:
        return FailureKind.CREDIT
    if "organization has been disabled" in words:
        return FailureKind.AUTHENTICATION
    if result.status is not None and result.status >= SERVER_ERRORS:
        return FailureKind.UNAVAILABLE
    if result.status in BY_STATUS:
        return BY_STATUS[result.status]
    return BY_WORD.get(result.error or "", FailureKind.UNAVAILABLE)


def _failure(kind: FailureKind, result: ApiResult) -> Failure:
    status = f" (HTTP {result.status})" if result.status else ""
    return Failure(kind, MEANING[kind] + status)
