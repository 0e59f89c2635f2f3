"""Minutes and sessions counted up: right sums, late samples, several processes, students erased."""

from __future__ import annotations

import itertools
import random
import statistics
import threading
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from engage.core.tally import Tally, total
from engage.core.types import EMOTIONS, GestureEvent, Mode, Reason, Sample, Score, ScoredSample
from engage.storage.database import Database
from engage.storage.rollups import Rollups
from engage.storage.store import SqlStore
from engage.storage.tables import RollupMark

if TYPE_CHECKING:
    from tests.databases import School

FIRST = 1_795_338_000
"""Second at which the school's session starts, nine in the morning: a full minute."""
TERMS = ({"attention": 0.9}, {"attention": 0.1}, {"attention": 0.9, "drowsy": 1.0}, {})


def scored(
    school: School, student: int, second: int, value: float | None, reason: Reason = Reason.AWAY, **changes: object
) -> ScoredSample:
    captured_at = school.session.started_at + timedelta(seconds=second - FIRST)
    terms = changes.pop("terms", {"attention": 0.9})
    numbers = {"duration_s": 1.0, "face_share": 1.0, "confidence": 0.9, "brightness": 0.5, **changes}
    sample = Sample(school.session.id, student, second, captured_at, 5, **numbers)  # type: ignore[arg-type]
    return ScoredSample(sample, Score(value, 0.5, None if value is not None else reason, terms), "one")  # type: ignore[arg-type]


def nod(school: School, student: int, second: int, kind: str = "nod") -> GestureEvent:
    at = school.session.started_at + timedelta(seconds=second - FIRST)
    return GestureEvent(school.session.id, student, kind, at, at + timedelta(seconds=1), 0.5)


@pytest.fixture
def rollups(database: Database) -> Rollups:
    return Rollups(database)


