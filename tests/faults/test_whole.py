"""The whole system: its clock set, stopped in the middle of its work, started again, killed."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import pytest

from engage.storage import soundness
from tests.conftest import ROOT
from tests.faults.injected import wait_until
from tests.faults.lesson import Lesson, running_lesson, started

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

HOUR_S = 3600.0
LONG_ENOUGH_S = 5.0


def test_clock_set_stopped_in_mid_batch_started_and_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = tmp_path / "ahead"
    ahead.write_text("0")
    monkeypatch.setenv("CLOCK_AHEAD_FILE", str(ahead))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'tests/faults/injected_clock'}:{ROOT}")
    with running_lesson(tmp_path, f"sqlite:///{tmp_path}/engage.db", count=3) as lesson:
        set_clock(lesson, ahead, HOUR_S)
        set_clock(lesson, ahead, 0.0)
        stopped_at = stop_in_mid_batch(lesson)
        with started(tmp_path, lesson.values, lesson.session) as (system, watcher):
            lesson.system, lesson.watcher = system, watcher
            live_at = lesson.await_live(lesson.students, stopped_at + HOUR_S)
            assert live_at - stopped_at <= lesson.allowed_s() + lesson.allowed_s("inference")
            lesson.assert_told_is_stored()
            kill_all(lesson)


def set_clock(lesson: Lesson, ahead: Path, seconds: float) -> None:
    """Set the clock, and wait until the lesson has gone on for a while; next to nothing may be missing."""
    with lesson.watcher.news:
        newest = max(captured for captured, _ in lesson.watcher.rows.values())
    set_at = time.time()
    ahead.write_text(str(seconds))
    goal = (set_at if newest < set_at + HOUR_S / 2 else newest) + LONG_ENOUGH_S
    goal = set_at + HOUR_S if seconds else newest + LONG_ENOUGH_S
    live_at = lesson.await_live(lesson.students, goal)
    took_s = live_at - set_at
    stored = [len([s for s in seconds_of if s > newest]) for seconds_of in lesson.stored(0.0).values() if seconds_of]
    print("clock set to", seconds, "went on for", took_s, "s; stored meanwhile", stored)
    assert took_s <= lesson.allowed_s() + LONG_ENOUGH_S
    assert min(stored) >= (took_s - 2.0 - lesson.healthy_gap_s if not seconds else 1)


def stop_in_mid_batch(lesson: Lesson) -> float:
    """SIGTERM at the moment at which something is committed; return when."""
    lesson.await_live(lesson.students, 0.0)
    tree = lesson.system.tree()
    with lesson.watcher.news:
        lesson.watcher.news.wait(30.0)
    at = time.time()
    lesson.system.process.send_signal(signal.SIGTERM)
    assert lesson.system.exit_code() == 0
    _, alive = psutil.wait_procs(tree, timeout=10)
    assert not alive, "a process outlived SIGTERM"
    soundness.check(lesson.database)
    lesson.assert_told_is_stored()
    return at


def kill_all(lesson: Lesson) -> None:
    """Kill -9 the supervisor: nothing that it started may live on."""
    tree = lesson.system.tree()
    assert len(tree) > 5
    lesson.system.process.kill()
    wait_until(lambda: not any(_lives(each) for each in tree), "all processes end with their supervisor")
    soundness.check(lesson.database)
    lesson.assert_told_is_stored()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
