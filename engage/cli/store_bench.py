"""``engage bench store``: what the write path bears on its own, and a naive way beside it."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from engage.cli.stored_lesson import VERSION, Lesson, samples_of
from engage.core.types import GestureEvent, Sample, ScoredSample
from engage.errors import StorageError
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import downgrade, upgrade
from engage.storage.naive import write_singly
from engage.storage.records import NewStudent, SessionRecord
from engage.storage.store import SqlStore
from engage.storage.throwaway import postgres

BATCHES = (50, 200, 1000)
MADE_UP = 60_000
"""How many samples are made up; then the same numbers come again, at later times."""
GESTURE_EVERY = 240
"""Samples between two gestures: each student makes one in four minutes."""
WAIT_S = 0.05
"""How long a batch may wait for more samples: as long as the collector lets it."""
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is measured: a class of ``students`` at 1 Hz, for ``seconds`` a measurement, by each size of batch."""

    students: int = 1000
    seconds: float = 20.0
    batches: Sequence[int] = BATCHES


Moment = tuple[ScoredSample, list[GestureEvent]]
"""A sample, and the gesture that ended with it, if any."""


def measure(url: str | None, own_postgres: bool, asked: Asked) -> dict[str, Any]:
    """Return the figures of every batch size and of the naive way, in the same database.

    It is a temporary SQLite file, a temporary PostgreSQL server, or ``url``: an empty database, which is empty again
    afterwards. StorageError where it is not empty.
    """
    with _database(url, own_postgres) as database:
        session, students = _lesson(database, asked.students)
        stream = _Stream(session, students)
        store = SqlStore(database)
        _write(store, stream.take(1))  # so that no figure holds the first connection
        naive = _naive(database, stream, asked.seconds)
        rows = {}
        for size in asked.batches:
            row = _flat_out(store, stream, size, asked.seconds)
            row["over_naive"] = round(row["samples_per_s"] / naive["samples_per_s"], 1)
            rows[str(size)] = {**row, **_paced(store, stream, size, asked)}
        return {
            "database": "sqlite" if database.sqlite else "postgresql",
            "students": asked.students,
            "seconds": asked.seconds,
            "naive": naive,
            "batches": rows,
            "sustained": all(row["sustained"] for row in rows.values()),
        }


@contextmanager
def _database(url: str | None, own_postgres: bool) -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as folder:
        if own_postgres:
            with postgres() as address, _with_tables(address.render_as_string(hide_password=False)) as database:
                yield database
            return
        with _with_tables(url or f"sqlite:///{folder}/engage.db") as database:
            yield database


