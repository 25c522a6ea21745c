"""What a machine must have for these tests: elsewhere they are skipped with the reason, in CI that is a failure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
UNITS = PROJECT / "systemd"
UNIT = UNITS / "clerkd.service"


def need(*, given: bool, what: str) -> None:
    """Skip the test where something is missing; in CI, fail."""
    if not given:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have {what}")
        pytest.skip(f"needs {what}")


def need_tools(*names: str) -> None:
    """Need programs on the path."""
    missing = [name for name in names if shutil.which(name) is None]
    need(given=not missing, what=", ".join(missing))


def directives() -> list[tuple[str, str]]:
    """Read what the unit says: names and values, in their order."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and line[0] not in "#[;"]
    return [(name, value) for name, _, value in pairs]


def directive(name: str) -> str:
    """Give the one value of a directive."""
    (value,) = [value for known, value in directives() if known == name]
    return value


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; stdout and stderr come together."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
