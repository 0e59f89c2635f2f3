"""What is over its time goes, once and whole; what is held stays; the minutes stay right."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engage.cli.db_retention import retention_command
from engage.cli.hold import hold as hold_command
from engage.config import Settings
from engage.core.retention import RetentionSettings
from engage.core.types import GestureEvent, Mode, Sample, Score, ScoredSample
from engage.errors import RequestError, StorageError
from engage.reports.compose import compose
from engage.reports.gather import gather
from engage.storage import retention as module
from engage.storage.audit_check import newest_records, verify_chain
from engage.storage.database import Database
from engage.storage.holds import HeldKind, Holds
from engage.storage.retention import Done, Retention, Step
from engage.storage.rollups import Rollups
from engage.storage.store import SqlStore
from engage.storage.students import Students
from engage.storage.tables import (
    Base,
    ClassSession,
    ConsentAnswer,
    GestureRow,
    MinuteRollup,
    RiskFlag,
    RollupMark,
    SampleRow,
    ScoreRow,
    SessionRollup,
)
from tests.databases import START

if TYPE_CHECKING:
    from tests.databases import School, SetClock

SECONDS = 150
PERIODS = RetentionSettings(samples_days=30, erase_days=100)
ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
DAY_S = 86_400


@pytest.fixture
def lesson(school: School, database: Database, clock: SetClock) -> int:
    """Return a session that has ended: 150 seconds and a nod of each of three students, and a flag of the first."""
    start = clock.now()
    rows, nods = [], []
    for number, student in enumerate(school.students):
        for k in range(SECONDS):
            at = start + timedelta(seconds=k)
            sample = Sample(school.session.id, student.id, int(at.timestamp()), at, 5, 1.0, 1.0, 0.9, 0.5)
            rows.append(ScoredSample(sample, Score(4.0 + number, 0.5, None, {"attention": 0.9}), "one"))
        nods.append(GestureEvent(school.session.id, student.id, "nod", start, start + timedelta(seconds=1), 0.5))
    SqlStore(database).write(rows, nods)
    with database.write() as session:
        student_id, course_id = school.students[0].id, school.course.id
        flag = {"level": "look", "reasons": [], "state": "open", "raised_at": start}
        session.add(RiskFlag(student_id=student_id, course_id=course_id, **flag))
    clock.advance(600)
    school.classroom.end_session(school.session.id)
    return school.session.id


@pytest.fixture
def retention(database: Database, clock: SetClock) -> Retention:
    return Retention(database, PERIODS, clock)


def count(database: Database, table: Any, *where: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def everything(database: Database) -> dict[str, list[Any]]:
    with database.read() as session:
        tables = Base.metadata.sorted_tables
        return {table.name: [tuple(row) for row in session.execute(select(table))] for table in tables}


def actions(database: Database) -> list[str]:
    return [record.action for record in newest_records(database, 100)]


def report(school: School, database: Database, session_id: int, clock: SetClock) -> Any:
    return compose(gather(school.queries, Rollups(database), session_id, Mode.FULL, clock.now()))


def test_seconds_become_minutes_and_the_report_stays(
    school: School, database: Database, clock: SetClock, lesson: int, retention: Retention
) -> None:
    before = report(school, database, lesson, clock)
    clock.advance(29 * DAY_S)
    assert retention.due() == [] and retention.run_now(None) == Done(0, 0, 0, 0)
    clock.advance(2 * DAY_S)
    assert retention.run_nightly(None) == Done(1, 0, 0, 0)
    assert [count(database, table) for table in (SampleRow, ScoreRow, GestureRow)] == [0, 0, 0]
    after = report(school, database, lesson, clock)
    assert "erased on" in " ".join(after.limits) and "counted by minute" in " ".join(after.limits)
    assert "erased on" not in " ".join(before.limits)
    changing = {"session": before.session, "made_at": before.made_at, "limits": before.limits}
    assert replace(after, **changing) == before
    assert school.queries.session(lesson).reduced_at == clock.now()  # type: ignore[union-attr]
    assert actions(database).count("reduce_session") == actions(database).count("keep_retention") - 1 == 1
    assert retention.run_nightly(None) is None, "once a night"
    verify_chain(database)


def test_a_late_mark_does_not_take_the_minutes_away(
    school: School, database: Database, clock: SetClock, lesson: int, retention: Retention
) -> None:
    clock.advance(31 * DAY_S)
    retention.run_nightly(None)
    before = Rollups(database).session_minutes(lesson)
    with database.write() as session:
        session.add(RollupMark(session_id=lesson, minute=before[0].minute))
        session.add(RollupMark(session_id=lesson, minute=None))
    Rollups(database).update()
    assert Rollups(database).session_minutes(lesson) == before != []
    assert count(database, RollupMark) == 0


class Breaks(Database):
    """A database that is gone after so many writing transactions."""

    def __init__(self, url: str, left: int) -> None:
        super().__init__(url)
        self.left = left

    @contextmanager
    def overwrite(self) -> Iterator[Session]:
        self.left -= 1
        if self.left < 0:
            raise StorageError("gone")
        with super().overwrite() as session:
            yield session


@ONLY_SQLITE
@pytest.mark.parametrize("days", [31, 101])
@pytest.mark.parametrize("after", [1, 3, 9])
def test_what_breaks_off_is_taken_up_again(
    database: Database, url: str, clock: SetClock, lesson: int, monkeypatch: Any, days: int, after: int
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 50)
    Rollups(database).update()
    minutes = Rollups(database).session_minutes(lesson)
    clock.advance(days * DAY_S)
    broken = Breaks(url, after)
    with pytest.raises(StorageError, match="gone"):
        Retention(broken, PERIODS, clock).run_nightly(None)
    broken.close()
    assert count(database, SampleRow) == max(0, 3 * SECONDS - 50 * after)
    retention = Retention(database, PERIODS, clock)
    assert retention.run_nightly(None) is None, "its lease still stands"
    clock.advance(module.LEASE_S + 1)
    assert retention.run_nightly(None) is not None
    assert count(database, SampleRow) == count(database, GestureRow) == 0
    assert Rollups(database).session_minutes(lesson) == ([] if days > 100 else minutes)


def test_many_processes_do_it_once(school: School, database: Database, url: str, clock: SetClock, lesson: int) -> None:
    clock.advance(31 * DAY_S)
    found: list[Done | None] = []
    failures: list[BaseException] = []
    ready = threading.Barrier(4)

    def work() -> None:
        own = Database(url, busy_timeout_s=60)
        try:
            ready.wait(60)
            found.append(Retention(own, PERIODS, clock).run_nightly(None))
        except BaseException as error:
            failures.append(error)
        own.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [each for each in found if each is not None] == [Done(1, 0, 0, 0)] and len(found) == 4
    assert [actions(database).count(name) for name in ("reduce_session", "keep_retention")] == [1, 1]


@ONLY_SQLITE
def test_who_lost_the_job_stops_and_says_nothing(database: Database, url: str, clock: SetClock, lesson: int) -> None:
    """Another process takes over because this one slept past its lease."""
    clock.advance(31 * DAY_S)
    taken: list[Done | None] = []

    class Sleepy(Database):
        @contextmanager
        def overwrite(self) -> Iterator[Session]:
            if not taken:
                taken.append(None)
                clock.advance(module.LEASE_S + 1)
                taken.append(Retention(database, PERIODS, clock).run_nightly(None))
            with super().overwrite() as session:
                yield session

    sleepy = Sleepy(url)
    assert Retention(sleepy, PERIODS, clock).run_nightly(None) is None
    sleepy.close()
    assert taken[1] == Done(1, 0, 0, 0) and actions(database).count("keep_retention") == 1


def test_an_old_session_is_erased_whole_and_others_stay(
    school: School, database: Database, clock: SetClock, lesson: int, retention: Retention
) -> None:
    school.classroom.add_marker(lesson, school.teacher.id, "quiz", clock.now())
    clock.advance(101 * DAY_S)
    newer = school.classroom.start_session(school.course.id, school.teacher.id)
    consents = count(database, ConsentAnswer)
    assert [(each.step, each.samples) for each in retention.due()] == [(Step.ERASE, 3 * SECONDS)]
    assert retention.run_nightly(None) == Done(0, 1, 0, 1)
    left = everything(database)
    for name, rows in left.items():
        table = Base.metadata.tables[name]
        if "session_id" in table.columns:
            column = list(table.columns.keys()).index("session_id")
            assert [row for row in rows if row[column] == lesson] == [], name
    assert [row[0] for row in left["class_sessions"]] == [newer.id]
    assert left["risk_flags"] == [] and len(left["students"]) == 3 and len(left["consents"]) == consents
    assert actions(database)[-2:] == ["erase_session", "keep_retention"]


def test_running_sessions_are_never_touched(
    school: School, database: Database, clock: SetClock, retention: Retention
) -> None:
    at = clock.now()
    sample = Sample(school.session.id, school.students[0].id, int(at.timestamp()), at, 5, 1.0, 1.0, 0.9, 0.5)
    SqlStore(database).write([ScoredSample(sample, Score(5.0, 0.5), "one")])
    clock.advance(1000 * DAY_S)
    assert retention.due() == [] and retention.run_nightly(None) == Done(0, 0, 0, 0)
    assert count(database, SampleRow) == 1


@pytest.mark.parametrize("kind", list(HeldKind))
@pytest.mark.parametrize("days", [31, 101])
def test_what_is_held_stays_until_it_is_released(
    school: School, database: Database, clock: SetClock, lesson: int, retention: Retention, kind: HeldKind, days: int
) -> None:
    ada = school.students[0].id
    number = {HeldKind.COURSE: school.course.id, HeldKind.SESSION: lesson, HeldKind.STUDENT: ada}[kind]
    holds = Holds(database, clock)
    placed = holds.place(kind, number, "a complaint", "the head", school.admin.id)
    whole = kind is not HeldKind.STUDENT
    Rollups(database).update()
    clock.advance(days * DAY_S)
    done = retention.run_nightly(None)
    assert done is not None and done.held == 1 and done.reduced + done.erased == (0 if whole else 1)
    for table in (SampleRow, ScoreRow, GestureRow, SessionRollup, MinuteRollup):
        mine = count(database, table, table.student_id == ada)
        others = count(database, table, table.student_id != ada)
        rolled = table in (SessionRollup, MinuteRollup)
        assert mine > 0 and (others > 0) == (whole or (rolled and days < 100)), table
    assert count(database, ClassSession) == 1
    assert count(database, RiskFlag) == (0 if kind is HeldKind.SESSION and days > 100 else 1)
    (due,) = retention.due()
    assert due.held, "what is left is all held"
    clock.advance(DAY_S)
    assert retention.run_nightly(None) == Done(0, 0, 1, 0)

    holds.release(placed.id, school.admin.id)
    clock.advance(DAY_S)
    assert retention.run_nightly(None) is not None
    assert count(database, SampleRow) == 0 and count(database, ClassSession) == (1 if days < 100 else 0)
    assert {"place_hold", "release_hold"} <= set(actions(database))


@pytest.mark.parametrize("kind", list(HeldKind))
def test_a_held_student_cannot_be_erased_and_is_told_whom_to_ask(
    school: School, database: Database, clock: SetClock, lesson: int, kind: HeldKind
) -> None:
    ada = school.students[0].id
    number = {HeldKind.COURSE: school.course.id, HeldKind.SESSION: lesson, HeldKind.STUDENT: ada}[kind]
    holds, students = Holds(database, clock), Students(database, clock)
    placed = holds.place(kind, number, "a complaint", "Ms Weber, privacy@school.example")
    before = everything(database)
    with pytest.raises(RequestError, match=r"legal hold .* Ask Ms Weber, privacy@school\.example\."):
        students.erase(ada, "Ada", school.admin.id)
    assert everything(database) == before
    if kind is HeldKind.STUDENT:
        with pytest.raises(StorageError), database.write() as session:
            session.connection().exec_driver_sql(f"DELETE FROM students WHERE id = {ada}")
    holds.release(placed.id)
    students.erase(ada, "Ada", school.admin.id)
    assert students.student(ada) is None
    with pytest.raises(RequestError, match="no legal hold" if kind is HeldKind.STUDENT else "released already"):
        holds.release(placed.id)


@ONLY_SQLITE
def test_a_hold_that_a_backup_brought_back_keeps_nobody_who_was_erased(
    school: School, database: Database, clock: SetClock
) -> None:
    ada = school.students[0].id
    Holds(database, clock).place(HeldKind.STUDENT, ada, "a complaint", "the head")
    Students(database, clock).erase_again(ada, None, {"after": "restore"})
    assert Students(database, clock).student(ada) is None


@ONLY_SQLITE
def test_the_commands(
    school: School, database: Database, url: str, clock: SetClock, lesson: int, monkeypatch: Any
) -> None:
    clock.advance(31 * DAY_S)
    monkeypatch.setattr("engage.storage.retention.SystemClock", lambda: clock)
    settings = Settings(  # type: ignore[call-arg]
        database={"url": url}, retention={"samples_days": 30}, school={"contact": "Ms Weber"}
    )
    run: Callable[..., Any] = lambda command, *words: CliRunner().invoke(command, list(words), obj=settings)  # noqa: E731
    before = everything(database)
    planned = run(retention_command, "--dry-run")
    assert planned.exit_code == 0 and "450 seconds" in planned.output and "Nothing was changed" in planned.output
    assert everything(database) == before
    assert "Legal hold 1" in run(hold_command, "add", "--session", str(lesson), "--reason", "a complaint").output
    assert f"session {lesson}" in (told := run(hold_command, "list").output) and "(ask Ms Weber)" in told
    assert "held" in run(retention_command, "--dry-run").output
    assert "0 sessions were reduced" in run(retention_command).output and count(database, SampleRow) == 450
    assert "released" in run(hold_command, "release", "1").output
    assert "There is no legal hold." in run(hold_command, "list").output
    assert "released 2026" in run(hold_command, "list", "--all").output
    clock.advance(60)
    assert "1 sessions were reduced" in run(retention_command).output and count(database, SampleRow) == 0
    for wrong in (["--session", "99"], ["--session", "1", "--student", "1"], []):
        assert isinstance(run(hold_command, "add", "--reason", "x", *wrong).exception, RequestError)


@pytest.mark.parametrize("values", [{"samples_days": 0}, {"erase_days": 10}, {"samples_days": 40_000}])
def test_periods_that_make_no_sense_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="days"):
        RetentionSettings(**values)
    forever = RetentionSettings(samples_days=None, erase_days=None)
    assert forever.erased_before(START) is None is forever.reduced_before(START)