@contextmanager
def _with_tables(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        database.open()
        if database.schema_state() != "empty":
            raise StorageError(f"The database {database.name} is in use; give an empty one to measure in.")
        upgrade(database)
        try:
            yield database
        finally:
            downgrade(database, "base")
    finally:
        database.close()


def _lesson(database: Database, students: int) -> tuple[SessionRecord, tuple[int, ...]]:
    classroom = Classroom(database)
    course = classroom.create_course("Bench", None)
    people = [classroom.create_student(course.id, NewStudent(f"Student {k}", minor=False)).id for k in range(students)]
    return classroom.start_session(course.id, None), tuple(people)


class _Stream:
    """Samples of the whole class, second by second, without end, with the gestures that fall between them."""

    def __init__(self, session: SessionRecord, students: tuple[int, ...]) -> None:
        lesson = Lesson(students, max(2, MADE_UP // len(students)))
        self._period = timedelta(seconds=lesson.seconds)
        self._samples = sorted(samples_of(session, lesson), key=lambda scored: scored.sample.second)
        self._endless = self._repeated()

    def take(self, count: int) -> list[Moment]:
        """Return the next ``count`` samples, with their gestures."""
        return list(itertools.islice(self._endless, count))

    def _repeated(self) -> Iterator[Moment]:
        numbers = itertools.count(1)
        for turn in itertools.count():
            for scored in self._samples:
                whole = _whole(scored, turn * self._period)
                yield whole, [] if next(numbers) % GESTURE_EVERY else [_nod(whole.sample)]


def _nod(seen: Sample) -> GestureEvent:
    began = seen.captured_at - timedelta(seconds=0.8)
    return GestureEvent(seen.session_id, seen.student_id, "nod", began, seen.captured_at, 0.8)


def _write(store: SqlStore, moments: Sequence[Moment]) -> None:
    store.write([scored for scored, _ in moments], [gesture for _, gestures in moments for gesture in gestures])


def _whole(scored: ScoredSample, later: timedelta) -> ScoredSample:
    """Return a sample at a later time, with all that a camera at a good distance tells."""
    seen = scored.sample
    moved = replace(seen, second=seen.second + int(later.total_seconds()), captured_at=seen.captured_at + later)
    if seen.expression is not None:
        moved = replace(moved, pitch_spread_deg=1.3, roll_deg=0.7, gaze_x=1.9, gaze_x_spread=0.6, gaze_y=-2.4)
        moved = replace(moved, gaze_y_spread=0.8, lids_closed_share=0.04, mouth_open_share=0.02)
    return replace(scored, sample=moved)


def _naive(database: Database, stream: _Stream, seconds: float) -> dict[str, Any]:
    """Return what one row and one commit at a time come to."""
    spent: list[float] = []
    while sum(spent) < seconds:
        for scored, _ in stream.take(20):
            began = time.perf_counter()
            write_singly(database, scored, VERSION)
            spent.append(time.perf_counter() - began)
    return {"samples_per_s": round(len(spent) / sum(spent), 1), **_percentiles(spent)}


def _flat_out(store: SqlStore, stream: _Stream, size: int, seconds: float) -> dict[str, Any]:
    """Return what batches of ``size`` come to, one after another; making the samples does not count."""
    spent: list[float] = []
    while sum(spent) < seconds:
        batch = stream.take(size)
        began = time.perf_counter()
        _write(store, batch)
        spent.append(time.perf_counter() - began)
    return {"samples_per_s": round(size * len(spent) / sum(spent), 1), **_percentiles(spent)}


def _paced(store: SqlStore, stream: _Stream, size: int, asked: Asked) -> dict[str, Any]:
    """Return whether the class's samples, as they come, are written in batches of at most ``size``: ``sustained``.

    On average the queue may be longer in the last quarter of the time than in the second by ``queue_may_grow``: a
    batch, or what comes in while a batch waits where that is more. So a queue that grows slowly counts as sustained
    in a short measurement; the longer it is, the less growth a second that allows.
    """
    coming = iter(stream.take(int(asked.students * asked.seconds) + 1))
    queue: list[tuple[float, int]] = []
    written, began = 0, time.perf_counter()
    while (now := time.perf_counter() - began) < asked.seconds:
        waiting = int(asked.students * now) - written
        queue.append((now, waiting))
        batch = list(itertools.islice(coming, min(size, waiting)))
        _write(store, batch)
        written += len(batch)
        if waiting < size:
            time.sleep(WAIT_S)
    quarter_s = asked.seconds / 4
    second, last = (_mean_queue(queue, n * quarter_s, (n + 1) * quarter_s) for n in (1, 3))
    may_grow = max(size, asked.students * WAIT_S)
    return {
        "queue_longest": max(waiting for _, waiting in queue),
        "queue_second_quarter": second,
        "queue_last_quarter": last,
        "queue_may_grow": may_grow,
        "sustained": last <= second + may_grow,
    }


def _mean_queue(queue: Sequence[tuple[float, int]], since: float, until: float) -> float:
    within = [waiting for at, waiting in queue if since <= at < until] or [queue[-1][1]]
    return round(sum(within) / len(within), 1)


def _percentiles(spent: Sequence[float]) -> dict[str, float]:
    values = np.percentile(np.array(spent) * 1000, PERCENTILES)
    return {f"commit_p{name}_ms": round(float(value), 2) for name, value in zip(PERCENTILES, values, strict=True)}
