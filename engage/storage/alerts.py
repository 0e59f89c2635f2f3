"""Alerts as pages see and change them: what fired, acknowledge, snooze, and the rules of a course."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.core.rules import AlertSettings, SessionRules, alert_settings, differences
from engage.core.updates import AlertEvent, AlertState
from engage.errors import RequestError
from engage.storage import audit, enrolling
from engage.storage.database import Database
from engage.storage.entries import possible
from engage.storage.insert import insert_new
from engage.storage.replay import readings
from engage.storage.tables import Alert, AlertRules, Course, SampleRow

LONGEST_SNOOZE_S = 24 * 3600.0


class Alerts:
    """Each method is one transaction (``would_fire`` several short ones).

    RequestError where something asked for does not exist or may not be; StorageError where the database fails.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def of_session(self, session_id: int, limit: int = 200) -> list[AlertEvent]:
        """Return a session's alerts, the newest first."""
        newest = Alert.started_at.desc(), Alert.id.desc()
        query = select(Alert).where(Alert.session_id == session_id).order_by(*newest).limit(limit)
        with self._database.read() as session:
            return [alert_event(row) for row in session.scalars(query)]

    def acknowledge(self, session_id: int, alert_id: int, user_id: int | None) -> AlertEvent:
        """Record that someone has seen an alert, and return it; the first to say so stands."""
        with self._database.write() as session:
            row = _required(session, session_id, alert_id)
            if row.acknowledged_at is None:
                row.acknowledged_at, row.acknowledged_by = self._clock.now(), user_id
                action = audit.Action("acknowledge_alert", "alert", alert_id, {"session": session_id})
                audit.record(session, self._clock.now(), user_id, action)
            return alert_event(row)

    def snooze(self, session_id: int, alert_id: int, duration_s: float, user_id: int | None) -> AlertEvent:
        """Silence an alert's rule, for its student or the class, until ``duration_s`` from now, and return it."""
        if not 0 < duration_s <= LONGEST_SNOOZE_S:
            raise RequestError("Snooze for some minutes, at most a day.")
        now = self._clock.now()
        with self._database.write() as session:
            row = _required(session, session_id, alert_id)
            until = now + timedelta(seconds=duration_s)
            alike = Alert.session_id == session_id, Alert.rule == row.rule, whom(row.student_id)
            open_or_this = (Alert.state == AlertState.FIRING.value) | (Alert.id == alert_id)
            session.execute(update(Alert).where(*alike, open_or_this).values(snoozed_until=until))
            details = {"session": session_id, "seconds": round(duration_s)}
            audit.record(session, now, user_id, audit.Action("snooze_alert", "alert", alert_id, details))
            session.refresh(row)
            return alert_event(row)

    def rules(self, course_id: int) -> AlertSettings:
        """Return the rules of a course: the defaults with what was changed."""
        with self._database.read() as session:
            return rules_of(session, course_id)

    def save_rules(self, course_id: int, settings: AlertSettings, user_id: int | None) -> None:
        """Store the rules of a course; a running session takes them up within seconds."""
        now, changed = self._clock.now(), differences(settings)
        with self._database.write() as session:
            enrolling.require(session, Course, course_id, "course")
            new = {"course_id": course_id, "rules": changed, "updated_at": now, "updated_by": user_id}
            insert_new(session, AlertRules, [new])
            row = session.get_one(AlertRules, course_id)
            row.rules, row.updated_at, row.updated_by = changed, now, user_id
            audit.record(session, now, user_id, audit.Action("save_alert_rules", "course", course_id, changed))

    def latest_from(self, session_id: int, most: int) -> int | None:
        """Return the second from which a session has about ``most`` samples, None where it has no more than these."""
        seconds = select(SampleRow.second).where(SampleRow.session_id == session_id)
        with self._database.read() as session:
            return session.scalar(seconds.order_by(SampleRow.captured_at.desc()).offset(most).limit(1))

    def would_fire(self, session_id: int, settings: AlertSettings, since_second: int = 0) -> list[AlertEvent]:
        """Return what would have fired in a stored session by these rules, in order of time; nothing is stored.

        From ``since_second`` on. 90 minutes of 40 students take 6 s of one core.
        """
        rules = SessionRules(session_id, settings)
        fired: dict[tuple[int | None, str, datetime], AlertEvent] = {}
        for items in readings(self._database, session_id, since_second):
            for event in rules.observe(items):
                fired[event.student_id, event.rule, event.started_at] = event
        return sorted(fired.values(), key=lambda event: (event.started_at, event.student_id or 0))


def alert_event(row: Alert) -> AlertEvent:
    """Return a stored alert."""
    return AlertEvent(
        row.session_id,
        row.student_id,
        row.rule,
        AlertState(row.state),
        row.started_at,
        row.ended_at,
        row.details,
        row.id,
        row.acknowledged_at,
        row.snoozed_until,
    )


def whom(student_id: int | None) -> ColumnElement[bool]:
    """Return the condition that an alert is about this student, or about the class."""
    return Alert.student_id.is_(None) if student_id is None else Alert.student_id == student_id


def rules_of(session: Session, course_id: int) -> AlertSettings:
    """Return the rules of a course, in the caller's transaction."""
    row = session.get(AlertRules, course_id)
    return AlertSettings() if row is None else alert_settings(row.rules)


def _required(session: Session, session_id: int, alert_id: int) -> Alert:
    row = session.get(Alert, alert_id) if possible(alert_id) else None
    if row is None or row.session_id != session_id:
        raise RequestError("There is no such alert in this session.")
    return row
