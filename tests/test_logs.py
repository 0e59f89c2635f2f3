"""Log lines: for people, or one JSON object each."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from engage import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Yield what is written; whatever logging was set up to before is given back."""
    root, stream = logging.getLogger("engage"), io.StringIO()
    before, level = list(root.handlers), root.level
    root.handlers[:] = [logging.StreamHandler(stream)]
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_of_json_has_the_context_apart(lines: io.StringIO) -> None:
    logs.set_up("INFO", "json")
    logging.getLogger("engage.capture").info("source %s source=%d detail=%s", "lost", 7, "camera=gone")
    logging.getLogger("engage.capture").debug("nobody hears this")
    (line,) = lines.getvalue().splitlines()
    found = json.loads(line)
    assert found["level"] == "INFO" and found["logger"] == "engage.capture" and found["process"] > 0
    assert found["message"] == "source lost source=7 detail=camera=gone"
    assert found["context"] == {"source": "7", "detail": "camera=gone"}
    assert found["at"].endswith("+00:00") and "exception" not in found


def test_a_failure_is_still_one_line(lines: io.StringIO) -> None:
    logs.set_up("INFO", "json")
    try:
        raise ValueError("odd frame\nof two lines")
    except ValueError:
        logging.getLogger("engage.capture").exception("frame failed")
    (line,) = lines.getvalue().splitlines()
    assert "odd frame" in json.loads(line)["exception"] and "context" not in json.loads(line)


def test_a_command_that_only_wants_quiet_keeps_the_form(lines: io.StringIO) -> None:
    logs.set_up("INFO", "json")
    logs.set_up("WARNING")
    logging.getLogger("engage").info("nobody hears this")
    logging.getLogger("engage").warning("late")
    assert json.loads(lines.getvalue())["level"] == "WARNING"


def test_text_is_for_people_and_can_be_had_back(lines: io.StringIO) -> None:
    logs.set_up("INFO", "json")
    logs.set_up("WARNING", "text")
    logging.getLogger("engage").warning("late stale=%d", 3)
    assert "engage late stale=3" in lines.getvalue() and not lines.getvalue().startswith("{")