def test_the_sums_are_those_of_the_samples(school: School, database: Database, rollups: Rollups) -> None:
    source = random.Random(4)
    rows = [
        scored(
            school, student.id, FIRST + second, source.choice([None, source.uniform(0, 10)]),
            source.choice([Reason.AWAY, Reason.TOO_DARK]), duration_s=source.uniform(0.2, 1.2),
            face_share=source.random(), terms=source.choice(TERMS),
            expression=source.choice([None, (0.3, 0.7, *[0.0] * 6)]),
        )
        for student in school.students[:2] for second in source.sample(range(300), 150)
    ]  # fmt: skip
    SqlStore(database).write(rows)
    rollups.update()
    groups: defaultdict[tuple[int, int], list[ScoredSample]] = defaultdict(list)
    for row in rows:
        groups[row.sample.student_id, row.sample.second // 60].append(row)
    found = {(minute.student_id, minute.minute): minute.tally for minute in rollups.session_minutes(school.session.id)}
    assert sorted(found) == sorted(groups) == list(found)
    for key, members in groups.items():
        assert_tally(found[key], members)
    for each in rollups.session_students(school.session.id):
        assert_tally(each.tally, [row for row in rows if row.sample.student_id == each.student_id])


def assert_tally(tally: Tally, rows: list[ScoredSample]) -> None:
    """Compare with the plainest way of saying the same."""
    there = [(row.score.value, row.sample.duration_s) for row in rows if row.score.value is not None]
    weights = [weight for _, weight in there]
    observed = sum(row.sample.duration_s for row in rows)
    assert tally.samples == len(rows)
    assert tally.observed_s == pytest.approx(observed)
    assert tally.face_s == pytest.approx(sum(row.sample.duration_s * row.sample.face_share for row in rows))
    if there:
        mean = statistics.fmean([value for value, _ in there], weights)
        assert tally.mean == pytest.approx(mean)
        variance = statistics.fmean([(value - mean) ** 2 for value, _ in there], weights)
        assert tally.spread == pytest.approx(variance**0.5, abs=1e-6)
        assert tally.confidence == pytest.approx(0.5)
    else:
        assert (tally.mean, tally.spread, tally.confidence) == (None, None, None)
    shares = (tally.attentive_share, tally.away_share, tally.drowsy_share)
    words = [appearance(row) for row in rows]
    for word, share in zip(("attentive", "away", "drowsy"), shares, strict=True):
        seconds = sum(row.sample.duration_s for row, appears in zip(rows, words, strict=True) if appears == word)
        assert share == pytest.approx(seconds / observed)
    assert sum(share or 0.0 for share in shares) + tally.unread_s / observed == pytest.approx(1.0)
    seen = [row for row in rows if row.sample.expression is not None and row.sample.face_share > 0]
    expected = (0.3, 0.7, *[0.0] * 6) if seen else None
    assert tally.expression == (None if expected is None else pytest.approx(expected))


def appearance(row: ScoredSample) -> str:
    terms = row.score.terms
    if terms.get("drowsy"):
        return "drowsy"
    if row.score.reason is Reason.AWAY or terms.get("attention", 1.0) < 0.25:
        return "away"
    return "attentive" if "attention" in terms else "unread"


def test_no_data_is_not_a_zero(school: School, database: Database, rollups: Rollups) -> None:
    ada, ben, _ = (student.id for student in school.students)
    blank = {"terms": {}, "face_share": 0.0, "confidence": None}
    SqlStore(database).write(
        [scored(school, ada, FIRST + k, None, Reason.PRESENCE_ONLY, mode=Mode.PRESENCE, **blank) for k in range(5)]
    )
    rollups.update()
    (minute,) = rollups.session_minutes(school.session.id)
    assert (minute.student_id, minute.tally.mean, minute.tally.expression) == (ada, None, None)
    assert (minute.tally.unread_s, minute.tally.coverage(60)) == (5.0, 0.0)
    assert rollups.session_minutes(school.session.id, ben) == rollups.student_sessions(ben) == []
    assert Tally().mean is Tally().away_share is None
    assert Tally().not_sharing_s(3600) == 3600


def test_late_samples_and_gestures_come_right(school: School, database: Database, rollups: Rollups) -> None:
    ada = school.students[0].id
    store = SqlStore(database)
    store.write([scored(school, ada, FIRST + k, 4.0) for k in range(120)], [nod(school, ada, FIRST)])
    assert rollups.update() == 2
    assert rollups.update() == 0
    store.write([scored(school, ada, FIRST + 300, 8.0)], [nod(school, ada, FIRST + 5), nod(school, ada, FIRST + 900)])
    store.write([scored(school, ada, FIRST + 3, 9.0)])  # that second is there already, and stays as it is
    assert rollups.update(school.session.id) == 3
    minutes = rollups.session_minutes(school.session.id)
    assert [minute.minute - FIRST // 60 for minute in minutes] == [0, 1, 5, 15]
    assert [minute.tally.mean for minute in minutes] == [4.0, 4.0, 8.0, None]
    assert [dict(minute.tally.gestures) for minute in minutes] == [{"nod": 2}, {}, {}, {"nod": 1}]
    (session,) = rollups.student_sessions(ada)
    assert session.tally == total(minute.tally for minute in minutes)
    assert session.tally.gestures == {"nod": 3}
    assert rollups.course_sessions(school.course.id) == [session]


def test_scores_made_anew_count_once(school: School, database: Database, rollups: Rollups) -> None:
    ada = school.students[0].id
    rows = [scored(school, ada, FIRST + k, 4.0) for k in range(60)]
    SqlStore(database).write(rows)
    rollups.update()
    SqlStore(database).write([ScoredSample(row.sample, Score(7.0, 0.5), "two") for row in rows[:30]])
    rollups.update()
    (minute,) = rollups.session_minutes(school.session.id)
    assert (minute.tally.samples, minute.tally.scored_s, minute.tally.mean) == (60, 60.0, 5.5)


def test_several_processes_count_every_sample_once(school: School, url: str) -> None:
    """Writers and counters at the same time; whatever was overtaken is counted again."""
    students = [student.id for student in school.students]
    done = threading.Event()
    failures: list[BaseException] = []

    def count() -> None:
        own = Database(url, busy_timeout_s=60)
        try:
            while not done.is_set():
                Rollups(own).update()
        except BaseException as error:
            failures.append(error)
        own.close()

    def write(student: int) -> None:
        own = Database(url, busy_timeout_s=60)
        for k in range(0, 240, 8):
            SqlStore(own).write([scored(school, student, FIRST + second, 5.0) for second in range(k, k + 8)])
        own.close()

    counters = [threading.Thread(target=count) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(student,)) for student in students]
    for thread in (*counters, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in counters:
        thread.join()
    database = Database(url)
    Rollups(database).update()
    assert failures == []
    minutes = Rollups(database).session_minutes(school.session.id)
    assert [(m.student_id, m.tally.samples) for m in minutes] == [
        (student, 60) for student in students for _ in range(4)
    ]
    assert [s.tally.samples for s in Rollups(database).session_students(school.session.id)] == [240] * 3
    database.close()


def test_a_count_that_was_overtaken_is_thrown_away(school: School, database: Database, url: str) -> None:
    """Another process counts newer data between this one's count and its write."""
    ada = school.students[0].id
    SqlStore(database).write([scored(school, ada, FIRST, 4.0)])
    other = Database(url)
    overtaken: list[bool] = []

    class Overtaken(Database):
        def write(self):  # type: ignore[no-untyped-def]
            if not overtaken:
                overtaken.append(True)
                SqlStore(other).write([scored(school, ada, FIRST + 1, 8.0)])
                Rollups(other).update()
            return super().write()

    slow = Overtaken(url)
    Rollups(slow).update()
    (minute,) = Rollups(slow).session_minutes(school.session.id)
    assert (minute.tally.samples, minute.tally.mean) == (2, 6.0)
    slow.close()
    other.close()


def test_counting_ends_while_samples_keep_coming(school: School, url: str) -> None:
    """What is marked after the call has begun waits for the next one."""
    ada = school.students[0].id
    writer, seconds = Database(url), itertools.count(FIRST)

    class Watched(Database):
        def write(self):  # type: ignore[no-untyped-def]
            SqlStore(writer).write([scored(school, ada, next(seconds), 5.0)])
            return super().write()

    SqlStore(writer).write([scored(school, ada, next(seconds), 5.0)])
    busy = Watched(url)
    assert Rollups(busy).update() == 1
    assert next(seconds) == FIRST + 2
    assert Rollups(writer).update() == 1
    busy.close()
    writer.close()


def test_an_erased_student_leaves_the_others_right(school: School, database: Database, rollups: Rollups) -> None:
    ada, ben, _ = (student.id for student in school.students)
    SqlStore(database).write([scored(school, student, FIRST, value) for student, value in ((ada, 2.0), (ben, 8.0))])
    rollups.update()
    SqlStore(database).write([scored(school, ada, FIRST + 61, 2.0)])
    with database.write() as session:
        session.connection().exec_driver_sql(f"DELETE FROM students WHERE id = {ada}")
    rollups.update()
    assert [(s.student_id, s.tally.mean) for s in rollups.session_students(school.session.id)] == [(ben, 8.0)]


def test_an_empty_session_is_empty(school: School, database: Database, rollups: Rollups) -> None:
    with database.write() as session:
        session.add(RollupMark(session_id=school.session.id, minute=None))  # as the migration does
    assert rollups.update() == 0
    assert rollups.session_students(school.session.id) == rollups.session_minutes(99) == []


def test_every_emotion_has_its_column(school: School, database: Database, rollups: Rollups) -> None:
    shares = tuple((k + 1) / 36 for k in range(len(EMOTIONS)))
    SqlStore(database).write([scored(school, school.students[0].id, FIRST, 5.0, expression=shares)])
    rollups.update()
    assert rollups.session_minutes(school.session.id)[0].tally.expression == pytest.approx(shares)


def test_eight_hours_are_480_minutes(school: School, database: Database, rollups: Rollups) -> None:
    ada = school.students[0].id
    seconds = range(FIRST, FIRST + 8 * 3600, 10)
    SqlStore(database).write([scored(school, ada, second, 5.0, duration_s=10.0) for second in seconds])
    assert rollups.update() == 480
    minutes = rollups.session_minutes(school.session.id)
    assert [minute.minute for minute in minutes] == list(range(FIRST // 60, FIRST // 60 + 480))
    (session,) = rollups.session_students(school.session.id)
    assert (session.tally.coverage(8 * 3600), session.tally.mean) == (pytest.approx(1.0), 5.0)


@pytest.mark.parametrize("step_s", [-3600, -1, 3600, 86_400])
def test_a_clock_that_jumps_counts_each_second_once(
    school: School, database: Database, rollups: Rollups, step_s: int
) -> None:
    """The first reading of a second stays; what a clock put back shows again is not counted twice."""
    ada = school.students[0].id
    before = [scored(school, ada, FIRST + 7200 + k, 4.0) for k in range(60)]
    after = [scored(school, ada, FIRST + 7260 + step_s + k, 8.0) for k in range(60)]
    for rows in (before, after):
        SqlStore(database).write(rows)
        rollups.update()
    known = {row.sample.second: row for row in reversed([*before, *after])}
    (session,) = rollups.session_students(school.session.id)
    assert session.tally.samples == len(known)
    assert_tally(session.tally, list(known.values()))


def test_the_hour_that_comes_twice_in_autumn_is_two_hours(school: School, database: Database, rollups: Rollups) -> None:
    """Minutes are counted in Unix time, which knows no daylight saving."""
    ada = school.students[0].id
    autumn = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp())  # 02:30 in Berlin, and again an hour later
    rows = [scored(school, ada, autumn + k, value) for k, value in ((0, 2.0), (3600, 8.0))]
    SqlStore(database).write(rows)
    rollups.update()
    assert [minute.tally.mean for minute in rollups.session_minutes(school.session.id)] == [2.0, 8.0]
