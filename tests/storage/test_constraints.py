"""What the database itself refuses, whatever the program does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from engage.storage.database import Database

if TYPE_CHECKING:
    from tests.databases import School

NOW = "'2026-11-22 09:00:00.000000'"
FORBIDDEN = {
    "address in capitals": "UPDATE users SET email = 'ADMIN@example.org' WHERE id = {admin}",
    "address twice": "UPDATE users SET email = 'admin@example.org'",
    "unknown role": "UPDATE users SET role = 'king'",
    "empty name": "UPDATE students SET name = ''",
    "second running session": (
        "INSERT INTO class_sessions (course_id, title, started_at, state) VALUES ({course}, 'x', {now}, 'running')"
    ),
    "ended without a time": "UPDATE class_sessions SET state = 'ended'",
    "source of nobody": "UPDATE sources SET student_id = NULL",
    "second camera in use": (
        "INSERT INTO sources (student_id, kind, address, enabled, created_at)"
        " VALUES ({ada}, 'camera', '1', (1 = 1), {now})"
    ),
    "consent of an unknown student": (
        "INSERT INTO consents (student_id, granted, given_by, answered_at) VALUES (99, (1 = 1), 'student', {now})"
    ),
    "consent by a neighbour": (
        "INSERT INTO consents (student_id, granted, given_by, answered_at) VALUES ({ada}, (1 = 1), 'neighbour', {now})"
    ),
    "enrolled twice": "INSERT INTO enrolments (course_id, student_id, enrolled_at) VALUES ({course}, {ada}, {now})",
    "gesture that ends before it starts": (
        "INSERT INTO gestures (session_id, student_id, kind, started_at, ended_at, strength) "
        "VALUES ({session}, {ada}, 'nod', {now}, '2026-11-22 08:00:00.000000', 0.5)"
    ),
    "expression in presence mode": (
        "INSERT INTO samples (session_id, student_id, second, captured_at, frames, duration_s, face_share, brightness,"
        " mode, p_neutral, p_happiness, p_surprise, p_sadness, p_anger, p_disgust, p_fear, p_contempt)"
        " VALUES ({session}, {ada}, 1, {now}, 1, 1, 1, 0.5, 'presence', 1, 0, 0, 0, 0, 0, 0, 0)"
    ),
    "half an expression": (
        "INSERT INTO samples (session_id, student_id, second, captured_at, frames, duration_s, face_share, brightness,"
        " mode, p_happiness) VALUES ({session}, {ada}, 1, {now}, 1, 1, 1, 0.5, 'full', 1)"
    ),
    "check-in of 6": (
        "INSERT INTO feedback (session_id, student_id, kind, value, from_at, until_at, created_at)"
        " VALUES ({session}, {ada}, 'check_in', 6, {now}, {now}, {now})"
    ),
    "flag decided without a time": (
        "INSERT INTO risk_flags (student_id, level, reasons, state, raised_at)"
        " VALUES ({ada}, 'watch', '[]', 'confirmed', {now})"
    ),
    "alert of no rule": (
        "INSERT INTO alerts (session_id, rule, state, started_at, details)"
        " VALUES ({session}, '', 'firing', {now}, '{{}}')"
    ),
}


def test_the_database_refuses(school: School, database: Database) -> None:
    ids = {
        "admin": school.admin.id,
        "course": school.course.id,
        "ada": school.students[0].id,
        "session": school.session.id,
    }
    assert [what for what in FORBIDDEN if accepts(database, FORBIDDEN[what].format(now=NOW, **ids))] == []


def accepts(database: Database, statement: str) -> bool:
    with database.engine.connect() as connection:
        try:
            connection.exec_driver_sql(statement)
        except IntegrityError:
            return False
        return True


def test_erasing_a_student_takes_all_of_theirs_along(school: School, database: Database) -> None:
    with database.engine.begin() as connection:
        ada = school.students[0].id
        connection.exec_driver_sql(f"DELETE FROM students WHERE id = {ada}")
        for table in ("enrolments", "consents", "sources"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table} WHERE student_id = {ada}").scalar() == 0


def test_an_account_may_go_and_what_it_did_stays(school: School, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM users WHERE id = {school.teacher.id}")
    assert school.queries.session(school.session.id).started_by is None


def test_ids_are_not_used_again(school: School, database: Database) -> None:
    newest = school.students[-1].id
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM students WHERE id = {newest}")
        connection.exec_driver_sql(
            f"INSERT INTO students (name, minor, virtual, created_at) VALUES ('New', (1 = 0), (1 = 0), {NOW})"
        )
        assert connection.exec_driver_sql("SELECT max(id) FROM students").scalar() > newest
