"""The nightly review: flags raised once, by one process, decided by people; nights and clocks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from engage.core.risk import Attendance, Level, Standing
from engage.core.risk_settings import RiskSettings
from engage.core.types import Mode
from engage.errors import RequestError
from engage.storage import leases
from engage.storage.attendance import Register
from engage.storage.database import Database
from engage.storage.records import FlagState
from engage.storage.risk import JOB, RiskList, night_of
from engage.storage.tables import EMOTION_SECONDS, AuditEntry, ClassSession, OutboxEntry, SessionRollup

if TYPE_CHECKING:
    from tests.databases import School, SetClock

SETTINGS = RiskSettings()


def held(school: School, database: Database, scores: dict[int, list[float | None]], first_day: int = 0) -> list[int]:
    """Write ended lessons with these mean scores (None: not shared), one a day before the school's own; return ids."""
    count = max(len(values) for values in scores.values())
    start = school.session.started_at - timedelta(days=200)
    ids = []
    with database.write() as session:
        for k in range(count):
            at = start + timedelta(days=first_day + k)
            lesson = ClassSession(
                course_id=school.course.id,
                title="Lesson",
                started_at=at,
                ended_at=at + timedelta(hours=1),
                state="ended",
            )
            session.add(lesson)
            session.flush()
            ids.append(lesson.id)
            rows = [
                rolled_up(lesson.id, student, value)
                for student, values in scores.items()
                if (value := values[k]) is not None
            ]
            session.execute(insert(SessionRollup), rows)
    return ids


def rolled_up(session_id: int, student_id: int, mean: float) -> dict[str, object]:
    names = ("face_s", "attentive_s", "away_s", "drowsy_s", *EMOTION_SECONDS)
    sums = {"observed_s": 3000.0, "scored_s": 3000.0, "score_sum": mean * 3000, "square_sum": mean**2 * 3000}
    row = {
        "session_id": session_id,
        "student_id": student_id,
        "samples": 3000,
        "confidence_sum": 2000.0,
        "gestures": {},
    }
    return {**row, **sums, **dict.fromkeys(names, 0.0)}


FALLING = [7.0, 7.1, 6.9, 7.0, 7.2, 7.0, 5.0, 5.1, 4.9, 5.0, 5.2]
STEADY: list[float | None] = [6.0, 6.1, 5.9, 6.0, 6.2, 6.0, 6.0, 6.1, 5.9, 6.0, 6.2]


@pytest.fixture
def risk(database: Database, clock: SetClock) -> RiskList:
    return RiskList(database, SETTINGS, clock)


def test_a_night_raises_a_flag_once(school: School, database: Database, risk: RiskList, clock: SetClock) -> None:
    ada, ben, chi = (student.id for student in school.students)
    held(school, database, {ada: FALLING, ben: STEADY, chi: [None] * 11})
    assert risk.review(UTC) == 1
    assert risk.review(UTC) is None
    (flag,) = risk.flags(school.course.id)
    assert (flag.student_id, flag.state, flag.level, flag.raised_at) == (ada, FlagState.OPEN, Level.TALK, clock.now())
    assert flag.grounds[0].text == "Score 5.0 in the last 5 sessions, 7.0 in the first 5."
    standings = {each.student_id: each.standing for each in risk.assess(school.course.id)}
    assert standings == {ada: Standing.DECLINING, ben: Standing.STEADY, chi: Standing.NOT_ENOUGH}
    clock.advance(24 * 3600)
    assert risk.review(UTC) == 0  # the next night: the same flag, still open
    assert risk.flags(school.course.id) == risk.student_flags(ada) == [flag]


def test_presence_only_judges_no_score(school: School, database: Database, risk: RiskList) -> None:
    held(school, database, {school.students[0].id: FALLING})
    for mode in (Mode.PRESENCE, None):
        assert {each.standing for each in risk.assess(school.course.id, mode)} == {Standing.NOT_ENOUGH}
    assert risk.review(UTC, Mode.PRESENCE) == 0


def test_a_confirmed_flag_is_told_and_a_dismissed_one_is_not(
    school: School, database: Database, risk: RiskList, clock: SetClock
) -> None:
    ada, ben, _ = (student.id for student in school.students)
    held(school, database, {ada: FALLING, ben: FALLING})
    with_channel(database, school.teacher.id)
    assert risk.review(UTC) == 2
    first, second = sorted(risk.flags(school.course.id), key=lambda flag: flag.student_id)
    confirmed = risk.decide(first.id, school.course.id, FlagState.CONFIRMED, " spoke with her ", school.teacher.id)
    assert (confirmed.state, confirmed.note, confirmed.decided_by) == (
        FlagState.CONFIRMED, "spoke with her", school.teacher.id
    )  # fmt: skip
    risk.decide(second.id, school.course.id, FlagState.DISMISSED, None, school.teacher.id)
    with database.read() as session:
        told = [(row.key, row.link) for row in session.query(OutboxEntry)]
        actions = [row.action for row in session.query(AuditEntry).order_by(AuditEntry.id)][-2:]
    assert told == [(f"risk:{first.id}:confirmed", f"/courses/{school.course.id}/risk")]
    assert actions == ["flag_confirmed", "flag_dismissed"]
    for course, state in ((school.course.id, FlagState.DISMISSED), (99, FlagState.DISMISSED)):
        with pytest.raises(RequestError):
            risk.decide(first.id, course, state, None, school.teacher.id)
    with pytest.raises(RequestError):
        risk.decide(99, school.course.id, FlagState.CONFIRMED, None, school.teacher.id)


