"""The faults: each puts one into a running lesson, takes it away, and says what became of the lesson."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.faults.lesson import EDGE_S, MORE_THAN_THE_OUTAGE_S, PATIENCE_S, Lesson


@dataclass(frozen=True)
class Outcome:
    """What a fault did: how long it, or the process that it hit, was away; what was late, and what is missing."""

    fault: str
    outage_s: float
    live_after_s: float
    """From the end of the fault (of a kill: from the kill) until everybody was shown again."""
    allowed_s: float
    missing_s: dict[int, float]
    """The longest stretch without a stored second of each student, beyond what there is without any fault."""

    def hit(self) -> set[int]:
        """Return the students of whom anything is missing."""
        return {student for student, missing in self.missing_s.items() if missing > EDGE_S}

    def check(self) -> None:
        """Raise AssertionError unless the lesson was live again in time, and no more is missing than may be."""
        assert self.live_after_s <= self.allowed_s, f"{self.fault}: live after {self.live_after_s:.1f} s"
        most = max(self.missing_s.values(), default=0.0)
        assert most <= self.outage_s + MORE_THAN_THE_OUTAGE_S, (
            f"{self.fault}: {most:.1f} s are missing after an outage of {self.outage_s:.1f} s"
        )


def missing(lesson: Lesson, since: float, until: float) -> dict[int, float]:
    """Return what ``Outcome.missing_s`` says."""
    usual_s = max(1.0, lesson.healthy_gap_s)
    return {
        student: max(0.0, gap - usual_s)
        for student, gap in lesson.longest_gaps(since, until).items()
        if student in lesson.students
    }


def kill(lesson: Lesson, name: str) -> Outcome:
    """Kill -9 a process of the system and wait for the lesson to go on."""
    victim = lesson.processes()[name]
    supervised = name.removesuffix("-worker")
    starts = len(lesson.starts_of(supervised))
    before = len(lesson.system.tree())
    began = time.time()
    victim.kill()
    if name == supervised:
        wait_until(lambda: len(lesson.starts_of(supervised)) > starts, f"{name} is started again")
        outage_s = time.time() - began
    else:
        wait_until(lambda: not lesson.watcher.watching.is_set(), "the page noticed")
        wait_until(lesson.watcher.watching.is_set, "the page is back")
        outage_s = time.time() - began
    live_at = lesson.await_live(lesson.students, began)
    lesson.await_live(lesson.students, time.time())  # what came late has come
    if name.startswith("capture"):  # ready is its host; its cameras say themselves when they are back
        outage_s = max(outage_s, lesson.cameras_back(began) - began)
    wait_until(lambda: not victim.is_running() and len(lesson.system.tree()) == before, "as many processes as before")
    allowed_s = lesson.allowed_s(supervised)
    return Outcome(f"kill {name}", outage_s, live_at - began, allowed_s, missing(lesson, began - 4, live_at))


def keep_from_writing(lesson: Lesson, fault: str, hold: Callable[[], object], seconds: float) -> Outcome:
    """Enter ``hold()`` for ``seconds``, and wait for the lesson to go on; nothing may be missing."""
    with hold():  # type: ignore[attr-defined]
        began = time.time()
        wait_until(lambda: silent_s(lesson) > 2.0 + lesson.healthy_gap_s, f"{fault}: nothing is committed")
        time.sleep(max(0.0, seconds - (time.time() - began)))
    ended = time.time()
    live_at = lesson.await_live(lesson.students, ended - 1.0)
    lesson.await_live(lesson.students, time.time())
    lost = missing(lesson, began - 4, live_at)
    lesson.note("held back", ended - began)
    return Outcome(fault, 0.0, live_at - ended, lesson.allowed_s(), lost)


def silent_s(lesson: Lesson) -> float:
    """Return how long the page has been told nothing."""
    with lesson.watcher.news:
        return time.monotonic() - max(arrival for _, arrival in lesson.watcher.rows.values())


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold SQLite's write lock as another program would."""
    connection = sqlite3.connect(file, timeout=60, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def full(folder: Path, file: Path) -> Iterator[None]:
    """Fill the small file system that the database lies on, to the last byte."""
    connection = sqlite3.connect(file, timeout=60)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # or what its log holds in reserve would do for a while
    connection.close()
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as output:
        for size in (65536, 512, 1):
            try:
                while True:
                    output.write(os.urandom(size))
            except OSError:
                continue
    try:
        yield
    finally:
        filler.unlink()


def wait_until(fact: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait for something that is seen from outside only. Raises AssertionError when it does not come."""
    deadline = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s: {what}"
        time.sleep(0.02)


def resident_mb(processes: list[psutil.Process]) -> float:
    return sum(process.memory_info().rss for process in processes if process.is_running()) / 2**20
