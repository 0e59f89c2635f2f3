"""A stored lesson played again: what the rules are shown is what they were shown live, and they say the same."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from engage.core.rules import AlertSettings, RuleName, alert_settings
from engage.core.rules.student import Reading, reading_of
from engage.core.types import Origin, Reason, Sample, Score, ScoredSample, SourceState, SourceStatus
from engage.storage.alarms import Alarms
from engage.storage.alerts import Alerts
from engage.storage.database import Database
from engage.storage.queries import Queries
from engage.storage.records import NewStudent
from engage.storage.replay import readings
from engage.storage.store import SqlStore

if TYPE_CHECKING:
    from tests.databases import School

SECONDS = 900
QUICK = alert_settings(
    {
        "low_engagement": {"hold_s": 30},
        "away": {"hold_s": 20},
        "negative_expression": {"hold_s": 20},
        "sudden_drop": {"hold_s": 20},
        "class_dip": {"hold_s": 15},
        "group_least": 3,
    }
)


def lesson(school: School) -> list[list[ScoredSample | SourceStatus]]:
    """Return each second of a lesson in which everything happens that there is a rule for, to one student or to all."""
    chance = random.Random(5)
    more = [school.classroom.create_student(school.course.id, NewStudent(name, minor=False)) for name in ("Dee", "Eli")]
    students = [student.id for student in (*school.students, *more)]
    return [_second(school, students, second, chance) for second in range(SECONDS)]


def _second(
    school: School, students: list[int], second: int, chance: random.Random
) -> list[ScoredSample | SourceStatus]:
    ada, ben, cem, *_ = students
    start = school.session.started_at.replace(microsecond=0)
    found: list[ScoredSample | SourceStatus] = []
    if second in (620, 660):
        state = SourceState.LOST if second == 620 else SourceState.LIVE
        found.append(SourceStatus(Origin(school.session.id, 1, cem), state, start + timedelta(seconds=second)))
    for student in students:
        if (student == cem and 620 <= second < 660) or chance.random() < 0.05:
            continue
        at = start + timedelta(seconds=second, milliseconds=chance.randrange(1000))
        away = student == ben and 200 <= second < 260
        asleep = student == ada and 300 <= second < 380
        sad = student == cem and 400 <= second < 470
        level = chance.gauss(7.0, 0.4) - 3.5 * (480 <= second < 560) - 4.0 * (student == ada and second > 750)
        rest = [chance.random() for _ in range(7)]
        shares = [0.2, *(3.0 * share if sad else 0.1 * share for share in rest)]
        expression = None if away else tuple(share / sum(shares) for share in shares)
        sample = Sample(
            school.session.id, student, int(at.timestamp()), at, 5, chance.choice([1.0, 0.96]),
            0.0 if away else 0.9, None if away else 0.9, 0.5, expression,
            lids_closed_share=None if away else 0.8 * asleep,
        )  # fmt: skip
        terms = {"raw": level, "drowsy": 1.0} if asleep else {"raw": level} if second % 2 else {}
        reason = (Reason.AWAY if second % 3 else Reason.TOO_DARK) if away else None
        score = Score(None, 0.0, reason, {}) if away else Score(min(level, 3.5) if asleep else level, 0.8, None, terms)
        found.append(ScoredSample(sample, score, "test-1"))
    return found


def test_a_preview_says_what_the_live_rules_said_of_a_whole_lesson(database: Database, school: School) -> None:
    alerts, store, live = Alerts(database), SqlStore(database), Alarms(database)
    alerts.save_rules(school.course.id, QUICK, None)
    seconds = lesson(school)
    for begin in range(0, SECONDS, 20):
        items = [item for second in seconds[begin : begin + 20] for item in second]
        samples = [item for item in items if isinstance(item, ScoredSample)]
        statuses = [item for item in items if isinstance(item, SourceStatus)]
        store.write(samples, (), statuses)
        live(samples, statuses, school.session.started_at + timedelta(seconds=begin + 20))
    fired = sorted(alerts.of_session(school.session.id), key=lambda event: (event.started_at, event.student_id or 0))
    played = alerts.would_fire(school.session.id, QUICK)
    assert [(e.student_id, e.rule, e.started_at, e.ended_at, dict(e.details)) for e in played] == [
        (e.student_id, e.rule, e.started_at, e.ended_at, dict(e.details)) for e in fired
    ]
    assert {event.rule for event in played} == set(RuleName), "the lesson tries every rule"
    assert alerts.would_fire(school.session.id, AlertSettings()) != played


def test_the_rules_are_shown_again_what_they_were_shown(database: Database, school: School) -> None:
    items = [item for second in lesson(school) for item in second]
    samples = [item for item in items if isinstance(item, ScoredSample)]
    SqlStore(database).write(samples, (), [item for item in items if isinstance(item, SourceStatus)])
    again = [item for piece in readings(database, school.session.id) for item in piece]
    stored = [reading_of(sample) for sample in Queries(database).samples_since(school.session.id, 0)]
    assert [item for item in again if isinstance(item, Reading)] == stored
    assert sorted(stored) == sorted(map(reading_of, samples))
    assert [item.state for item in again if isinstance(item, SourceStatus)] == [SourceState.LOST, SourceState.LIVE]
    since = int(samples[0].sample.captured_at.timestamp()) + 500
    late = [item for piece in readings(database, school.session.id, since) for item in piece]
    assert [item for item in late if not isinstance(item, SourceStatus)] == [
        item for item in stored if item.at >= since
    ]
