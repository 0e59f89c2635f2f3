"""Fixtures of the tests of the runtime."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return what the program logs, from INFO on."""
    caplog.set_level(logging.INFO, "engage")
    return caplog
