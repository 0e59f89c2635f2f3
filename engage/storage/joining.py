"""Students who join with a browser of their own: the one device each, its tickets, and what holds them back.

Devices and tickets arrive hashed; how is not this module's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.policy import Consent, GivenBy, Subject
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import audit, enrolling, lessons
from engage.storage.database import Database
from engage.storage.entities import consent_of
from engage.storage.join_keys import JoinKeyRecord, good_key
from engage.storage.records import SessionState, SourceKind
from engage.storage.selects import running
from engage.storage.tables import (
    ClassSession,
    ConsentAnswer,
    JoinDevice,
    JoinKey,
    Pause,
    Source,
    Student,
)

TICKET_LIFETIME = timedelta(seconds=30)
"""A ticket is asked for when a socket is about to be opened."""


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A device that takes part in a session."""

    id: int
    session_id: int
    student_id: int


@dataclass(frozen=True, slots=True)
class JoinState:
    """What a joining student's page needs to know of the student and the session."""

    name: str
    subject: Subject
    ended: bool
    class_paused: bool
    own_pause: bool
    """The student's own; ``held`` is the teacher's for this student."""
    held: bool
    guardian: Consent | None
    """The newest answer of a guardian."""


class Joining:
    """Each method is one transaction; what changes something leaves a line in the audit log.

    RequestError, with a line for the page, where something asked for does not exist or may not be; StorageError where
    the database fails.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def state(self, session_id: int, student_id: int) -> JoinState | None:
        """Return where a student stands in a session; None where either is gone."""
        with self._database.read() as session:
            lesson, student = session.get(ClassSession, session_id), session.get(Student, student_id)
            if lesson is None or student is None:
                return None
            open_here = Pause.session_id == session_id, Pause.resumed_at.is_(None)
            pauses = session.scalars(select(Pause).where(*open_here)).all()
            mine = [pause for pause in pauses if pause.student_id == student_id]
            return JoinState(
                name=student.name,
                subject=Subject(virtual=False, minor=student.minor, consent=_newest(session, student_id)),
                ended=lesson.state != SessionState.RUNNING,
                class_paused=any(pause.student_id is None for pause in pauses),
                own_pause=any(pause.paused_by is None for pause in mine),
                held=any(pause.paused_by is not None for pause in mine),
                guardian=_newest(session, student_id, GivenBy.GUARDIAN),
            )

    def claim(self, key: JoinKeyRecord, session_id: int, device_hash: str, take_over: bool) -> int | None:
        """Return the id of the student's device in a session: this one, from now on; None where another is active.

        ``take_over`` ends the other. The student's camera is their browser from now on.
        """
        now = self._clock.now()
        with self._database.write() as session:
            lesson = enrolling.require(session, ClassSession, session_id, "session")
            if lesson.state != SessionState.RUNNING or lesson.course_id != key.course_id:
                raise RequestError("This lesson is over.")
            if good_key(session, session.get(JoinKey, key.id)) is None:
                raise RequestError("This link is no longer valid. Ask your teacher for a new one.")
            active = session.scalar(_open(session_id, key.student_id))
            if active is not None and active.device_hash == device_hash:
                return active.id
            if active is not None and not take_over:
                return None
            if active is not None:
                active.ended_at = now
                session.flush()
            _use_browser(session, key.student_id, now)
            device = JoinDevice(
                key_id=key.id,
                session_id=session_id,
                student_id=key.student_id,
                device_hash=device_hash,
                joined_at=now,
            )
            session.add(device)
            session.flush()
            details = {"student": key.student_id, "took_over": active is not None}
            audit.record(session, now, None, audit.Action("join", "class_session", session_id, details))
            return device.id

    def active(self, session_id: int, student_id: int, device_hash: str) -> DeviceRecord | None:
        """Return this device where it is the one the student takes part with."""
        with self._database.read() as session:
            device = session.scalar(_open(session_id, student_id))
            return _device(device) if device is not None and device.device_hash == device_hash else None

    def devices(self) -> dict[tuple[int, int], int]:
        """Return the device of each (session, student) that takes part in a running session."""
        columns = JoinDevice.session_id, JoinDevice.student_id, JoinDevice.id
        with self._database.read() as session:
            query = select(*columns).join(ClassSession, ClassSession.id == JoinDevice.session_id)
            rows = session.execute(query.where(JoinDevice.ended_at.is_(None), running(ClassSession)))
            return {(session_id, student_id): device_id for session_id, student_id, device_id in rows}

    def leave(self, device: DeviceRecord) -> None:
        """End a device's part; ending it again changes nothing."""
        now = self._clock.now()
        with self._database.write() as session:
            row = session.get(JoinDevice, device.id, with_for_update=True)
            if row is not None and row.ended_at is None:
                row.ended_at, row.ticket_hash, row.ticket_until = now, None, None
                details = {"student": device.student_id}
                audit.record(session, now, None, audit.Action("leave", "class_session", device.session_id, details))

    def pause(self, session_id: int, student_id: int, paused: bool) -> None:
        """Pause or go on as the student asks. A pause that the teacher made stays until the teacher ends it."""
        now = self._clock.now()
        with self._database.write() as session:
            lesson = enrolling.require(session, ClassSession, session_id, "session")
            if paused:
                changed = lessons.pause(session, lesson, student_id, now, None)
            else:
                here = Pause.session_id == session_id, Pause.student_id == student_id, Pause.resumed_at.is_(None)
                if session.scalar(select(Pause.id).where(*here, Pause.paused_by.is_not(None))) is not None:
                    raise RequestError("Your teacher has paused your camera.")
                changed = lessons.resume(session, lesson, student_id, now)
            if changed:
                name, details = "pause" if paused else "resume", {"student": student_id}
                audit.record(session, now, None, audit.Action(name, "class_session", session_id, details))

    def issue_ticket(self, device: DeviceRecord, ticket_hash: str) -> None:
        """Store the one ticket that opens the device's next socket; an earlier one stops working."""
        with self._database.write() as session:
            session.execute(
                update(JoinDevice)
                .where(JoinDevice.id == device.id, JoinDevice.ended_at.is_(None))
                .values(ticket_hash=ticket_hash, ticket_until=self._clock.now() + TICKET_LIFETIME)
            )

    def redeem_ticket(self, ticket_hash: str) -> DeviceRecord | None:
        """Return the device of a ticket, which is used up by that; None where it was used, is too old or unknown."""
        good = (
            JoinDevice.ticket_hash == ticket_hash,
            JoinDevice.ended_at.is_(None),
            JoinDevice.ticket_until > self._clock.now(),
        )
        with self._database.write() as session:
            taken = session.scalar(
                update(JoinDevice).where(*good).values(ticket_hash=None, ticket_until=None).returning(JoinDevice)
            )
            return None if taken is None else _device(taken)