def with_channel(database: Database, user_id: int) -> None:
    """Give a user a channel for everything."""
    from engage.core.notices import NoticeKind
    from engage.storage.tables import NotificationChannel

    with database.write() as session:
        session.add(
            NotificationChannel(
                user_id=user_id,
                service="apprise",
                address="json://localhost",
                shown="json",
                enabled=True,
                digest=False,
                kinds=[kind.value for kind in NoticeKind],
                created_at=datetime.now(UTC),
            )
        )  # fmt: skip


def test_a_decision_rests_for_ten_sessions(school: School, database: Database, risk: RiskList, clock: SetClock) -> None:
    ada = school.students[0].id
    held(school, database, {ada: FALLING})
    clock.time = school.session.started_at - timedelta(days=150)
    risk.review(UTC)
    (flag,) = risk.flags(school.course.id)
    risk.decide(flag.id, school.course.id, FlagState.DISMISSED, None, school.teacher.id)
    held(school, database, {ada: [4.0] * 9}, first_day=60)
    clock.time = school.session.started_at - timedelta(days=1)
    assert risk.review(UTC) == 0  # nine sessions since, and the one that runs is the tenth
    held(school, database, {ada: [4.0] * 2}, first_day=80)
    clock.advance(86400)
    assert risk.review(UTC) == 1
    assert [each.state for each in risk.flags(school.course.id)] == [FlagState.OPEN, FlagState.DISMISSED]


def test_many_processes_review_a_night_once(school: School, database: Database, clock: SetClock, url: str) -> None:
    held(school, database, {school.students[0].id: FALLING})
    start = threading.Barrier(4)
    results: list[int | None] = []

    def review() -> None:
        own = Database(url, busy_timeout_s=30)
        start.wait()
        results.append(RiskList(own, SETTINGS, clock).review(UTC))
        own.close()

    threads = [threading.Thread(target=review) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=str) == [1, None, None, None]
    assert len(RiskList(database, SETTINGS, clock).flags(school.course.id)) == 1


def test_a_process_that_dies_or_dawdles_loses_its_claim(database: Database, clock: SetClock) -> None:
    first = leases.claim(database, JOB, "2026-11-22", clock.now(), 60.0)
    assert first is not None
    assert leases.claim(database, JOB, "2026-11-22", clock.now(), 60.0) is None
    clock.advance(61)
    second = leases.claim(database, JOB, "2026-11-22", clock.now(), 60.0)
    assert second is not None
    with database.write() as session:
        assert not leases.complete(session, JOB, "2026-11-22", first)
        assert leases.complete(session, JOB, "2026-11-22", second)
    for period in ("2026-11-22", "2026-11-21"):  # done, and a clock put back
        assert leases.claim(database, JOB, period, clock.now(), 60.0) is None
    assert leases.claim(database, JOB, "2026-11-23", clock.now(), 60.0) is not None


def test_a_night_in_which_clocks_change_is_one_night() -> None:
    berlin, nights = ZoneInfo("Europe/Berlin"), []
    for start in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        nights.append([night_of(start + timedelta(minutes=10 * k), berlin) for k in range(24 * 6)])
    assert [sorted(set(night)) for night in nights] == [["2026-03-28", "2026-03-29"], ["2026-10-24", "2026-10-25"]]
    assert all(night == sorted(night) for night in nights)
    assert night_of(datetime(2026, 11, 22, 2, 59, tzinfo=UTC), UTC) == "2026-11-21"
    assert night_of(datetime(2026, 11, 22, 2, 59, tzinfo=UTC), ZoneInfo("Asia/Kolkata")) == "2026-11-22"


def test_attendance_is_what_a_person_marked(
    school: School, database: Database, risk: RiskList, clock: SetClock
) -> None:
    ada, ben, _ = (student.id for student in school.students)
    register = Register(database, clock)
    lessons = held(school, database, {ada: STEADY, ben: STEADY})
    with database.write() as session:  # as if they had been enrolled then
        session.connection().exec_driver_sql("UPDATE enrolments SET enrolled_at = '2020-01-01 00:00:00+00:00'")
    for k, lesson in enumerate(lessons):
        state = Attendance.ABSENT if k >= 7 else Attendance.PRESENT
        register.mark(lesson, {ada: state, ben: Attendance.EXCUSED}, school.teacher.id)
    assert register.of_session(lessons[-1]) == {ada: Attendance.ABSENT, ben: Attendance.EXCUSED}
    found = {each.student_id: each for each in risk.assess(school.course.id)}
    assert (found[ada].level, found[ada].standing) == (Level.LOOK, Standing.STEADY)
    assert found[ben].level is None
    assert register.mark(lessons[-1], {ada: None, ben: Attendance.EXCUSED}, school.teacher.id) == 1
    assert register.of_session(lessons[-1]) == {ben: Attendance.EXCUSED}
    with pytest.raises(RequestError):
        register.mark(lessons[0], {99: Attendance.ABSENT}, school.teacher.id)
    with pytest.raises(RequestError):
        register.mark(99, {}, school.teacher.id)
