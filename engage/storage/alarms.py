"""The collector's alarms: the rules of all running sessions, played on what was just committed, and what they store.

A firing is one row: it is named by session, student, rule and the time of capture at which it began. The rules' state
is not stored: after a restart it is made again from the stored samples, and what fires then is the row that fires.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engage.core.notices import Notice, NoticeKind
from engage.core.rules import RuleName, SessionRules
from engage.core.types import ScoredSample, SourceStatus
from engage.core.updates import AlertEvent, AlertState
from engage.errors import StorageError
from engage.storage.alerts import alert_event, rules_of, whom
from engage.storage.database import Database
from engage.storage.insert import insert_new
from engage.storage.outbox import enqueue
from engage.storage.records import SessionState
from engage.storage.replay import readings
from engage.storage.tables import Alert, AlertRules, ClassSession, SampleRow

log = logging.getLogger(__name__)

REPLAY_S = 600
"""So much of a session is played again after a restart; cool-downs, which may be longer, are read from the alerts."""
CHECK_EVERY_S = 5.0
LATE_S = 5.0
"""Samples may come this late; time without them is told to the rules only when it is surely over."""
TELL_WITHIN_S = 900.0
"""What began longer ago is stored, but nobody is told outside the pages: it is no longer now."""
MOST_UNWRITTEN = 1000

Item = ScoredSample | SourceStatus


@dataclass(slots=True)
class _Watched:
    """The rules of one session, and which version of the course's numbers they have."""

    rules: SessionRules
    course_id: int
    version: datetime | None


class Alarms:
    """Call it after each commit, and now and then without anything: it returns what began or ceased to fire, stored.

    While the database cannot be written the events wait here, and are returned once they are stored.
    """

    def __init__(self, database: Database, beat: Callable[[], None] = lambda: None) -> None:
        """Use ``database``; ``beat`` says that the caller lives while a long session is played again."""
        self._database = database
        self._beat = beat
        self._watched: dict[int, _Watched] = {}
        self._waiting: list[AlertEvent] = []
        self._checked_at: datetime | None = None

    def __call__(
        self, samples: Sequence[ScoredSample], statuses: Sequence[SourceStatus], now: datetime
    ) -> Sequence[AlertEvent]:
        """Return the events that these samples and states, and the time it is, lead to."""
        items: dict[int, list[Item]] = {}
        for sample in samples:
            items.setdefault(sample.sample.session_id, []).append(sample)
        for status in statuses:
            items.setdefault(status.origin.session_id, []).append(status)
        for session_id in items.keys() & self._watched.keys():
            self._waiting += self._watched[session_id].rules.observe(items[session_id])
        try:
            self._check(now)
            for session_id in sorted(items.keys() - self._watched.keys())[:1]:
                self._begin(session_id)
            for session_id in self._watched.keys() - items.keys():
                self._waiting += self._watched[session_id].rules.advance(now - timedelta(seconds=LATE_S))
            return self._write(now)
        except StorageError as error:
            log.warning("alerts not stored waiting=%d reason=%s", len(self._waiting), error)
            del self._waiting[:-MOST_UNWRITTEN]
            return ()

    def _begin(self, session_id: int) -> None:
        """Take up a session by what is stored of it; one at a time, as it takes a second in the middle of a lesson."""
        resumed = self._resume(session_id)
        if resumed is not None:
            self._watched[session_id] = resumed

    def _check(self, now: datetime) -> None:
        """Every few seconds: let go of sessions that have ended, and take up changed rules."""
        if self._checked_at is not None and 0.0 <= (now - self._checked_at).total_seconds() < CHECK_EVERY_S:
            return  # (less than nothing passed where the clock was set back)
        with self._database.read() as session:
            ended = session.scalars(
                select(ClassSession.id).where(
                    ClassSession.id.in_(self._watched.keys()), ClassSession.state == SessionState.ENDED.value
                )
            ).all()
            left_firing = session.scalar(_left_firing().limit(1))
            versions = {row.course_id: row.updated_at for row in session.scalars(select(AlertRules))}
        for session_id in ended:
            del self._watched[session_id]
        if left_firing is not None:
            self._waiting += self._resolve_ended()
        for session_id, watched in list(self._watched.items()):
            if versions.get(watched.course_id) != watched.version:
                resumed = self._resume(session_id)
                if resumed is not None:
                    self._watched[session_id] = resumed
        self._checked_at = now

    def _resolve_ended(self) -> list[AlertEvent]:
        """Return the end of the alerts that still fire in sessions that are over."""
        with self._database.read() as session:
            rows = session.execute(
                select(Alert, ClassSession.ended_at)
                .join(ClassSession, ClassSession.id == Alert.session_id)
                .where(Alert.id.in_(_left_firing()))
            )
            return [_resolved(alert_event(row), ended_at or row.started_at) for row, ended_at in rows]

    def _resume(self, session_id: int) -> _Watched | None:
        """Return a session's rules in the state that its stored samples lead to; None where it does not run."""
        with self._database.read() as session:
            lesson = session.get(ClassSession, session_id)
            if lesson is None or lesson.state == SessionState.ENDED:
                return None
            course_id = lesson.course_id
            version = session.scalar(select(AlertRules.updated_at).where(AlertRules.course_id == course_id))
            newest = session.scalars(select(Alert).where(Alert.session_id == session_id).order_by(Alert.started_at))
            known = [alert_event(row) for row in newest]
            rules = SessionRules(session_id, rules_of(session, course_id), known)
            last = session.scalar(_last_second(session_id)) or 0
        for items in readings(self._database, session_id, last - REPLAY_S):
            rules.observe(items)
            self._beat()
        self._reconcile(rules, known)
        return _Watched(rules, course_id, version)

    def _reconcile(self, rules: SessionRules, known: list[AlertEvent]) -> None:
        """Let what fires be what is stored: the same row goes on, what no longer fires ends, what is new begins."""
        waiting = {_key(event) for event in self._waiting}
        firing = {(event.student_id, event.rule): event for event in rules.firing}
        for event in known:
            key = (event.student_id, event.rule)
            if event.state is AlertState.FIRING and key in firing:
                rules.adopt(event)
                del firing[key]
            elif event.state is AlertState.FIRING:
                self._waiting.append(_resolved(event, rules.reached or event.started_at))
        self._waiting += [event for event in firing.values() if _key(event) not in waiting]

    def _write(self, now: datetime) -> list[AlertEvent]:
        """Store the events that wait, and return them as they are stored."""
        if not self._waiting:
            return []
        with self._database.write() as session:
            stored_events = [found for event in self._waiting if (found := _store(session, event, now))]
        self._waiting.clear()
        for event in stored_events:
            watched = self._watched.get(event.session_id)
            if watched is not None and event.state is AlertState.FIRING:
                watched.rules.adopt(event)
        return stored_events


