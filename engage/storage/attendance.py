"""Who was there, as a person marks it. No camera writes or reads here."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, select

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.risk import Attendance
from engage.errors import RequestError
from engage.storage import audit, enrolling, roster
from engage.storage.database import Database
from engage.storage.insert import insert_new
from engage.storage.tables import AttendanceRow, ClassSession


class Register:
    """Marks and reads attendance; RequestError with a line for the page, StorageError where the database fails."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def of_session(self, session_id: int) -> dict[int, Attendance]:
        """Return what was marked in a session, by student; who is not in it was not marked."""
        query = select(AttendanceRow.student_id, AttendanceRow.state).where(AttendanceRow.session_id == session_id)
        with self._database.read() as session:
            return {student_id: Attendance(state) for student_id, state in session.execute(query)}

    def mark(self, session_id: int, marks: Mapping[int, Attendance | None], user_id: int | None) -> int:
        """Mark students of a session (None takes a mark away); return how many marks changed."""
        now = self._clock.now()
        with self._database.write() as session:
            enrolling.require(session, ClassSession, session_id, "session")
            strangers = set(marks) - {entry.student_id for entry in roster.of_session(session, session_id)}
            if strangers:
                raise RequestError("Somebody on this list was not in this session; reload the page.")
            mine = AttendanceRow.session_id == session_id
            found = {row.student_id: row.state for row in session.scalars(select(AttendanceRow).where(mine))}
            changed = {student: mark for student, mark in marks.items() if found.get(student) != mark}
            session.execute(delete(AttendanceRow).where(mine, AttendanceRow.student_id.in_(changed)))
            rows = [
                {
                    "session_id": session_id,
                    "student_id": student_id,
                    "state": mark.value,
                    "marked_by": user_id,
                    "marked_at": now,
                }
                for student_id, mark in changed.items()
                if mark is not None
            ]
            insert_new(session, AttendanceRow, rows)
            if changed:
                action = audit.Action("mark_attendance", "class_session", session_id, {"students": sorted(changed)})
                audit.record(session, now, user_id, action)
        return len(changed)
