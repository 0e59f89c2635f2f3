"""What of a course may go to research: who is in it, and what their sessions and minutes came to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from engage.core.clock import SystemClock
from engage.core.policy import Jurisdiction, decide
from engage.core.protocols import Clock
from engage.core.tally import Tally
from engage.core.types import Mode
from engage.errors import RequestError
from engage.storage import audit, counting, enrolling
from engage.storage.database import Database
from engage.storage.records import SessionState
from engage.storage.rollups import Rollups
from engage.storage.roster import subjects
from engage.storage.tables import ClassSession, Course, MinuteRollup


@dataclass(frozen=True, slots=True)
class ResearchSession:
    """One ended session: when it began, and the minutes (Unix seconds // 60) of each student who may be in it."""

    id: int
    started_at: datetime
    ended_at: datetime
    minutes: dict[int, dict[int, Tally]]


def course_sessions(
    database: Database, course_id: int, jurisdiction: Jurisdiction | None, mode: Mode | None
) -> list[ResearchSession]:
    """Return a course's ended sessions in order of time, with the students whose Yes stands now (or who are drawn).

    RequestError where there is no such course.
    """
    Rollups(database).update()
    with database.read() as session:
        if session.get(Course, course_id) is None:
            raise RequestError(f"There is no course {course_id}; its number stands in the address of its page.")
        people = subjects(session, course_id)
        agreed = [number for number, subject in people.items() if decide(jurisdiction, mode, subject).allowed]
        columns = MinuteRollup.session_id, MinuteRollup.student_id, MinuteRollup.minute
        query = (
            select(*columns, *counting.tally_columns(MinuteRollup))
            .join(ClassSession, ClassSession.id == MinuteRollup.session_id)
            .where(ClassSession.course_id == course_id, MinuteRollup.student_id.in_(agreed))
        )
        minutes: defaultdict[int, defaultdict[int, dict[int, Tally]]] = defaultdict(lambda: defaultdict(dict))
        for session_id, student_id, minute, *sums in session.execute(query):
            minutes[session_id][student_id][minute] = counting.tally(sums)
        ended = select(ClassSession).where(
            ClassSession.course_id == course_id, ClassSession.state == SessionState.ENDED.value
        )
        lessons = session.scalars(ended.order_by(ClassSession.started_at, ClassSession.id))
        return [
            ResearchSession(
                lesson.id, lesson.started_at, lesson.ended_at or lesson.started_at, dict(minutes[lesson.id])
            )
            for lesson in lessons
        ]


def note_export(database: Database, course_id: int, counts: dict[str, int | bool], clock: Clock | None = None) -> None:
    """Leave a line in the audit log that a course's data was handed out for research."""
    now = (clock or SystemClock()).now()
    with database.write() as session:
        enrolling.require(session, Course, course_id, "course")
        audit.record(session, now, None, audit.Action("export_research", "course", course_id, dict(counts)))
