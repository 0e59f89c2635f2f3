"""The at-risk list in the database: what the sessions say, the flags it raised, and what people decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.notices import Notice, NoticeKind
from engage.core.protocols import Clock
from engage.core.risk import Assessment, Attendance, Ground, Level, Term, assess
from engage.core.risk_settings import RiskSettings
from engage.core.types import Mode
from engage.errors import RequestError
from engage.storage import audit, enrolling, leases
from engage.storage.database import Database
from engage.storage.entries import TEXT_LENGTH, optional
from engage.storage.outbox import enqueue
from engage.storage.records import FlagRecord, FlagState, SessionState
from engage.storage.tables import (
    AttendanceRow,
    ClassSession,
    Course,
    Enrolment,
    RiskFlag,
    SessionRollup,
    Student,
)

JOB = "students at risk"
NIGHT_ENDS_H = 3
"""The hour, on the school's clocks, from which the day before is over and counted."""
LEASE_S = 600.0
LONGEST_TERM = 400
"""Sessions of a course that are looked at, the newest."""


def night_of(now: datetime, zone: tzinfo | None) -> str:
    """Return the date of the night that was over last, as ``2026-11-22``.

    By the wall clock of ``zone`` (this machine's where None), so that a night in which clocks change is one night.
    """
    return (now.astimezone(zone).replace(tzinfo=None) - timedelta(hours=NIGHT_ENDS_H)).date().isoformat()


