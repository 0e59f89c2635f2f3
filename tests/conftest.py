"""Fixtures that every part of the suite may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder of test data beside the checkout, or skip."""
    folder = Path(os.environ.get("ENGAGE_TEST_SHARED", ROOT.parent / "shared"))
    if not (folder / "media").is_dir():
        pytest.skip(f"no test data at {folder}; set ENGAGE_TEST_SHARED")
    return folder
