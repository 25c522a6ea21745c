"""What a group of commands answers, where all is well and where it refuses a call."""

import json
from typing import Any

from tests.bed import Bed


def said(group: str, bed: Bed, *words: str) -> str:
    """Give what a command prints where all is well, with its white space made one blank each."""
    shown = bed.clerkd(group, *words, "--config", str(bed.config))
    assert (shown.returncode, shown.stderr) == (0, "")
    return " ".join(shown.stdout.split())


def records(group: str, bed: Bed, *words: str) -> list[Any]:
    """Give what a command prints as JSON, one object a line."""
    shown = bed.clerkd(group, *words, "--json", "--config", str(bed.config))
    assert (shown.returncode, shown.stderr) == (0, "")
    return [json.loads(line) for line in shown.stdout.splitlines()]


def refused(group: str, bed: Bed, *words: str) -> str:
    """Give what a command says where it refuses a call."""
    shown = bed.clerkd(group, *words, "--config", str(bed.config))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "Traceback" not in shown.stderr
    return shown.stderr
