"""The read side: what pages, the supervisor and reports ask for. Each method is one read transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from engage.core.gestures.kinds import GestureKind
from engage.core.types import GestureEvent, Sample, ScoredSample, SourceStatus
from engage.storage import roster, shared, timeline
from engage.storage.database import Database
from engage.storage.entities import marker_record
from engage.storage.entries import possible, second
from engage.storage.records import (
    ClassSecond,
    CourseRecord,
    MarkerRecord,
    PlannedSource,
    Role,
    RosterEntry,
    SessionRecord,
)
from engage.storage.rows import SAMPLE_COLUMNS, SCORED_COLUMNS, gesture_event, sample, scored_sample, source_status
from engage.storage.selects import (
    course_record,
    courses,
    newest_score,
    running,
    same_sample,
    session_record,
    sessions,
)
from engage.storage.shared import SharedSource
from engage.storage.tables import (
    ClassSession,
    Course,
    CourseStaff,
    GestureRow,
    Marker,
    SampleRow,
    ScoreRow,
    ScoringVersion,
    SourceEvent,
    User,
)


class Queries:
    """Reads; raises StorageError where the database fails. What does not exist is None, False or an empty list."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def courses_for(self, user_id: int) -> list[CourseRecord]:
        """Return the courses a user may see, by title: all for an administrator, a teacher's own; archived ones not."""
        with self._database.read() as session:
            user = _active_staff(session, user_id)
            if user is None:
                return []
            query = courses().where(Course.archived_at.is_(None)).order_by(Course.title, Course.id)
            if user.role != Role.ADMIN:
                query = query.where(_taught_by(user_id))
            return [course_record(*row) for row in session.execute(query)]

    def course(self, course_id: int) -> CourseRecord | None:
        """Return a course, archived or not."""
        if not possible(course_id):
            return None
        with self._database.read() as session:
            row = session.execute(courses().where(Course.id == course_id)).first()
            return None if row is None else course_record(*row)

    def may_see_course(self, user_id: int, course_id: int) -> bool:
        """Return whether the user is an active administrator, or an active teacher of this course."""
        if not possible(course_id):
            return False
        with self._database.read() as session:
            return _may_see(session, user_id, select(Course.id).where(Course.id == course_id))

    def may_see_session(self, user_id: int, session_id: int) -> bool:
        """Return ``may_see_course`` for the session's course."""
        if not possible(session_id):
            return False
        with self._database.read() as session:
            return _may_see(session, user_id, select(ClassSession.course_id).where(ClassSession.id == session_id))

    def teaches(self, user_id: int, session_id: int) -> bool:
        """Return whether the user is an active teacher of the session's course; being administrator is not enough."""
        if not possible(session_id):
            return False
        with self._database.read() as session:
            lesson = session.get(ClassSession, session_id)
            if lesson is None or _active_staff(session, user_id) is None:
                return False
            return session.get(CourseStaff, (lesson.course_id, user_id)) is not None

    def attends(self, student_id: int | None, session_id: int) -> bool:
        """Return whether the student was enrolled in the session's course while the session ran."""
        return any(entry.student_id == student_id for entry in self.roster(session_id))

    def students(self, course_id: int) -> list[RosterEntry]:
        """Return a course's students by name, archived ones not; ``paused`` is False."""
        with self._database.read() as session:
            return roster.of_course(session, course_id)

    def sessions(self, course_id: int, limit: int = 100) -> list[SessionRecord]:
        """Return a course's sessions, the newest first."""
        with self._database.read() as session:
            newest = ClassSession.started_at.desc(), ClassSession.id.desc()
            query = sessions().where(ClassSession.course_id == course_id).order_by(*newest).limit(limit)
            return [session_record(*row) for row in session.execute(query)]

    def session(self, session_id: int) -> SessionRecord | None:
        """Return a session."""
        if not possible(session_id):
            return None
        with self._database.read() as session:
            row = session.execute(sessions().where(ClassSession.id == session_id)).first()
            return None if row is None else session_record(*row)

    def running_sessions(self) -> list[SessionRecord]:
        """Return all running sessions, the oldest first."""
        with self._database.read() as session:
            query = sessions().where(running(ClassSession)).order_by(ClassSession.started_at, ClassSession.id)
            return [session_record(*row) for row in session.execute(query)]

    def roster(self, session_id: int) -> list[RosterEntry]:
        """Return the students of a session by name: those enrolled while it ran."""
        if not possible(session_id):
            return []
        with self._database.read() as session:
            return roster.of_session(session, session_id)

    def capture_plan(self) -> list[PlannedSource]:
        """Return the students' sources of all running sessions, with the newest consent of each; one cheap query.

        Sources of a whole course are not in it: whose face is whose must be known before the gate can answer.
        """
        with self._database.read() as session:
            return roster.planned(session)

    def shared_plan(self) -> list[SharedSource]:
        """Return the courses' sources of all running sessions, in whose pictures teachers name students."""
        with self._database.read() as session:
            return shared.planned(session)

    def samples_since(
        self, session_id: int, since_second: int, until_second: int | None = None, limit: int = 50_000
    ) -> list[ScoredSample]:
        """Return samples of ``since_second <= second < until_second`` in order of capture, oldest first.

        Each with the score of its newest scoring version. ``until_second`` None means to the end.
        """
        query = (
            select(*SCORED_COLUMNS)
            .join(ScoreRow, same_sample())
            .join(ScoringVersion, ScoringVersion.id == ScoreRow.scoring_version_id)
            .where(SampleRow.session_id == session_id, SampleRow.second >= second(since_second), newest_score())
            .order_by(SampleRow.captured_at, SampleRow.student_id)
            .limit(limit)
        )
        if until_second is not None:
            query = query.where(SampleRow.second < second(until_second))
        with self._database.read() as session:
            return [scored_sample(row) for row in session.execute(query)]

    def student_samples(self, session_id: int, student_id: int) -> list[Sample]:
        """Return all samples of a student in a session, in order of capture: what the scorer is fed again."""
        query = (
            select(*SAMPLE_COLUMNS)
            .where(SampleRow.session_id == session_id, SampleRow.student_id == student_id)
            .order_by(SampleRow.captured_at, SampleRow.second)
        )
        with self._database.read() as session:
            return [sample(row) for row in session.execute(query)]

    def student_gestures(self, session_id: int, student_id: int) -> list[GestureEvent]:
        """Return all gestures of a student in a session, by their start: what the scorer is fed again."""
        return self._gestures(GestureRow.session_id == session_id, GestureRow.student_id == student_id)

    def gestures_between(self, session_id: int, since: datetime, until: datetime) -> list[GestureEvent]:
        """Return all gestures of a session that ended in ``since <= ended_at < until``, by their start."""
        ended = GestureRow.ended_at >= since, GestureRow.ended_at < until
        return self._gestures(GestureRow.session_id == session_id, *ended)

    def past(self, session_id: int, student_id: int) -> tuple[list[Sample], list[GestureEvent]]:
        """Return all samples and gestures of a student in a session: what the scorer goes on from."""
        return self.student_samples(session_id, student_id), self.student_gestures(session_id, student_id)

    def calibrations_since(self, ended_since: datetime) -> list[GestureEvent]:
        """Return the calibration steps of running sessions that end at ``ended_since`` or later, by their start."""
        sessions = select(ClassSession.id).where(running(ClassSession))
        return self._gestures(
            GestureRow.session_id.in_(sessions),
            GestureRow.kind == GestureKind.CALIBRATION.value,
            GestureRow.ended_at >= ended_since,
        )

    def _gestures(self, *conditions: ColumnElement[bool]) -> list[GestureEvent]:
        query = select(GestureRow).where(*conditions).order_by(GestureRow.started_at, GestureRow.kind)
        with self._database.read() as session:
            return [gesture_event(row) for row in session.scalars(query)]

    def latest_statuses(self, session_id: int) -> list[SourceStatus]:
        """Return the newest state of each source that has reported one in this session."""
        event = SourceEvent
        newest_first = func.row_number().over(
            partition_by=(event.source_id, event.student_id), order_by=(event.at.desc(), event.id.desc())
        )
        ranked = select(event.id, newest_first.label("rank")).where(event.session_id == session_id).subquery()
        query = select(event).join(ranked, ranked.c.id == event.id).where(ranked.c.rank == 1).order_by(event.source_id)
        with self._database.read() as session:
            return [source_status(row) for row in session.scalars(query)]

    def timeline(self, session_id: int, since_second: int = 0) -> list[ClassSecond]:
        """Return the class at each second with a sample from ``since_second`` on."""
        with self._database.read() as session:
            n_students = len(roster.of_session(session, session_id))
            return timeline.of_session(session, session_id, second(since_second), n_students)

    def markers(self, session_id: int) -> list[MarkerRecord]:
        """Return the notes of a session in order of time."""
        query = select(Marker).where(Marker.session_id == session_id).order_by(Marker.at, Marker.id)
        with self._database.read() as session:
            return [marker_record(row) for row in session.scalars(query)]


def _active_staff(session: Session, user_id: int) -> User | None:
    """Return the user where active and not a student."""
    user = session.get(User, user_id)
    return user if user is not None and user.active and user.role != Role.STUDENT else None


def _taught_by(user_id: int) -> ColumnElement[bool]:
    return exists().where(CourseStaff.course_id == Course.id, CourseStaff.user_id == user_id)


def _may_see(session: Session, user_id: int, course_ids: Select[int]) -> bool:
    user = _active_staff(session, user_id)
    course_id = session.scalar(course_ids)
    if user is None or course_id is None:
        return False
    return user.role == Role.ADMIN or session.get(CourseStaff, (course_id, user_id)) is not None
