"""A long day: lessons begin and end, pages come and go, and nothing grows."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from engage.storage.classroom import Classroom
from tests.faults.injected import wait_until
from tests.faults.lesson import Lesson, Watcher, running_lesson

pytestmark = pytest.mark.faults

PAGES = 3
SLOW_RATE = {"rate_fps": 0.5, "crowded_rate_fps": 0.5}
"""Frames a second of each student: drawing thirty costs more than looking at them, and leaks do not mind."""


@dataclass(frozen=True)
class Limits:
    """By how much a process may be larger in the last third of the lessons than in the third before."""

    memory_share: float = 0.05
    memory_mb: float = 12.0
    handles: float = 6.0
    threads: float = 4.0


@dataclass
class Marks:
    """What was measured between lessons, per process: MB, file handles, threads; and how late pages were told."""

    memory_mb: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    handles: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    threads: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    late_s: list[float] = field(default_factory=list)
    seconds: int = 0

    def take(self, lesson: Lesson) -> None:
        """Measure all processes of the system."""
        for name, process in {"supervisor": lesson.system.process, **lesson.processes()}.items():
            with process.oneshot():
                self.memory_mb[name].append(process.memory_info().rss / 2**20)
                self.handles[name].append(process.num_fds())
                self.threads[name].append(process.num_threads())

    def growth(self) -> dict[str, dict[str, float]]:
        """Return by how much each process grew from the middle third to the last, by the medians."""
        return {
            name: {
                "memory_mb": round(_grown(self.memory_mb[name]), 1),
                "of_mb": round(statistics.median(self.memory_mb[name]), 1),
                "handles": _grown(self.handles[name]),
                "threads": _grown(self.threads[name]),
            }
            for name in self.memory_mb
        }

    def check(self, limits: Limits) -> None:
        """Raise AssertionError where something grows."""
        for name, grown in self.growth().items():
            most_mb = limits.memory_mb + limits.memory_share * grown["of_mb"]
            assert grown["memory_mb"] <= most_mb, f"{name} grows: {self.memory_mb[name]}"
            assert grown["handles"] <= limits.handles, f"{name} keeps file handles: {self.handles[name]}"
            assert grown["threads"] <= limits.threads, f"{name} keeps threads: {self.threads[name]}"
        assert _grown(self.late_s) <= max(2.0, statistics.median(self.late_s)), f"queues grow: {self.late_s}"


def _grown(values: list[float]) -> float:
    third = max(1, len(values) // 3)
    return statistics.median(values[-third:]) - statistics.median(values[-2 * third : -third] or values[:1])


def soak(lesson: Lesson, course: int, seconds: float, lesson_s: float) -> Marks:
    """Hold lessons of ``lesson_s`` with pages that come and go, for ``seconds``; measure after each."""
    marks, ends = Marks(), time.monotonic() + seconds
    lesson.watcher.close()
    Classroom(lesson.database).end_session(lesson.session)
    while time.monotonic() < ends or len(marks.late_s) < 6:
        lesson.session = Classroom(lesson.database).start_session(course, None).id
        with ExitStack() as pages:
            lesson.watcher = open_page(lesson, pages)
            lesson.await_live(lesson.students, 0.0, 240.0)
            began = time.monotonic()
            for number in range(PAGES):
                with ExitStack() as page:
                    open_page(lesson, page)
                    for path in ("", f"sessions/{lesson.session}", f"api/v1/sessions/{lesson.session}/timeline"):
                        look(lesson, path)
                    time.sleep(max(0.0, began + (number + 1) * lesson_s / PAGES - time.monotonic()))
            marks.late_s.append(late_s(lesson))
            lesson.assert_told_is_stored()
        Classroom(lesson.database).end_session(lesson.session)
        look(lesson, f"sessions/{lesson.session}/report")
        marks.seconds += sum(len(each) for each in lesson.stored(0.0).values())
        wait_until(lambda: sockets(lesson) == 0, "all pages are gone")
        marks.take(lesson)
    return marks


def open_page(lesson: Lesson, until: ExitStack) -> Watcher:
    page = Watcher(lesson.system.address, lesson.watcher.cookie, lesson.session)
    until.callback(page.close)
    assert page.watching.wait(120)
    return page


def look(lesson: Lesson, path: str) -> None:
    answer = requests.get(
        f"{lesson.system.address}/{path}", headers={"Cookie": lesson.watcher.cookie}, timeout=120, allow_redirects=True
    )
    assert answer.status_code == 200, (path, answer.status_code)


def sockets(lesson: Lesson) -> float:
    text = requests.get(f"{lesson.system.address}/metrics", timeout=60).text
    return float(next(line for line in text.splitlines() if line.startswith("engage_sockets ")).split()[1])


def late_s(lesson: Lesson) -> float:
    """Return how long after its capture a second was shown, by the median of this lesson: what waits in queues."""
    ahead = time.time() - time.monotonic()
    with lesson.watcher.news:
        late = [arrival + ahead - captured for captured, arrival in lesson.watcher.rows.values()]
    return round(statistics.median(late), 2)


def run(home: Path, students: int, seconds: float, lesson_s: float) -> Marks:
    with running_lesson(home, f"sqlite:///{home}/engage.db", count=students, capture=SLOW_RATE) as lesson:
        before = len(lesson.system.tree())
        course = lesson.course
        marks = soak(lesson, course, seconds, lesson_s)
        figures = {
            "students": students, "seconds": seconds, "lessons": len(marks.late_s), "stored": marks.seconds,
            "late_s": [min(marks.late_s), statistics.median(marks.late_s), max(marks.late_s)], "grown": marks.growth(),
        }  # fmt: skip
        print(json.dumps(figures, indent=1))
        assert len(lesson.system.tree()) == before, "a process leaks"
        assert "GIVEN UP" not in lesson.said()
        return marks


@pytest.mark.timeout(400)
def test_a_minute_of_lessons_leaves_nothing_behind(tmp_path: Path) -> None:
    run(tmp_path, 5, 45.0, 3.0).check(Limits())


@pytest.mark.nightly
@pytest.mark.timeout(4 * 3600)
def test_an_hour_of_lessons_leaves_nothing_behind(tmp_path: Path) -> None:
    """``ENGAGE_TEST_SOAK_S`` (3600) seconds with thirty students."""
    run(tmp_path, 30, float(os.environ.get("ENGAGE_TEST_SOAK_S", "3600")), 20.0).check(Limits())


def test_growth_is_seen() -> None:
    """A process that keeps a little of each lesson is found out."""
    marks = Marks(late_s=[0.5] * 30)
    for number in range(30):
        marks.memory_mb["web"].append(100.0 + 2.5 * number)
        marks.handles["web"].append(40)
        marks.threads["web"].append(70)
    with pytest.raises(AssertionError, match="web grows"):
        marks.check(Limits())
    marks.memory_mb["web"] = [100.0 + number % 3 for number in range(30)]
    marks.check(Limits())
    marks.handles["web"] = [40.0 + number for number in range(30)]
    with pytest.raises(AssertionError, match="file handles"):
        marks.check(Limits())
