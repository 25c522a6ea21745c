"""Who is told by mail, and what: read, or refused in words."""

from datetime import time
from pathlib import Path

import pytest

from daemon.judgement.urgency import Alarms
from daemon.settings import load
from tests.settings.configs import GOOD, good, place, refusal, refused, toml


def test_it_hands_the_judgement_what_is_urgent(tmp_path: Path) -> None:
    """And the time of day."""
    digest = load(good(tmp_path, digest__at='"18:30"', digest__vips='["ada@quill.example", "tern.example"]')).digest
    assert digest
    assert (digest.time, digest.to) == (time(18, 30), ("boss@example.com",))
    assert digest.alarms == Alarms(("ada@quill.example", "tern.example"), 1, 5)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("digest.at", '"7 o\'clock"', 'digest.at: "7 o\'clock" is no time of day; it is written as "07:00" is'),
        ("digest.at", '"24:30"', "digest.at: '24:30' is no time of day; it is written as \"07:00\" is"),
        ("digest.at", '"07:00Z"', "digest.at: '07:00Z' is no time of day; it is written as \"07:00\" is"),
        ("digest.to", '["Boss <boss@example.com>"]', "digest.to.0: 'Boss <boss@example.com>' is not a plain address"),
        ("digest.to", '["support@example.com"]', "digest.to: support@example.com is the employee's own address"),
        ("digest.vips", '["@quill.example"]', "digest.vips.0: '@quill.example' is neither an address nor a domain"),
        ("digest.vips", '["Ada Quill"]', "digest.vips.0: 'Ada Quill' is neither an address nor a domain"),
    ],
)
def test_it_refuses_what_cannot_be(tmp_path: Path, key: str, value: str, said: str) -> None:
    """In words, with the key."""
    assert said in refused(tmp_path, key, value)


def test_without_a_way_out_there_is_no_digest(tmp_path: Path) -> None:
    """Whoever wants one must say how it leaves."""
    without = {name: keys for name, keys in GOOD.items() if name != "smtp" and not name.startswith("autonomy")}
    said = refusal(place(tmp_path, toml(without)))
    assert "digest: mail leaves through [smtp], and there is no such section" in said
