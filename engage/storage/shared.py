"""Pictures with many people in them: which are looked at, and who may be named in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.shared import Nameable
from engage.core.types import Origin, SourceState
from engage.errors import RequestError
from engage.storage import audit, roster
from engage.storage.database import Database
from engage.storage.enrolling import require
from engage.storage.entries import possible
from engage.storage.records import SessionState, SourceKind
from engage.storage.selects import AnySelect, running
from engage.storage.tables import ClassSession, Source, SourceEvent

WINDOW = "window:"
"""The address of the window that a course's teacher shares; there is nothing to tell apart by it."""


@dataclass(frozen=True, slots=True)
class SharedSource:
    """A course's source in a running session. ``origin`` has no student; ``address`` may hold a password."""

    origin: Origin
    kind: SourceKind
    address: str = field(repr=False)


def planned(session: Session) -> list[SharedSource]:
    """Return the enabled sources of the courses whose sessions run, the oldest first."""
    return [_shared(session_id, source) for session_id, source in session.execute(_plan())]


@cache
def _plan() -> AnySelect:
    return (
        select(ClassSession.id, Source)
        .join(Source, Source.course_id == ClassSession.course_id)
        .where(running(ClassSession), Source.enabled)
        .order_by(ClassSession.id, Source.id)
    )


class SharedSources:
    """RequestError, with a line for the page, where something may not be; StorageError where the database fails."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    def window(self, session_id: int, user_id: int) -> Origin:
        """Return the origin of the session's shared window, made where it was never shared before."""
        with self._database.write() as session:
            lesson = require(session, ClassSession, session_id, "session")
            if lesson.state != SessionState.RUNNING:
                raise RequestError("This session has ended.")
            source = session.scalar(
                select(Source).where(Source.course_id == lesson.course_id, Source.kind == SourceKind.WINDOW.value)
            )
            now = self._clock.now()
            if source is None:
                source = Source(
                    course_id=lesson.course_id,
                    kind=SourceKind.WINDOW.value,
                    address=WINDOW,
                    enabled=True,
                    created_at=now,
                )
                session.add(source)
                session.flush()
            source.enabled = True  # a new fixed camera switches a course's other sources off
            details = {"session": session_id}
            audit.record(session, now, user_id, audit.Action("share_window", "source", source.id, details))
            return Origin(session_id, source.id, 0)

    def of_session(self, session_id: int) -> list[SharedSource]:
        """Return the pictures with many people of one running session, a shared window first."""
        with self._database.read() as session:
            here = [source for source in planned(session) if source.origin.session_id == session_id]
        return sorted(here, key=lambda source: source.kind is not SourceKind.WINDOW)

    def people(self, session_id: int) -> list[Nameable]:
        """Return the students of a running session by name; nobody where it does not run."""
        if not possible(session_id):
            return []
        with self._database.read() as session:
            lesson = session.get(ClassSession, session_id)
            if lesson is None or lesson.state != SessionState.RUNNING:
                return []
            own = _live_sources(session, session_id)
            return [
                Nameable(entry.student_id, entry.name, entry.seat, entry.subject, entry.paused, entry.source_id in own)
                for entry in roster.of_session(session, session_id)
            ]

    def note(self, origin: Origin, user_id: int, named: bool) -> None:
        """Leave in the audit log that a student was named in a picture, or the name taken off (0: all names)."""
        with self._database.write() as session:
            action = "name_face" if named else "unname_face"
            details = {"session": origin.session_id, "student": origin.student_id or None}
            audit.record(session, self._clock.now(), user_id, audit.Action(action, "source", origin.source_id, details))


def _live_sources(session: Session, session_id: int) -> set[int]:
    """Return the students' own sources whose newest state in this session is live."""
    query = (
        select(SourceEvent.source_id, SourceEvent.state)
        .join(Source, Source.id == SourceEvent.source_id)
        .where(SourceEvent.session_id == session_id, Source.student_id.is_not(None), Source.enabled)
        .order_by(SourceEvent.at, SourceEvent.id)
    )
    newest: dict[int, str] = {}
    for source_id, state in session.execute(query):
        newest[source_id] = state
    return {source_id for source_id, state in newest.items() if state == SourceState.LIVE.value}


def _shared(session_id: int, source: Source) -> SharedSource:
    return SharedSource(Origin(session_id, source.id, 0), SourceKind(source.kind), source.credentials or source.address)
