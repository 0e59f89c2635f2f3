"""The collector's alarms on a real database: one row a firing, whatever restarts; and what people do with alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engage.core.rules import AlertSettings, RuleName, alert_settings
from engage.core.types import Mode, Origin, Sample, Score, ScoredSample, SourceState, SourceStatus
from engage.core.updates import AlertEvent, AlertState
from engage.errors import RequestError, StorageError
from engage.storage.alarms import Alarms
from engage.storage.alerts import Alerts
from engage.storage.database import Database
from engage.storage.store import SqlStore
from engage.storage.tables import Alert, AuditEntry

if TYPE_CHECKING:
    from tests.databases import School, SetClock


class Line:
    """Commits seconds of students and evaluates them, as the collector does."""

    def __init__(self, database: Database, school: School) -> None:
        self.database, self.session = database, school.session
        self.students = [student.id for student in school.students]
        self.store, self.alarms = SqlStore(database), Alarms(database)
        self.events: list[AlertEvent] = []

    def at(self, second: float) -> Any:
        return self.session.started_at + timedelta(seconds=second)

    def scored(self, second: float, student: int, level: float) -> ScoredSample:
        at = self.at(second)
        sample = Sample(self.session.id, student, int(at.timestamp()), at, 5, 1.0, 1.0, 0.9, 0.5, mode=Mode.ATTENTION)
        return ScoredSample(sample, Score(level, 0.8, None, {"raw": level}), "test-1")

    def commit(self, second: float, levels: dict[int, float], statuses: Sequence[SourceStatus] = ()) -> None:
        samples = [self.scored(second, student, level) for student, level in levels.items()]
        self.store.write(samples, (), statuses)
        self.events += self.alarms(samples, statuses, self.at(second + 0.5))

    def run(self, seconds: range, levels: dict[int, float]) -> None:
        for second in seconds:
            self.commit(second, levels)

    def restart(self) -> None:
        self.alarms = Alarms(self.database)

    def rows(self) -> list[Alert]:
        with self.database.read() as session:
            return list(session.scalars(select(Alert).order_by(Alert.id)))


@pytest.fixture
def line(database: Database, school: School) -> Line:
    return Line(database, school)


def test_a_firing_is_one_row_from_its_start_to_its_end(line: Line) -> None:
    ada, ben, _ = line.students
    line.run(range(100), {ada: 2.0, ben: 8.0})
    assert [(e.rule, e.student_id, e.state) for e in line.events] == [("low_engagement", ada, AlertState.FIRING)]
    row = line.rows()[0]
    assert line.events[0].id == row.id
    assert line.events[0].started_at == row.started_at == line.at(90)
    line.run(range(100, 130), {ada: 9.0, ben: 8.0})
    assert [e.state for e in line.events] == [AlertState.FIRING, AlertState.RESOLVED]
    assert [(r.state, r.ended_at) for r in line.rows()] == [("resolved", line.events[1].ended_at)]


@pytest.mark.parametrize("restarts_at", [40, 91, 110])
def test_a_restart_neither_repeats_nor_loses_a_firing(line: Line, restarts_at: int) -> None:
    ada, ben, _ = line.students
    line.run(range(restarts_at), {ada: 2.0, ben: 8.0})
    line.restart()
    line.run(range(restarts_at, 120), {ada: 2.0, ben: 8.0})
    line.run(range(120, 150), {ada: 9.0, ben: 8.0})
    assert [(e.rule, e.state) for e in line.events] == [
        ("low_engagement", AlertState.FIRING),
        ("low_engagement", AlertState.RESOLVED),
    ]
    assert len(line.rows()) == 1
    assert line.rows()[0].started_at == line.at(90)


def test_a_cool_down_longer_than_what_is_played_again_outlasts_a_restart(line: Line, database: Database) -> None:
    ada, ben, _ = line.students
    long = alert_settings({"low_engagement": {"hold_s": 20, "clear_s": 5, "cool_down_s": 1500}})
    Alerts(database).save_rules(line.session.course_id, long, None)
    line.run(range(40), {ada: 2.0, ben: 8.0})
    line.run(range(40, 60), {ada: 9.0, ben: 8.0})
    (row,) = line.rows()
    assert row.ended_at is not None
    line.restart()
    for second in (700, 1400):  # nothing that is played again says what fired
        line.run(range(second, second + 40), {ada: 2.0, ben: 2.0 if second == 700 else 8.0})
    fired = [(e.student_id, e.state) for e in line.events if e.started_at > row.ended_at]
    assert fired == [(ben, AlertState.FIRING), (ben, AlertState.RESOLVED)], "whoever did not fire does not cool down"
    line.run(range(1600, 1640), {ada: 2.0, ben: 8.0})
    assert [(r.student_id, r.state) for r in line.rows()][2:] == [(ada, "firing")]


def test_a_firing_that_was_committed_but_not_stored_is_stored_after_the_restart(line: Line) -> None:
    ada = line.students[0]
    line.run(range(80), {ada: 2.0})
    for second in range(80, 93):  # the collector died between the two transactions
        line.store.write([line.scored(second, ada, 2.0)])
    line.restart()
    line.run(range(93, 95), {ada: 2.0})
    assert [(r.rule, r.started_at) for r in line.rows()] == [("low_engagement", line.at(90))]
    assert len(line.events) == 1


def test_while_the_database_is_away_events_wait(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = line.students[0]
    line.run(range(80), {ada: 2.0})

    def away() -> None:
        raise StorageError("The database is away.")

    samples = [line.scored(second, ada, 2.0) for second in range(80, 95)]
    line.store.write(samples)
    with monkeypatch.context() as patched:
        patched.setattr(line.database, "write", away)
        assert list(line.alarms(samples, (), line.at(95))) == []
    assert [e.rule for e in line.alarms((), (), line.at(96))] == ["low_engagement"]
    assert len(line.rows()) == 1


def test_the_end_of_the_session_ends_its_alerts(line: Line, school: School, clock: SetClock) -> None:
    line.run(range(100), {line.students[0]: 2.0})
    clock.advance(200)
    ended = school.classroom.end_session(line.session.id)
    events = line.alarms((), (), line.at(300))
    assert [(e.state, e.ended_at) for e in events] == [(AlertState.RESOLVED, ended.ended_at)]
    assert list(line.alarms((), (), line.at(400))) == []


def test_a_session_that_ended_while_nobody_looked_is_tidied_too(line: Line, school: School) -> None:
    line.run(range(100), {line.students[0]: 2.0})
    school.classroom.end_session(line.session.id)
    line.restart()
    assert [e.state for e in line.alarms((), (), line.at(300))] == [AlertState.RESOLVED]


def test_a_camera_that_is_lost_fires_though_nothing_more_comes(line: Line) -> None:
    ada = line.students[0]
    line.run(range(5), {ada: 8.0})
    line.commit(5, {}, [SourceStatus(Origin(line.session.id, 1, ada), SourceState.LOST, line.at(5))])
    for second in range(6, 40):
        line.events += line.alarms((), (), line.at(second))
    assert [(e.rule, e.state) for e in line.events] == [("camera_lost", AlertState.FIRING)]


def test_rules_of_the_course_hold_at_once(line: Line, school: School, database: Database) -> None:
    ada = line.students[0]
    line.run(range(40), {ada: 2.0})
    Alerts(database).save_rules(school.course.id, alert_settings({"low_engagement": {"hold_s": 20}}), school.teacher.id)
    line.run(range(40, 60), {ada: 2.0})
    assert [e.rule for e in line.events] == ["low_engagement"]
    assert Alerts(database).rules(school.course.id).low_engagement.hold_s == 20
    with database.read() as session:
        assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc())).first() == "save_alert_rules"


def test_acknowledged_is_by_the_first_who_says_so(line: Line, school: School, database: Database) -> None:
    line.run(range(100), {line.students[0]: 2.0})
    alerts, alert_id = Alerts(database), line.rows()[0].id
    first = alerts.acknowledge(line.session.id, alert_id, school.teacher.id)
    again = alerts.acknowledge(line.session.id, alert_id, school.admin.id)
    assert first.acknowledged_at is not None and first == again
    assert line.rows()[0].acknowledged_by == school.teacher.id
    with pytest.raises(RequestError):
        alerts.acknowledge(line.session.id + 1, alert_id, school.teacher.id)


def test_what_is_snoozed_fires_snoozed_until_then(
    line: Line, school: School, database: Database, clock: SetClock
) -> None:
    ada, ben, _ = line.students
    line.run(range(100), {ada: 2.0, ben: 8.0})
    clock.advance(100)
    alerts = Alerts(database, clock)
    until = alerts.snooze(line.session.id, line.rows()[0].id, 1200, school.teacher.id).snoozed_until
    assert until == line.at(1300)
    for seconds, level in ((range(100, 130), 9.0), (range(430, 560), 2.0)):
        line.run(seconds, {ada: level, ben: 2.0 if level == 2.0 else 8.0})
    fired = {e.student_id: e for e in line.events if e.state is AlertState.FIRING and e.started_at > line.at(400)}
    assert fired[ada].snoozed_until == until, "the same rule for the same student stays silent"
    assert fired[ben].snoozed_until is None
    with pytest.raises(RequestError):
        alerts.snooze(line.session.id, line.rows()[0].id, 0, school.teacher.id)


def test_the_preview_says_what_fired(line: Line, database: Database) -> None:
    ada, ben, _ = line.students
    line.run(range(100), {ada: 2.0, ben: 8.0})
    line.run(range(100, 130), {ada: 9.0, ben: 8.0})
    alerts = Alerts(database)
    preview = alerts.would_fire(line.session.id, AlertSettings())
    assert [(e.student_id, e.rule, e.started_at, e.ended_at) for e in preview] == [
        (e.student_id, e.rule, e.started_at, e.ended_at) for e in alerts.of_session(line.session.id)
    ]
    strict = alert_settings({"low_engagement": {"hold_s": 30}})
    assert [e.started_at for e in alerts.would_fire(line.session.id, strict)] == [line.at(30)]
    assert [e.rule for e in alerts.of_session(line.session.id)] == [RuleName.LOW_ENGAGEMENT]
