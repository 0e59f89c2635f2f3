"""Fixtures of the tests of the runtime."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """Return what the program logs, also where an earlier test has set logging up for a command."""
    monkeypatch.setattr(logging.getLogger("engage"), "propagate", True)
    caplog.set_level(logging.INFO, "engage")
    return caplog
