"""Fixtures that every part of the suite may use."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

if TYPE_CHECKING:
    from engage.cli.trial import RunningSystem

pytest_plugins = ("tests.databases",)

ROOT = Path(__file__).resolve().parent.parent

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
"""Processes that tests start, wherever they work, import this checkout and not the one that is installed."""

hypothesis_settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy")
"""How long a draw took says something about the machine, never about the program."""


TIMED = {"browser", "cluster", "faults", "live", "runtime", "security"}
"""Folders whose tests wait for other processes: one more try on a busy machine, and the summary says which took it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what runs several processes be tried twice, and beside other files: it waits while they compute."""
    waiting: dict[Path, list[pytest.Item]] = defaultdict(list)
    computing: dict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        timed = not TIMED.isdisjoint(item.path.relative_to(ROOT).parts)
        if timed or "live_system" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=1))
        (waiting if timed else computing)[item.path].append(item)
    pairs = zip_longest(waiting.values(), computing.values(), fillvalue=())
    items[:] = [item for pair in pairs for file in pair for item in file]


@pytest.fixture(autouse=True)
def _own_log_handlers() -> Iterator[None]:
    """Take back the log handlers that a test's command has set up: they write to that test's captured stream."""
    root = logging.getLogger("engage")
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def shared_folder() -> Path:
    """Return where the test data would be."""
    return Path(os.environ.get("ENGAGE_TEST_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder of test data beside the checkout, or skip."""
    folder = shared_folder()
    if not (folder / "media").is_dir():
        pytest.skip(f"no test data at {folder}; set ENGAGE_TEST_SHARED")
    return folder


@pytest.fixture
def live_system(tmp_path: Path) -> Iterator[RunningSystem]:
    """Yield a really running ``engage serve`` on the virtual class, with a database of its own and no account yet."""
    from engage.cli.trial import running_system

    folders = [str(folder) for folder in (shared_folder() / "models",) if folder.is_dir()]
    inference = {"backend": "onnxruntime", "precision": "fp32"}  # nothing to measure first
    settings = {"capture": {"rate_fps": 2.0}, "models": {"folders": folders}, "inference": inference}
    with running_system(tmp_path, settings, "--demo") as system:
        yield system
