"""The log's form, and what never gets into it."""

import json

import pytest

from daemon.service import telemetry


def test_an_exception_is_named_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Class and place stand in the event; the text, which may quote a mail, does not."""
    telemetry.configure("info", json=True)
    with pytest.raises(ValueError, match="Quokka") as caught:
        int("the mail said: Quokka")
    telemetry.logger().error("stumbled", exc_info=caught.value)
    event = json.loads(capsys.readouterr().err)
    assert event["error"] == "ValueError"
    assert event["at"].startswith("test_telemetry.py:")
    assert "Quokka" not in json.dumps(event)


def test_events_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """With log_level = "warning" an info event is not written."""
    telemetry.configure("warning", json=True)
    telemetry.logger().info("quiet")
    telemetry.logger().warning("loud")
    assert "quiet" not in (written := capsys.readouterr().err)
    assert "loud" in written


def test_a_terminal_gets_readable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Without the journal an event is a line with its name and its fields."""
    telemetry.configure("info", json=False)
    telemetry.logger().info("turn_settled", message=3)
    line = capsys.readouterr().err
    assert "turn_settled" in line
    assert "message=3" in line
