"""The read side: what pages, the supervisor and reports ask for. Each method is one read transaction."""

from __future__ import annotations

from engage.core.types import ScoredSample, SourceStatus
from engage.storage.database import Database
from engage.storage.records import (
    ClassSecond,
    CourseRecord,
    MarkerRecord,
    PlannedSource,
    RosterEntry,
    SessionRecord,
)


class Queries:
    """Reads; raises StorageError where the database fails. What does not exist is None, False or an empty list."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def courses_for(self, user_id: int) -> list[CourseRecord]:
        """Return the courses a user may see, by title: all for an administrator, a teacher's own; archived ones not."""
        raise NotImplementedError

    def course(self, course_id: int) -> CourseRecord | None:
        """Return a course, archived or not."""
        raise NotImplementedError

    def may_see_course(self, user_id: int, course_id: int) -> bool:
        """Return whether the user is an active administrator, or an active teacher of this course."""
        raise NotImplementedError

    def may_see_session(self, user_id: int, session_id: int) -> bool:
        """Return ``may_see_course`` for the session's course."""
        raise NotImplementedError

    def students(self, course_id: int) -> list[RosterEntry]:
        """Return a course's students by name, archived ones not; ``paused`` is False."""
        raise NotImplementedError

    def sessions(self, course_id: int, limit: int = 100) -> list[SessionRecord]:
        """Return a course's sessions, the newest first."""
        raise NotImplementedError

    def session(self, session_id: int) -> SessionRecord | None:
        """Return a session."""
        raise NotImplementedError

    def running_sessions(self) -> list[SessionRecord]:
        """Return all running sessions, the oldest first."""
        raise NotImplementedError

    def roster(self, session_id: int) -> list[RosterEntry]:
        """Return the students of a session by name: those enrolled while it ran."""
        raise NotImplementedError

    def capture_plan(self) -> list[PlannedSource]:
        """Return the students' sources of all running sessions, with the newest consent of each; one cheap query.

        Sources of a whole course are not in it: whose face is whose must be known before the gate can answer.
        """
        raise NotImplementedError

    def samples_since(
        self, session_id: int, since_second: int, until_second: int | None = None, limit: int = 50_000
    ) -> list[ScoredSample]:
        """Return samples of ``since_second <= second < until_second`` in order of capture, oldest first.

        Each with the score of its newest scoring version. ``until_second`` None means to the end.
        """
        raise NotImplementedError

    def latest_statuses(self, session_id: int) -> list[SourceStatus]:
        """Return the newest state of each source that has reported one in this session."""
        raise NotImplementedError

    def timeline(self, session_id: int, since_second: int = 0) -> list[ClassSecond]:
        """Return the class at each second with a sample from ``since_second`` on."""
        raise NotImplementedError

    def markers(self, session_id: int) -> list[MarkerRecord]:
        """Return the notes of a session in order of time."""
        raise NotImplementedError
