"""The material of a report, read from the database: minutes counted up, never single samples."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from engage.core.tally import Tally, total
from engage.core.types import Mode
from engage.errors import RequestError
from engage.reports.content import COMPARED_SESSIONS, Material, PastSession
from engage.storage.queries import Queries
from engage.storage.records import SessionRecord
from engage.storage.rollups import Rollups

LOOKED_BACK = 30
"""How many sessions are looked at to find ``COMPARED_SESSIONS`` with scores."""
SESSIONS_LISTED = 10_000
"""More than a course ever has: an old session is compared with those before it."""


def shown_mode(session: SessionRecord, capped: Mode | None) -> Mode:
    """Return what a report of the session may show: all of drawn students, else what policy allows now.

    ``capped`` is None while the questions of first run are open: then it is presence.
    """
    return Mode.FULL if session.demo else capped or Mode.PRESENCE


def gather(queries: Queries, rollups: Rollups, session_id: int, mode: Mode, now: datetime) -> Material:
    """Return what is stored of a session, up to the last committed sample; what was not yet counted is counted first.

    ``mode`` is what may be shown (``shown_mode``). RequestError where there is no such session.
    """
    session = queries.session(session_id)
    if session is None:
        raise RequestError(f"There is no session {session_id}.")
    rollups.update(session_id)
    minutes: defaultdict[int, dict[int, Tally]] = defaultdict(dict)
    for found in rollups.session_minutes(session_id):
        minutes[found.student_id][found.minute] = found.tally
    return Material(
        session=session,
        mode=mode,
        roster=queries.roster(session_id),
        minutes=minutes,
        markers=queries.markers(session_id),
        earlier=_earlier(queries, rollups, session),
        now=now,
    )


def _earlier(queries: Queries, rollups: Rollups, session: SessionRecord) -> list[PastSession]:
    """Return the course's ended sessions before this one that hold enough to compare with, the newest first."""
    before = [
        past
        for past in queries.sessions(session.course_id, SESSIONS_LISTED)
        if past.ended_at is not None and (past.started_at, past.id) < (session.started_at, session.id)
    ]
    found: list[PastSession] = []
    for past in before[:LOOKED_BACK]:
        candidate = PastSession(past, total(part.tally for part in rollups.session_students(past.id)))
        if candidate.comparable:
            found.append(candidate)
        if len(found) == COMPARED_SESSIONS:
            break
    return found
