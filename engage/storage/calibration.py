"""The step "look at your screen": where students look during it is their usual line of sight from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.gestures.kinds import GestureKind
from engage.core.protocols import Clock
from engage.core.types import GestureEvent
from engage.errors import RequestError
from engage.storage import audit, roster
from engage.storage.database import Database
from engage.storage.enrolling import require
from engage.storage.insert import insert_new
from engage.storage.records import SessionState
from engage.storage.rows import gesture_row
from engage.storage.tables import ClassSession, GestureRow

COUNTDOWN = timedelta(seconds=3)
"""From asking to looking. The collector asks for new steps every two seconds, and must know each before it begins."""
LENGTH = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class CalibrationStep:
    """Students who are asked to look at their screens from ``starts_at`` to ``ends_at``."""

    student_ids: tuple[int, ...]
    starts_at: datetime
    ends_at: datetime


def ask_to_look(
    database: Database,
    session_id: int,
    student_ids: Sequence[int],
    user_id: int | None = None,
    clock: Clock | None = None,
) -> CalibrationStep:
    """Store that students are to look at their screens, ``COUNTDOWN`` from now for ``LENGTH``, and return the step.

    Those who are being asked already are left out. RequestError, with a line for the page, where nobody remains, the
    session has ended, or a student is not in it. Whether a student's sight may be read is for the caller to know.
    ``clock`` is for tests.
    """
    with database.write() as session:
        lesson = require(session, ClassSession, session_id, "session")
        if lesson.state == SessionState.ENDED:
            raise RequestError("This session has ended.")
        now = (clock or SystemClock()).now()
        if not set(student_ids) <= {entry.student_id for entry in roster.of_session(session, session_id)}:
            raise RequestError("This student is not in this session.")
        asked = {row.student_id for row in _open(session, session_id, now)}
        students = tuple(student for student in dict.fromkeys(student_ids) if student not in asked)
        if not students:
            raise RequestError("They are being asked already." if asked else "There is nobody to ask.")
        step = CalibrationStep(students, now + COUNTDOWN, now + COUNTDOWN + LENGTH)
        insert_new(session, GestureRow, [gesture_row(event) for event in _events(session_id, step)])
        details = {"students": list(students)}
        audit.record(session, now, user_id, audit.Action("ask_to_look", "class_session", session_id, details))
        return step


def steps_under_way(database: Database, session_id: int, now: datetime) -> list[CalibrationStep]:
    """Return the steps of a session that are to come or under way at ``now``, by their start."""
    with database.read() as session:
        rows = _open(session, session_id, now)
    spans = sorted({(row.started_at, row.ended_at) for row in rows})
    return [
        CalibrationStep(tuple(row.student_id for row in rows if (row.started_at, row.ended_at) == span), *span)
        for span in spans
    ]


def _open(session: Session, session_id: int, now: datetime) -> list[GestureRow]:
    here = GestureRow.session_id == session_id, GestureRow.kind == GestureKind.CALIBRATION.value
    query = select(GestureRow).where(*here, GestureRow.ended_at > now).order_by(GestureRow.student_id)
    return list(session.scalars(query))


def _events(session_id: int, step: CalibrationStep) -> list[GestureEvent]:
    kind = GestureKind.CALIBRATION.value
    return [GestureEvent(session_id, student, kind, step.starts_at, step.ends_at, 1.0) for student in step.student_ids]
