"""What the engine's result means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.retry import Failure, FailureKind
from daemon.judgement.verdict import MEANING, ApiResult, failure_of

RESULTS = st.builds(
    ApiResult,
    is_error=st.booleans(),
    subtype=st.sampled_from(["success", "error_max_turns", "error_during_execution"]),
    status=st.none() | st.integers(0, 999),
    error=st.none() | st.text() | st.sampled_from(["billing_error", "rate_limit", "server_error"]),
    words=st.text() | st.just("prompt is too long: secret words of a mail"),
)


def kind_of(status: int | None = None, error: str | None = None, words: str = "") -> FailureKind | None:
    """Classify an error of the engine."""
    failure = failure_of(ApiResult(is_error=True, subtype="success", status=status, error=error, words=words))
    return failure.kind if failure else None


def test_a_turn_that_ended_well_is_no_failure() -> None:
    """Success without an error is none."""
    assert failure_of(ApiResult(is_error=False, subtype="success")) is None


@pytest.mark.parametrize("is_error", [True, False])
def test_a_turn_that_ran_out_of_steps_is_a_failure(is_error: bool) -> None:  # noqa: FBT001 - a case of the table
    """The engine's limit counts whether or not it calls it an error."""
    failure = failure_of(ApiResult(is_error=is_error, subtype="error_max_turns"))
    assert failure == Failure(FailureKind.CAP, "the turn reached its limit of steps")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.REFUSED),
        (401, FailureKind.AUTHENTICATION),
        (402, FailureKind.CREDIT),
        (403, FailureKind.AUTHENTICATION),
        (404, FailureKind.AUTHENTICATION),
        (408, FailureKind.UNAVAILABLE),
        (413, FailureKind.TOO_LONG),
        (422, FailureKind.REFUSED),
        (429, FailureKind.RATE_LIMIT),
        (499, FailureKind.UNAVAILABLE),
        (500, FailureKind.UNAVAILABLE),
        (503, FailureKind.UNAVAILABLE),
        (529, FailureKind.UNAVAILABLE),
    ],
)
def test_it_classifies_by_the_http_status(status: int, kind: FailureKind) -> None:
    """A status that is not known is taken for an outage."""
    assert kind_of(status=status) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("authentication_failed", FailureKind.AUTHENTICATION),
        ("billing_error", FailureKind.CREDIT),
        ("rate_limit", FailureKind.RATE_LIMIT),
        ("invalid_request", FailureKind.REFUSED),
        ("server_error", FailureKind.UNAVAILABLE),
        ("something_new", FailureKind.UNAVAILABLE),
        (None, FailureKind.UNAVAILABLE),
    ],
)
def test_it_classifies_by_the_engine_s_word_where_there_is_no_status(error: str | None, kind: FailureKind) -> None:
    """A word that is not known is taken for an outage."""
    assert kind_of(error=error) is kind


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Prompt is too long: 210000 tokens", FailureKind.TOO_LONG),
        ("exceeds the context window", FailureKind.TOO_LONG),
        ("Your credit balance is too low", FailureKind.CREDIT),
    ],
)
def test_the_words_of_an_error_go_before_its_status(words: str, kind: FailureKind) -> None:
    """The API says 400 for these, which would be a refusal."""
    assert kind_of(status=400, words=words) is kind


def test_a_status_goes_before_the_engine_s_word() -> None:
    """The number is the surer sign."""
    assert kind_of(status=429, error="invalid_request") is FailureKind.RATE_LIMIT


def test_it_names_the_status_in_the_detail() -> None:
    """The log shows the number."""
    failure = failure_of(ApiResult(is_error=True, subtype="success", status=503))
    assert failure == Failure(FailureKind.UNAVAILABLE, "the API is not available (HTTP 503)")


def test_it_leaves_out_a_status_that_is_not_known() -> None:
    """Without a number there are no brackets."""
    failure = failure_of(ApiResult(is_error=True, subtype="success"))
    assert failure == Failure(FailureKind.UNAVAILABLE, "the API is not available")


@given(RESULTS)
def test_no_detail_holds_the_engine_s_own_words(result: ApiResult) -> None:
    """A detail is one of our phrases and perhaps a number, never a text that may come from a mail."""
    failure = failure_of(result)
    assert failure is None or failure.detail.partition(" (HTTP ")[0] in MEANING.values()


@given(RESULTS)
def test_every_error_is_a_failure(result: ApiResult) -> None:
    """Nothing that went wrong is taken for well."""
    assert (failure_of(result) is None) == (not result.is_error and result.subtype != "error_max_turns")


def test_a_disabled_organisation_is_a_matter_of_the_account() -> None:
    """The API says 400 for it; it is no mail's fault."""
    failure = failure_of(
        ApiResult(is_error=True, subtype="success", status=400, words="This organization has been disabled.")
    )
    assert failure
    assert failure.kind is FailureKind.AUTHENTICATION