def _open(session_id: int, student_id: int) -> Select[JoinDevice]:
    here = JoinDevice.session_id == session_id, JoinDevice.student_id == student_id
    return select(JoinDevice).where(*here, JoinDevice.ended_at.is_(None))


def _device(row: JoinDevice) -> DeviceRecord:
    return DeviceRecord(row.id, row.session_id, row.student_id)


def _newest(session: Session, student_id: int, given_by: GivenBy | None = None) -> Consent | None:
    """Return the newest answer about a student, or the newest of this person, whatever another said since."""
    query = select(ConsentAnswer).where(ConsentAnswer.student_id == student_id)
    if given_by is not None:
        query = query.where(ConsentAnswer.given_by == given_by.value)
    newest = ConsentAnswer.answered_at.desc(), ConsentAnswer.id.desc()
    return consent_of(session.scalar(query.order_by(*newest).limit(1)))


def _use_browser(session: Session, student_id: int, now: datetime) -> None:
    """Make the student's browser their camera, in place of another."""
    enabled = enrolling.enabled_source(session, student_id)
    if enabled is not None and enabled.kind == SourceKind.BROWSER:
        return
    before = select(Source).where(Source.student_id == student_id, Source.kind == SourceKind.BROWSER.value)
    row = session.scalar(before.order_by(Source.id.desc()).limit(1))
    if row is None:
        enrolling.give_student_source(session, student_id, f"browser:{student_id}", now)
        return
    if enabled is not None:
        enabled.enabled = False
        session.flush()
    row.enabled = True
