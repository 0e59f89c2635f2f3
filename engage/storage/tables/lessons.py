"""Courses, who teaches and attends them, sessions, and the cameras that look."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engage.core.timetable import RunState
from engage.core.types import SourceState
from engage.storage.records import SessionState, SourceKind
from engage.storage.tables.base import (
    OWN_IDS,
    Base,
    CourseId,
    Id,
    SessionId,
    StudentId,
    UserId,
    Word,
    not_blank,
    one_of,
)


class Course(Base):
    """A group of students."""

    __tablename__ = "courses"
    __table_args__ = (not_blank("title"), OWN_IDS)

    id: Mapped[Id]
    title: Mapped[str] = mapped_column(String(200))
    demo: Mapped[bool]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class CourseStaff(Base):
    """Who teaches a course."""

    __tablename__ = "course_staff"
    __table_args__ = (one_of("role", ("teacher", "co_teacher")),)

    course_id: Mapped[CourseId] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[Word]


class Enrolment(Base):
    """A student in a course, from ``enrolled_at`` until ``ended_at``."""

    __tablename__ = "enrolments"

    course_id: Mapped[CourseId] = mapped_column(primary_key=True)
    student_id: Mapped[StudentId] = mapped_column(primary_key=True, index=True)
    seat: Mapped[str | None] = mapped_column(String(32))
    enrolled_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SeatingPlan(Base):
    """The room of a course, where somebody has said how large it is; ``version`` counts every change of a seat."""

    __tablename__ = "seating_plans"
    __table_args__ = (CheckConstraint("n_rows > 0 AND n_columns > 0", name="size_possible"),)

    course_id: Mapped[CourseId] = mapped_column(primary_key=True)
    n_rows: Mapped[int]
    n_columns: Mapped[int]
    version: Mapped[int]


class LessonTime(Base):
    """When a course has its lesson: once on ``day``, or every week from then on until ``last_day``.

    ``minute`` of the day is on the school's clock, so that a lesson at nine stays at nine when the clocks change.
    """

    __tablename__ = "lesson_times"
    __table_args__ = (
        CheckConstraint("minute >= 0 AND minute < 1440", name="minute_range"),
        CheckConstraint("length_min > 0", name="length_given"),
        OWN_IDS,
    )

    id: Mapped[Id]
    course_id: Mapped[CourseId] = mapped_column(index=True)
    day: Mapped[date]
    minute: Mapped[int]
    length_min: Mapped[int]
    weekly: Mapped[bool]
    last_day: Mapped[date | None]
    title: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class LessonRun(Base):
    """What became of a planned lesson on one day; ``ends_at`` is when its session ends by itself, null for never."""

    __tablename__ = "lesson_runs"
    __table_args__ = (one_of("state", RunState), UniqueConstraint("session_id"))

    lesson_id: Mapped[int] = mapped_column(ForeignKey("lesson_times.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[Word]
    session_id: Mapped[SessionId | None]
    ends_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


class ClassSession(Base):
    """One lesson. A course has one running session at most."""

    __tablename__ = "class_sessions"
    __table_args__ = (
        one_of("state", SessionState),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_when"),
        Index(None, "course_id", "started_at"),
        Index(
            "uq_class_sessions_running",
            "course_id",
            unique=True,
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        OWN_IDS,
    )

    id: Mapped[Id]
    course_id: Mapped[CourseId]
    title: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    started_by: Mapped[UserId | None]
    state: Mapped[Word]
    reduced_at: Mapped[datetime | None]
    """When its seconds began to be reduced to minutes: from then on the minutes are never counted again."""


class Pause(Base):
    """A stretch of a session in which a student, or the class (``student_id`` null), was not looked at."""

    __tablename__ = "pauses"
    __table_args__ = (
        Index(
            "uq_pauses_open_class",
            "session_id",
            unique=True,
            sqlite_where=text("resumed_at IS NULL AND student_id IS NULL"),
            postgresql_where=text("resumed_at IS NULL AND student_id IS NULL"),
        ),
        Index(
            "uq_pauses_open_student",
            "session_id",
            "student_id",
            unique=True,
            sqlite_where=text("resumed_at IS NULL AND student_id IS NOT NULL"),
            postgresql_where=text("resumed_at IS NULL AND student_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    session_id: Mapped[SessionId] = mapped_column(index=True)
    student_id: Mapped[StudentId | None]
    paused_at: Mapped[datetime]
    resumed_at: Mapped[datetime | None]
    paused_by: Mapped[UserId | None]


class Source(Base):
    """A camera or stream of one student, or of one course. A student has one enabled source at most."""

    __tablename__ = "sources"
    __table_args__ = (
        one_of("kind", SourceKind),
        not_blank("address"),
        CheckConstraint("(student_id IS NULL) <> (course_id IS NULL)", name="one_owner"),
        Index(
            "uq_sources_enabled_student",
            "student_id",
            unique=True,
            sqlite_where=text("enabled"),
            postgresql_where=text("enabled"),
        ),
        OWN_IDS,
    )

    id: Mapped[Id]
    student_id: Mapped[StudentId | None] = mapped_column(index=True)
    course_id: Mapped[CourseId | None] = mapped_column(index=True)
    kind: Mapped[Word]
    address: Mapped[str] = mapped_column(Text)
    """Without user name and password."""
    credentials: Mapped[str | None] = mapped_column(Text)
    """``user:password`` as it stood in the address; never shown."""
    enabled: Mapped[bool]
    created_at: Mapped[datetime]

    def __repr__(self) -> str:
        """Return the row without its credentials."""
        return f"Source(id={self.id}, kind={self.kind!r})"


class SourceEvent(Base):
    """A change of a source's state: where there are no samples, this says why."""

    __tablename__ = "source_events"
    __table_args__ = (
        one_of("state", SourceState),
        UniqueConstraint("session_id", "source_id", "student_id", "at", "state"),
    )

    id: Mapped[Id]
    session_id: Mapped[SessionId]
    source_id: Mapped[int]
    student_id: Mapped[StudentId | None]
    state: Mapped[Word]
    at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(Text)
