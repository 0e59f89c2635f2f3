"""Samples counted up by minute and by session, and read again.

Whoever writes samples, scores or gestures also adds a *mark* (``marks_of``) in the same transaction.
``Rollups.update`` counts the marked minutes again, whole, and takes the marks away: late samples and new scoring
versions come right by themselves, and counting twice changes nothing.

Several processes may update at once. Counting happens in a read transaction, which holds nobody up. The write that
follows takes away exactly the marks that were seen before counting; where one of them is gone, another process has
counted since, with newer data, and this count is thrown away.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session

from engage.core.types import GestureEvent, Sample
from engage.storage import counting
from engage.storage.database import Database
from engage.storage.insert import insert_new
from engage.storage.records import MinuteRollup, SessionRollup
from engage.storage.tables import ClassSession, RollupMark, Student
from engage.storage.tables import MinuteRollup as MinuteRow
from engage.storage.tables import SessionRollup as SessionRow

MARKS_AT_ONCE = 5_000

log = logging.getLogger(__name__)


def marks_of(samples: Iterable[Sample], gestures: Iterable[GestureEvent]) -> list[dict[str, Any]]:
    """Return the rows of ``RollupMark`` that belong to these rows, one for each session and minute."""
    minutes = {(sample.session_id, sample.second // 60) for sample in samples}
    minutes |= {(gesture.session_id, counting.minute_of(gesture.started_at)) for gesture in gestures}
    return [{"session_id": session_id, "minute": minute} for session_id, minute in sorted(minutes)]


class Rollups:
    """Counts and reads. StorageError where the database fails; what does not exist is an empty list."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def update(self, session_id: int | None = None) -> int:
        """Count what was marked, in one session or in all; return how many minutes (of a student) were written.

        A report calls this for its session before it reads. One second for 90 minutes of 40 students.
        """
        return sum(self._update(each, newest) for each, newest in self._marked(session_id))

    def session_minutes(self, session_id: int, student_id: int | None = None) -> list[MinuteRollup]:
        """Return the minutes of a session (of one student), by student and time; minutes nobody looked are left out."""
        query = select(MinuteRow.student_id, MinuteRow.minute, *counting.tally_columns(MinuteRow)).where(
            MinuteRow.session_id == session_id
        )
        if student_id is not None:
            query = query.where(MinuteRow.student_id == student_id)
        with self._database.read() as session:
            rows = session.execute(query.order_by(MinuteRow.student_id, MinuteRow.minute)).all()
        return [MinuteRollup(row[0], row[1], counting.tally(row[2:])) for row in rows]

    def session_students(self, session_id: int) -> list[SessionRollup]:
        """Return what a session came to for each student that a camera saw, by student."""
        return self._read(SessionRow.session_id == session_id)

    def student_sessions(self, student_id: int) -> list[SessionRollup]:
        """Return what each session came to for a student, in order of time."""
        return self._read(SessionRow.student_id == student_id)

    def course_sessions(self, course_id: int) -> list[SessionRollup]:
        """Return what each session of a course came to for each student, in order of time, then by student."""
        return self._read(ClassSession.course_id == course_id)

    def _read(self, condition: Any) -> list[SessionRollup]:
        query = (
            select(SessionRow.session_id, SessionRow.student_id, *counting.tally_columns(SessionRow))
            .join(ClassSession, ClassSession.id == SessionRow.session_id)
            .where(condition)
            .order_by(ClassSession.started_at, SessionRow.session_id, SessionRow.student_id)
        )
        with self._database.read() as session:
            rows = session.execute(query).all()
        return [SessionRollup(row[0], row[1], counting.tally(row[2:])) for row in rows]

    def _marked(self, session_id: int | None) -> list[tuple[int, int]]:
        """Return the sessions with marks, each with its newest one."""
        query = select(RollupMark.session_id, func.max(RollupMark.id)).group_by(RollupMark.session_id)
        if session_id is not None:
            query = query.where(RollupMark.session_id == session_id)
        with self._database.read() as session:
            return [(each, newest) for each, newest in session.execute(query.order_by(RollupMark.session_id))]

    def _update(self, session_id: int, newest: int) -> int:
        """Count until no mark up to ``newest`` is left, or another process does; marks that come meanwhile wait."""
        written = 0
        while (count := self._update_once(session_id, newest)) is not None:
            written += count
        return written

    def _update_once(self, session_id: int, newest: int) -> int | None:
        """Return how many minutes were written, or None where nothing was marked or another process was quicker."""
        with self._database.read() as session:
            mine = RollupMark.session_id == session_id, RollupMark.id <= newest
            query = select(RollupMark.id, RollupMark.minute).where(*mine)
            marks = session.execute(query.order_by(RollupMark.id).limit(MARKS_AT_ONCE)).all()
            if not marks:
                return None
            found = {minute for _, minute in marks}
            minutes = None if None in found else sorted(minute for minute in found if minute is not None)
            counted = counting.count(session, session_id, minutes)
        with self._database.write() as session:
            taken = session.execute(delete(RollupMark).where(RollupMark.id.in_([mark for mark, _ in marks])))
            if not isinstance(taken, CursorResult) or taken.rowcount != len(marks):
                session.rollback()
                return None
            self._write(session, session_id, minutes, counted)
        return len(counted)

    def _write(
        self, session: Session, session_id: int, minutes: list[int] | None, counted: list[dict[str, Any]]
    ) -> None:
        """Replace the minutes and the sums of the session; students erased while we counted are left out.

        Where seconds were reduced to minutes there is nothing to count again: then minutes are only added.
        """
        reduced = session.scalar(select(ClassSession.reduced_at).where(ClassSession.id == session_id)) is not None
        for span in () if reduced else [None] if minutes is None else counting.spans(minutes):
            old = delete(MinuteRow).where(MinuteRow.session_id == session_id)
            session.execute(old if span is None else old.where(MinuteRow.minute.between(*span)))
        seen = {row["student_id"] for row in counted}
        here = set(session.scalars(select(Student.id).where(Student.id.in_(seen)).with_for_update(key_share=True)))
        insert_new(session, MinuteRow, [row for row in counted if row["student_id"] in here])
        session.execute(delete(SessionRow).where(SessionRow.session_id == session_id))
        insert_new(session, SessionRow, counting.session_sums(session, session_id))
