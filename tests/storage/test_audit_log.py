"""The audit log: every change of consequence is in it, rows are chained, and none can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.storage.audit import FIRST_HASH, row_hash
from engage.storage.database import Database
from engage.storage.tables import AuditEntry

if TYPE_CHECKING:
    from tests.databases import School

SETTING_UP = ["create_user"] * 3 + ["create_course"] + ["create_student"] * 3 + ["add_source"] * 3


def entries(database: Database) -> list[AuditEntry]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_changes_of_consequence_are_in_the_log(school: School, database: Database) -> None:
    session, teacher = school.session.id, school.teacher.id
    school.classroom.save_setup(Jurisdiction.UK, Mode.FULL, school.admin.id)
    school.classroom.set_paused(session, None, True, teacher)
    school.classroom.set_paused(session, None, True, teacher)
    school.classroom.set_paused(session, None, False, teacher)
    school.classroom.add_marker(session, teacher, "note")
    school.classroom.end_session(session, teacher)
    school.classroom.end_session(session, teacher)
    school.classroom.archive_student(school.students[0].id, teacher)
    school.classroom.archive_course(school.course.id, teacher)
    log = entries(database)
    assert [entry.action for entry in log] == [
        *SETTING_UP,
        *["record_consent"] * 2,
        "start_session",
        "save_setup",
        "pause",
        "resume",
        "add_marker",
        "end_session",
        "archive_student",
        "archive_course",
    ]
    assert {entry.actor_id for entry in log if entry.action in ("pause", "end_session")} == {teacher}


def test_the_log_holds_no_names(school: School, database: Database) -> None:
    text = " ".join(f"{entry.action} {entry.object_type} {entry.details}" for entry in entries(database))
    for name in ("Ada", "Ben", "Chi", "Physics", "example.org", "Teacher"):
        assert name not in text


def test_rows_are_chained(school: School, database: Database) -> None:
    log = entries(database)
    assert [entry.prev_hash for entry in log] == [FIRST_HASH, *(entry.hash for entry in log[:-1])]
    assert [entry.hash for entry in log] == [row_hash(entry) for entry in log]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor_id = 1", "DELETE FROM audit_log WHERE id = 1"], ids=["update", "delete"]
)
def test_rows_cannot_be_changed(school: School, database: Database, statement: str) -> None:
    before = [entry.hash for entry in entries(database)]
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert [entry.hash for entry in entries(database)] == before
