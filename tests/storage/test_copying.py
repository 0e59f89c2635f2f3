"""A database copied into an empty one, from each kind to each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, select

from engage.cli.db import db
from engage.cli.stored_lesson import Lesson, store
from engage.config import load
from engage.errors import StorageError
from engage.storage.classroom import Classroom
from engage.storage.copying import copy
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import NewStudent
from engage.storage.rollups import Rollups
from engage.storage.tables import Base
from tests.databases import BACKENDS, PostgresServer


@pytest.fixture(params=BACKENDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Yield a database without tables, of each kind."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'target.db'}")
        yield database
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.fresh()
    database = Database(url.render_as_string(hide_password=False))
    yield database
    database.close()
    server.drop(url)


@pytest.fixture
def filled(database: Database, school: Any) -> Database:
    """Return a database with a lesson in it: samples, scores, gestures, counts, an audit log."""
    store(database, school.session, Lesson(tuple(student.id for student in school.students), 300))
    school.classroom.add_marker(school.session.id, None, "Gruppenarbeit – Ü1 'a' %s \"b\"")
    Rollups(database).update(school.session.id)
    return database


def all_rows(database: Database) -> dict[str, list[Any]]:
    """Return every row of every table, as the program reads it."""
    with database.read() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def test_every_row_arrives_as_it_was(filled: Database, target: Database) -> None:
    told: list[tuple[str, int, int]] = []
    copied = copy(filled, target, lambda *step: told.append(step))
    before = all_rows(filled)
    assert all_rows(target) == before
    assert {each.table: each.rows for each in copied} == {name: len(rows) for name, rows in before.items()}
    assert before["samples"] and before["gestures"] and before["minute_rollups"] and before["audit_log"]
    done = [done for _, done, _ in told]
    assert done == sorted(done) and done[-1] == told[-1][2] == sum(len(rows) for rows in before.values())


def test_there_and_back_is_the_same(filled: Database, target: Database, tmp_path: Path) -> None:
    copied = copy(filled, target)
    back = Database(f"sqlite:///{tmp_path / 'back.db'}")
    try:
        assert copy(target, back) == copied
        assert all_rows(back) == all_rows(filled)
    finally:
        back.close()


def test_the_copy_goes_on_where_the_original_stopped(filled: Database, target: Database, school: Any) -> None:
    gone = school.classroom.create_course("Gone", None)
    with filled.write() as session:
        table = Base.metadata.tables["courses"]
        session.execute(table.delete().where(table.c.id == gone.id))
    copy(filled, target)
    there = Classroom(target, school.classroom._clock)
    course = there.create_course("New", None)
    assert course.id > gone.id
    student = there.create_student(course.id, NewStudent("Dee", minor=False))
    assert student.id > max(each.id for each in school.students)
    session = there.start_session(course.id, None)
    assert session.id > school.session.id
    store(target, session, Lesson((student.id,), 60))
    assert len(Queries(target).samples_since(session.id, 0)) == 60


def test_a_target_with_a_row_is_refused_and_left_alone(filled: Database, target: Database) -> None:
    copy(filled, target)
    before = all_rows(target)
    with pytest.raises(StorageError, match="is not empty"):
        copy(filled, target)
    assert all_rows(target) == before


def test_a_source_without_tables_is_refused(target: Database, tmp_path: Path) -> None:
    for name in ("missing.db", "empty.db"):
        source = Database(f"sqlite:///{tmp_path / name}")
        if name == "empty.db":
            source.open()
        with pytest.raises(StorageError, match="engage db upgrade"):
            copy(source, target)
        source.close()


def test_a_table_that_comes_out_otherwise_is_not_copied(filled: Database, tmp_path: Path) -> None:
    target = Database(f"sqlite:///{tmp_path / 'forgetful.db'}")
    target.open()

    @event.listens_for(target.engine, "connect")
    def forget(raw: Any, _record: Any) -> None:
        raw.execute("PRAGMA ignore_check_constraints = 1")
        if raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'samples'").fetchone()[0]:
            raw.execute(
                "CREATE TEMP TRIGGER t AFTER INSERT ON main.samples WHEN NEW.second % 7 = 0 BEGIN "
                "UPDATE samples SET brightness = 0.25 WHERE rowid = NEW.rowid; END"
            )

    upgrade(target)
    target.engine.dispose()
    with pytest.raises(StorageError, match=r"The table samples came out otherwise .* nothing was copied"):
        copy(filled, target)
    assert not any(all_rows(target).values())
    target.close()


def test_the_command_says_what_was_copied(filled: Database, url: str, target: Database) -> None:
    to_url = target._url.render_as_string(hide_password=False)
    done = CliRunner().invoke(db, ["copy", url, to_url], obj=load(environment={}))
    assert done.exit_code == 0, done.output
    assert "rows and checksums agree" in done.output
    assert "samples" in done.output and "900" in done.output
    again = CliRunner().invoke(db, ["copy", url, to_url], obj=load(environment={}))
    assert isinstance(again.exception, StorageError) and "is not empty" in str(again.exception)
