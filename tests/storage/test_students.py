"""One student across sessions: who may see, what is handed out, what is left after erasing."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select

from engage.core.policy import GivenBy
from engage.core.risk import Attendance
from engage.core.types import GestureEvent, Reason, Sample, Score, ScoredSample
from engage.errors import RequestError
from engage.reports.student_file import write_zip
from engage.storage.attendance import Register
from engage.storage.database import Database
from engage.storage.export import belongings
from engage.storage.records import NewStudent, Role
from engage.storage.rollups import Rollups
from engage.storage.store import SqlStore
from engage.storage.students import Students
from engage.storage.tables import AuditEntry, Base, Source, User

if TYPE_CHECKING:
    from tests.databases import School, SetClock

NAMES = ("Zoë Ångström", "李小龍", "👩‍🎓 O'Neill", "=1+1", "‮abc", "  Anna   Maria ")


@pytest.fixture
def students(database: Database, clock: SetClock) -> Students:
    return Students(database, clock)


def seen(school: School, database: Database, clock: SetClock, values: dict[int, float | None]) -> None:
    """Write two seconds of each student and a nod, and count them."""
    rows = []
    for k in range(2):
        at = clock.now() + timedelta(seconds=k)
        for student, value in values.items():
            sample = Sample(school.session.id, student, int(at.timestamp()), at, 5, 1.0, 1.0, 0.9, 0.5)
            rows.append(ScoredSample(sample, Score(value, 0.5, None if value else Reason.AWAY), "one"))
    nods = [
        GestureEvent(school.session.id, s, "nod", clock.now(), clock.now() + timedelta(seconds=1), 0.5) for s in values
    ]
    SqlStore(database).write(rows, nods)
    Rollups(database).update()


def exported(
    database: Database, student_id: int
) -> tuple[dict[str, list[dict[str, object]]], dict[str, list[list[str]]]]:
    """Return a student's zip: the JSON tables, and the CSV tables as rows of cells."""
    stream = io.BytesIO()
    with belongings(database, student_id) as parts:
        write_zip(parts, datetime.now(UTC), stream)
    with zipfile.ZipFile(stream) as archive:
        assert archive.testzip() is None
        names = [name.split("/")[1][:-5] for name in archive.namelist() if name.startswith("json/")]
        as_json = {name: json.loads(archive.read(f"json/{name}.json")) for name in names}
        texts = {name: archive.read(f"csv/{name}.csv").decode("utf-8-sig") for name in names}
    return as_json, {name: list(csv.reader(io.StringIO(text))) for name, text in texts.items()}


def test_who_may_see_and_who_may_erase(school: School, students: Students, database: Database) -> None:
    ada, ben, _ = (student.id for student in school.students)
    own = school.accounts.create_user("ada@example.org", "Ada", "hash", Role.STUDENT)
    stranger = school.accounts.create_user("x@example.org", "X", "hash", Role.STUDENT)
    with database.write() as session:
        session.get_one(User, own.id).student_id = ada
    expected = {  # may see Ada, may erase Ada, may see Ben
        school.admin.id: (True, True, True), school.teacher.id: (True, False, True),
        school.other_teacher.id: (False, False, False), own.id: (True, True, False),
        stranger.id: (False, False, False), 99: (False, False, False),
    }  # fmt: skip
    for user, answers in expected.items():
        assert (students.may_see(user, ada), students.may_erase(user, ada), students.may_see(user, ben)) == answers
    assert not students.may_see(school.admin.id, 2**40)
    with database.write() as session:
        session.get_one(User, school.admin.id).active = False
    assert not students.may_see(school.admin.id, ada) and not students.may_erase(school.admin.id, ada)


def test_sessions_without_data_are_there_and_say_nothing(
    school: School, students: Students, database: Database, clock: SetClock
) -> None:
    ada, ben, _ = (student.id for student in school.students)
    seen(school, database, clock, {ada: 6.0})
    Register(database, clock).mark(school.session.id, {ada: Attendance.PRESENT}, school.teacher.id)
    (there,) = students.sessions(ada)
    assert (there.session_id, there.course_title, there.attendance) == (
        school.session.id,
        "Physics",
        Attendance.PRESENT,
    )
    assert there.tally is not None and there.tally.mean == 6.0
    (gone,) = students.sessions(ben)
    assert (gone.tally, gone.attendance) == (None, None)
    clock.advance(3600)
    school.classroom.end_session(school.session.id)
    clock.advance(60)
    late = school.classroom.create_student(school.course.id, NewStudent("Late", minor=False))
    assert students.sessions(late.id) == students.sessions(99) == []
    assert students.courses(late.id) == [(school.course.id, "Physics")]