class RiskList:
    """Reads and decides; RequestError with a line for the page, StorageError where the database fails."""

    def __init__(self, database: Database, settings: RiskSettings, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._settings = settings
        self._clock = clock or SystemClock()

    def assess(self, course_id: int, mode: Mode | None = Mode.FULL) -> list[Assessment]:
        """Return what can be said of each present student of a course now; without scores where ``mode`` has none."""
        with self._database.read() as session:
            return assess(_term(session, course_id, _scored(mode), self._settings), self._settings)

    def flags(self, course_id: int) -> list[FlagRecord]:
        """Return all flags of a course's students, open ones first, then the newest."""
        with self._database.read() as session:
            rows = session.scalars(select(RiskFlag).where(RiskFlag.course_id == course_id).order_by(*_NEWEST))
            flags = [_record(row) for row in rows]
        return sorted(flags, key=lambda flag: flag.state is not FlagState.OPEN)

    def student_flags(self, student_id: int) -> list[FlagRecord]:
        """Return all flags of a student, the newest first."""
        with self._database.read() as session:
            rows = session.scalars(select(RiskFlag).where(RiskFlag.student_id == student_id).order_by(*_NEWEST))
            return [_record(row) for row in rows]

    def review(self, zone: tzinfo | None, mode: Mode | None = Mode.FULL) -> int | None:
        """Raise flags for the night that is over; None where that is done or another process does it, else how many.

        Call it as often as you like, from as many processes as you like: each night counts once, also one in which no
        program ran. Flags and the night's end are committed together. ``mode`` is what policy allows now; drawings
        are exempt.
        """
        now = self._clock.now()
        period = night_of(now, zone)
        token = leases.claim(self._database, JOB, period, now, LEASE_S)
        if token is None:
            return None
        with self._database.read() as session:
            courses = session.execute(select(Course.id, Course.demo).where(Course.archived_at.is_(None))).all()
        found = {course_id: self.assess(course_id, Mode.FULL if demo else mode) for course_id, demo in courses}
        with self._database.write() as session:
            if not leases.complete(session, JOB, period, token):
                return None
            return sum(self._raise(session, course_id, found[course_id], now) for course_id in sorted(found))

    def decide(self, flag_id: int, course_id: int, state: FlagState, note: str | None, user_id: int) -> FlagRecord:
        """Confirm or dismiss an open flag and return it; a confirmed one is told to the course's staff."""
        now = self._clock.now()
        if state is FlagState.OPEN:
            raise RequestError("A flag is confirmed or dismissed; it cannot be opened again.")
        with self._database.write() as session:
            row = enrolling.require(session, RiskFlag, flag_id, "flag")
            if row.course_id != course_id:
                raise RequestError("There is no such flag in this course.")
            if row.state != FlagState.OPEN:
                raise RequestError(f"This flag was {row.state} already; reload the page.")
            row.state, row.decided_at, row.decided_by = state.value, now, user_id
            row.note = optional(note, "a note", TEXT_LENGTH)
            session.flush()
            audit.record(session, now, user_id, audit.Action(f"flag_{state.value}", "risk_flag", flag_id))
            if state is FlagState.CONFIRMED:
                link, key = f"/courses/{course_id}/risk", f"risk:{flag_id}:confirmed"
                enqueue(session, Notice(NoticeKind.RISK_FLAG, link, key, course_id), now)
            return _record(row)

    def _raise(self, session: Session, course_id: int, found: Sequence[Assessment], now: datetime) -> int:
        """Add a flag for whom one is called for, and bring open ones up to date; return how many are new."""
        flags = session.scalars(select(RiskFlag).where(RiskFlag.course_id == course_id).order_by(RiskFlag.id))
        newest = {flag.student_id: flag for flag in flags}
        here = set(session.scalars(select(Student.id).where(Student.id.in_([each.student_id for each in found]))))
        raised = 0
        for each in found:
            if each.level is None or each.student_id not in here:
                continue
            row = newest.get(each.student_id)
            grounds = [{"code": ground.code, "text": ground.text} for ground in each.grounds]
            if row is not None and row.state == FlagState.OPEN:
                row.level, row.reasons = each.level.value, grounds
            elif row is None or self._long_ago(session, row):
                session.add(_row(each, course_id, grounds, now))
                raised += 1
        return raised

    def _long_ago(self, session: Session, decided: RiskFlag) -> bool:
        """Return whether so many sessions went by since a person decided that the question may be asked again."""
        since = (*_ended(decided.course_id), ClassSession.started_at > decided.decided_at)
        count = session.scalar(select(func.count()).select_from(ClassSession).where(*since)) or 0
        return count >= self._settings.again_after_sessions


_NEWEST = (RiskFlag.raised_at.desc(), RiskFlag.id.desc())


def _ended(course_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return ClassSession.course_id == course_id, ClassSession.state == SessionState.ENDED.value


def _scored(mode: Mode | None) -> bool:
    return mode in (Mode.FULL, Mode.ATTENTION)


def _row(found: Assessment, course_id: int, grounds: list[dict[str, str]], now: datetime) -> RiskFlag:
    return RiskFlag(
        student_id=found.student_id,
        course_id=course_id,
        level=found.level.value if found.level else Level.LOOK.value,
        reasons=grounds,
        state=FlagState.OPEN.value,
        raised_at=now,
    )


def _record(row: RiskFlag) -> FlagRecord:
    return FlagRecord(
        id=row.id,
        student_id=row.student_id,
        course_id=row.course_id,
        level=Level(row.level),
        grounds=tuple(Ground(reason["code"], reason["text"]) for reason in row.reasons),
        state=FlagState(row.state),
        raised_at=row.raised_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        note=row.note,
    )


def _term(session: Session, course_id: int, scored: bool, settings: RiskSettings) -> Term:
    """Return the ended sessions of a course, as far as they are known of its present students."""
    here = Enrolment.course_id == course_id, Enrolment.ended_at.is_(None), Student.archived_at.is_(None)
    people = select(Student.id).join(Enrolment, Enrolment.student_id == Student.id).where(*here).order_by(Student.id)
    ended = _ended(course_id)
    newest = select(ClassSession.id).where(*ended).order_by(ClassSession.started_at.desc(), ClassSession.id.desc())
    student_ids = session.scalars(people).all()
    session_ids = list(reversed(session.scalars(newest.limit(LONGEST_TERM)).all()))
    row = {student_id: k for k, student_id in enumerate(student_ids)}
    column = {session_id: k for k, session_id in enumerate(session_ids)}
    shape = len(row), len(column)
    scores, marked, absent = np.full(shape, np.nan), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    sums = select(
        SessionRollup.student_id, SessionRollup.session_id, SessionRollup.scored_s, SessionRollup.score_sum
    ).join(ClassSession, ClassSession.id == SessionRollup.session_id)
    for student_id, session_id, scored_s, score_sum in session.execute(sums.where(*ended)) if scored else ():
        if scored_s >= settings.min_session_s and student_id in row and session_id in column:
            scores[row[student_id], column[session_id]] = score_sum / scored_s
    marks = select(AttendanceRow.student_id, AttendanceRow.session_id, AttendanceRow.state).join(
        ClassSession, ClassSession.id == AttendanceRow.session_id
    )
    for student_id, session_id, state in session.execute(marks.where(*ended)):
        if state != Attendance.EXCUSED and student_id in row and session_id in column:
            marked[row[student_id], column[session_id]] = True
            absent[row[student_id], column[session_id]] = state == Attendance.ABSENT
    return Term(tuple(student_ids), scores, marked, absent)