def _store(session: Session, event: AlertEvent, now: datetime) -> AlertEvent | None:
    """Store one event and return it as stored; None where its student or session is gone."""
    alike = Alert.session_id == event.session_id, Alert.rule == event.rule, whom(event.student_id)
    this = (*alike, Alert.started_at == event.started_at)
    row = session.scalar(select(Alert).where(*this))
    if row is None:
        until = session.scalar(select(func.max(Alert.snoozed_until)).where(*alike))
        snoozed = until if until is not None and until > event.started_at else None
        try:
            with session.begin_nested():
                insert_new(session, Alert, [{**_values(event), "snoozed_until": snoozed}])
        except IntegrityError as error:
            log.warning("alert refused session=%d reason=%s", event.session_id, str(error.orig).splitlines()[0])
            return None
        row = session.scalars(select(Alert).where(*this)).one()
        if event.state is AlertState.FIRING and snoozed is None:
            _tell(session, alert_event(row), now)
    elif event.state is AlertState.RESOLVED:
        row.state, row.ended_at = AlertState.RESOLVED.value, event.ended_at
    return alert_event(row)


def _tell(session: Session, event: AlertEvent, now: datetime) -> None:
    if (now - event.started_at).total_seconds() > TELL_WITHIN_S:
        return
    kind = NoticeKind.CLASS_ALERT if event.student_id is None else NoticeKind.STUDENT_ALERT
    if event.rule == RuleName.CAMERA_LOST:
        kind = NoticeKind.CAMERA_ALERT
    lesson = session.get_one(ClassSession, event.session_id)
    enqueue(session, Notice(kind, f"/sessions/{lesson.id}", f"alert:{event.id}", lesson.course_id), now)


def _values(event: AlertEvent) -> dict[str, object]:
    return {
        "session_id": event.session_id,
        "student_id": event.student_id,
        "rule": event.rule,
        "state": event.state.value,
        "started_at": event.started_at,
        "ended_at": event.ended_at,
        "details": dict(event.details),
    }


def _key(event: AlertEvent) -> tuple[int, int | None, str, datetime]:
    return event.session_id, event.student_id, event.rule, event.started_at


def _resolved(event: AlertEvent, at: datetime) -> AlertEvent:
    return replace(event, state=AlertState.RESOLVED, ended_at=max(at, event.started_at))


def _left_firing() -> Select[int]:
    ended = select(ClassSession.id).where(ClassSession.state == SessionState.ENDED.value)
    return select(Alert.id).where(Alert.state == AlertState.FIRING.value, Alert.session_id.in_(ended))


def _last_second(session_id: int) -> Select[int]:
    return select(func.max(SampleRow.second)).where(SampleRow.session_id == session_id)
