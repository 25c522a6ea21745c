"""What several of the settings' tests begin with."""

import pytest


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the environment says of configs and credentials."""
    monkeypatch.delenv("CLERKD_CONFIG", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