def test_sixty_sessions_are_one_query(school: School, students: Students, database: Database) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    students.sessions(school.students[0].id)
    assert len([text for text in statements if text.startswith("SELECT")]) == 1


def test_consents_are_all_there_the_newest_first(school: School, students: Students, clock: SetClock) -> None:
    ada = school.students[0].id
    clock.advance(5)
    school.classroom.record_consent(ada, False, GivenBy.GUARDIAN, None)
    assert [(answer.granted, answer.given_by) for answer in students.consents(ada)] == [
        (False, GivenBy.GUARDIAN), (True, GivenBy.STUDENT)
    ]  # fmt: skip


def test_the_export_holds_every_table_with_a_student(
    school: School, students: Students, database: Database, clock: SetClock
) -> None:
    ada, ben, _ = (student.id for student in school.students)
    school.classroom.add_source("rtsp://me:hunter2@camera.local/1", student_id=ada)
    seen(school, database, clock, {ada: 6.0, ben: 3.0})
    students.record_export(ada, school.admin.id)
    tables, sheets = exported(database, ada)
    assert {table.name for table in Base.metadata.sorted_tables if "student_id" in table.columns} <= set(tables)
    assert [row["name"] for row in tables["students"]] == ["Ada"]
    assert len(tables["samples"]) == len(tables["scores"]) == 2
    assert tables["samples"][0]["captured_at"] == "2026-11-22T09:00:00Z"
    assert [row["value"] for row in tables["scores"]] == [6.0, 6.0]
    assert [row["kind"] for row in tables["gestures"]] == ["nod"]
    assert len(tables["minute_rollups"]) == len(tables["session_rollups"]) == len(tables["sessions"]) == 1
    assert {row["action"] for row in tables["audit_log"]} >= {"create_student", "record_consent", "export_student"}
    assert "hunter2" not in json.dumps(tables) + str(sheets)
    for name, rows in tables.items():
        assert len(sheets[name]) == len(rows) + 1, name


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_exported_and_erased(school: School, students: Students, database: Database, name: str) -> None:
    student = school.classroom.create_student(school.course.id, NewStudent(name, minor=False))
    tables, sheets = exported(database, student.id)
    assert tables["students"][0]["name"] == name.strip()
    cell = sheets["students"][1][1]
    assert not cell.startswith(("=", "+", "-", "@"))
    with pytest.raises(RequestError, match="Nothing was erased"):
        students.erase(student.id, "somebody else", None)
    students.erase(student.id, name, None)
    assert students.student(student.id) is None


def test_erasing_leaves_nothing_but_a_line(
    school: School, students: Students, database: Database, clock: SetClock
) -> None:
    ada, ben, _ = (student.id for student in school.students)
    account = school.accounts.create_user("ada@example.org", "Ada", "hash", Role.STUDENT)
    with database.write() as session:
        session.get_one(User, account.id).student_id = ada
    seen(school, database, clock, {ada: 2.0, ben: 8.0})
    for wrong in ("", "Ben", "ada"):
        with pytest.raises(RequestError):
            students.erase(ada, wrong, school.admin.id)
    assert students.student(ada) is not None
    students.erase(ada, " Ada ", school.admin.id)
    tables, _sheets = exported(database, ada)
    assert {name for name, rows in tables.items() if rows} == {"audit_log"}
    with database.read() as session:
        last = session.scalar(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))
        assert last is not None
        assert (last.action, last.object_id, last.actor_id) == ("erase_student", ada, school.admin.id)
        assert "Ada" not in last.details
        assert session.scalar(select(Source.id).where(Source.student_id == ada)) is None
    assert school.accounts.user(account.id) is None
    with pytest.raises(RequestError):
        students.erase(ada, "Ada", school.admin.id)
    # The class without them: what is computed now, and what is counted again.
    assert [s.tally.mean for s in Rollups(database).course_sessions(school.course.id)] == [8.0]
    seen(school, database, clock, {ben: 8.0})
    assert [(s.student_id, s.tally.mean) for s in Rollups(database).session_students(school.session.id)] == [(ben, 8.0)]
    assert [entry.name for entry in school.queries.roster(school.session.id)] == ["Ben", "Chi"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_erased_name_is_not_left_in_the_file(
    school: School, students: Students, database: Database, url: str
) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    student = school.classroom.create_student(school.course.id, NewStudent("Xanthippe of Athens", minor=False))
    database.close()  # folds the write-ahead log into the file
    assert b"Xanthippe" in file.read_bytes()
    students.erase(student.id, "Xanthippe of Athens", None)
    database.close()
    assert b"Xanthippe" not in file.read_bytes()
