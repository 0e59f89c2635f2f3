"""Each fault once, in one lesson of the real system (SQLite, local processes)."""

from __future__ import annotations

import os
import random
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.faults.injected import (
    Outcome,
    full,
    keep_from_writing,
    kill,
    locked,
    missing,
    resident_mb,
    wait_until,
)
from tests.faults.lesson import Lesson, Watcher
from tests.faults.line import Line

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

HELD_S = 8.0
SLOW_S = 8.0
GROWN_MB = 30.0
KILLED = ("capture-1", "inference", "collector", "web", "web-worker")


@pytest.mark.parametrize("name", KILLED)
def test_killed(lesson: Lesson, name: str) -> None:
    outcome = kill(lesson, name)
    print(outcome)
    outcome.check()
    if name.startswith("capture"):
        assert len(outcome.hit()) <= len(lesson.students) / 2, "only students of the killed process"
    if name.startswith("web"):
        assert not outcome.hit(), "what is stored does not depend on the web"
    lesson.assert_told_is_stored()


def test_locked_database(lesson: Lesson) -> None:
    assert_all_late(lesson, keep_from_writing(lesson, "locked", lambda: locked(lesson.database.file), HELD_S))


def test_full_disk(lesson: Lesson, small_disk: Path | None) -> None:
    if small_disk is None:
        pytest.skip("this account may not mount a small file system")
    file = lesson.database.file
    assert_all_late(lesson, keep_from_writing(lesson, "full", lambda: full(small_disk, file), HELD_S))


def assert_all_late(lesson: Lesson, outcome: Outcome) -> None:
    print(outcome)
    outcome.check()
    assert "Traceback" not in lesson.said()
    lesson.assert_told_is_stored()


def test_the_line_to_the_browser_cut_and_slowed(lesson: Lesson) -> None:
    """A page whose line is cut comes back; one whose line is slow costs neither others nor memory."""
    web = urlsplit(lesson.system.address)
    line = Line(web.port or 80)
    far = Watcher(f"http://127.0.0.1:{line.port}", lesson.watcher.cookie, lesson.session)
    try:
        assert far.watching.wait(60)
        line.cut()
        wait_until(lambda: not far.watching.is_set(), "the page noticed")
        line.mend()
        mended = time.time()
        assert far.watching.wait(60)
        assert far.wait_for(lambda: any(captured > mended for captured, _ in far.rows.values()))
        assert time.time() - mended <= lesson.allowed_s()
        worker = lesson.processes()["web-worker"]
        before = resident_mb([worker])
        line.bytes_per_s = 50.0
        began = time.time()
        lesson.await_live(lesson.students, began + SLOW_S)
        assert resident_mb([worker]) - before < GROWN_MB
        assert max(missing(lesson, began, began + SLOW_S).values()) <= 1.5
    finally:
        line.close()
        far.close()


def test_a_gap_is_shown_as_a_gap(lesson: Lesson) -> None:
    outcome = kill(lesson, "capture-2")
    outcome.check()
    student = max(outcome.missing_s, key=lambda each: outcome.missing_s[each])
    asked = f"{lesson.system.address}/api/v1/sessions/{lesson.session}/students/{student}/timeline"
    shown = requests.get(asked, headers={"Cookie": lesson.watcher.cookie}, timeout=60).json()["seconds"]
    assert [row["second"] for row in shown] == lesson.stored(0.0)[student][: len(shown)], "nothing is made up"


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_many_faults(lesson: Lesson, small_disk: Path | None) -> None:
    """Faults in any order, ``ENGAGE_TEST_FAULTS`` of them (200): the figures of docs/reliability.md."""
    kinds = {f"kill {name}": partial(kill, lesson, name) for name in KILLED}
    file = lesson.database.file
    kinds["database locked"] = lambda: keep_from_writing(lesson, "database locked", lambda: locked(file), 5.0)
    if small_disk is not None:
        kinds["disk full"] = lambda: keep_from_writing(lesson, "disk full", lambda: full(small_disk, file), 5.0)
    kinds["database locked for 65 s"] = lambda: keep_from_writing(lesson, "long", lambda: locked(file), 65.0)
    seed = time.time_ns()
    chance = random.Random(seed)
    print(f"seed {seed}")
    outcomes: dict[str, list[Outcome]] = {name: [] for name in kinds}
    order = list(kinds)
    for number in range(int(os.environ.get("ENGAGE_TEST_FAULTS", "200"))):
        if not order:  # each once, in another order: one process killed again and again is made to wait, as it should
            order = chance.sample(list(kinds)[:-1], len(kinds) - 1)
        name = order.pop(0)
        outcome = kinds[name]()
        print(number, name, outcome, flush=True)
        outcomes[name].append(outcome)
        outcome.check()
        lesson.assert_told_is_stored()
    print(table(outcomes, lesson))


def table(outcomes: dict[str, list[Outcome]], lesson: Lesson) -> str:
    """Return the rows of docs/reliability.md."""
    rows = ["| fault | times | away, longest | live again after, median and longest | missing, longest |"]
    for name, these in outcomes.items():
        if not these:
            continue
        live = sorted(each.live_after_s for each in these)
        away, lost = max(each.outage_s for each in these), max(max(each.missing_s.values()) for each in these)
        middle = live[len(live) // 2]
        rows.append(f"| {name} | {len(these)} | {away:.1f} s | {middle:.1f} s, {live[-1]:.1f} s | {lost:.0f} s |")
    stored = sum(len(seconds) for seconds in lesson.stored(0.0).values())
    return "\n".join([*rows, f"{stored} seconds stored, none twice; none of those shown is lost"])
