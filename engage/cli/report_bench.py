"""``engage bench report``: how long the report of a large stored session takes, as page and as each file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from engage.cli.stored_lesson import Lesson, store
from engage.core.types import Mode
from engage.reports.compose import compose
from engage.reports.content import Report
from engage.reports.formats import FORMATS, Choices
from engage.reports.gather import gather
from engage.reports.page import body
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import NewStudent, SessionRecord
from engage.storage.rollups import Rollups

REPEATS = 3


def measure(students: int, minutes: int) -> dict[str, Any]:
    """Return the seconds that page and files take: the medians of three runs, from a session counted at its end.

    ``first_count_s`` is what counting the samples took, which a job does while a session runs and at its end.
    """
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as folder:
        database = Database(f"sqlite:///{folder}/engage.db")
        database.open()
        try:
            upgrade(database)
            session = _stored(database, students, minutes)
            queries, rollups = Queries(database), Rollups(database)
            counted_s = _timed(lambda: rollups.update(session.id))

            def made() -> Report:
                return compose(gather(queries, rollups, session.id, Mode.FULL, datetime.now(UTC)))

            figures: dict[str, Any] = {
                "students": students,
                "minutes": minutes,
                "samples": students * minutes * 60,
                "first_count_s": round(counted_s, 3),
                "page_s": _median(lambda: body(made())),
            }
            for name, kind in FORMATS.items():
                figures[f"{name}_s"] = _median(lambda make=kind.make: make(made(), Choices()))  # type: ignore[misc]
            return figures
        finally:
            database.close()


class _Past:
    """A clock that stands at a moment in the past."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def _stored(database: Database, students: int, minutes: int) -> SessionRecord:
    clock = _Past(datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes))
    classroom = Classroom(database, clock)
    course = classroom.create_course("Bench", None)
    people = [classroom.create_student(course.id, NewStudent(f"Student {k}", minor=False)).id for k in range(students)]
    session = classroom.start_session(course.id, None)
    store(database, session, Lesson(tuple(people), minutes * 60))
    clock.at += timedelta(minutes=minutes / 2)
    classroom.add_marker(session.id, None, "Group work")
    clock.at += timedelta(minutes=minutes / 2)
    return classroom.end_session(session.id)


def _median(work: Callable[[], object]) -> float:
    return round(sorted(_timed(work) for _ in range(REPEATS))[REPEATS // 2], 3)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
