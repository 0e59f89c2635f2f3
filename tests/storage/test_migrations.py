"""The schema: what the migrations make is what the tables say, up and down, on both databases."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, inspect

from engage.errors import StorageError
from engage.storage.database import Database
from engage.storage.migrate import downgrade, upgrade
from engage.storage.tables import Base

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0012", "0013", "0014")
PARTITIONS = {"samples_rest", "scores_rest"}
"""Parts of tables that PostgreSQL lists as tables; see tests/storage/test_partitions.py."""


@pytest.fixture
def empty(empty_url: str) -> Database:
    database = Database(empty_url)
    database.open()
    return database


def is_whole_table(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name not in PARTITIONS


def refers_to_whole_table(each: Any, _name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    return kind != "foreign_key_constraint" or each.elements[0].target_fullname.split(".")[0] not in PARTITIONS


AS_STRICTLY_AS_IT_GOES = {
    "compare_type": True,
    "compare_server_default": True,
    "include_name": is_whole_table,
    "include_object": refers_to_whole_table,
}


def own_tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"} - PARTITIONS


def execute(database: Database, statement: str) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_up_down_and_up_again(empty: Database) -> None:
    assert empty.schema_state() == "empty"
    upgrade(empty)
    assert empty.schema_state() == "current"
    assert own_tables(empty) == set(Base.metadata.tables)
    downgrade(empty, "base")
    assert empty.schema_state() == "empty"
    assert own_tables(empty) == set()
    upgrade(empty)
    assert own_tables(empty) == set(Base.metadata.tables)
    empty.check()
    empty.close()


def test_each_step_down_can_be_taken_up_again(empty: Database) -> None:
    upgrade(empty)
    for revision in reversed(REVISIONS[:-1]):
        downgrade(empty, revision)
        assert empty.schema_state() == "old"
        upgrade(empty)
        assert empty.schema_state() == "current"
        downgrade(empty, revision)
    empty.close()


def test_migrated_tables_are_those_of_the_program(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=AS_STRICTLY_AS_IT_GOES)
        assert compare_metadata(context, Base.metadata) == []


def test_migrated_checks_and_partial_indexes_are_those_of_the_program(database: Database) -> None:
    with database.engine.connect() as connection:
        assert constraints_in(connection) == constraints_declared()
        assert partial_indexes_in(connection) == {
            index.name for table in Base.metadata.tables.values() for index in table.indexes if is_partial(index)
        }


def constraints_in(connection: Connection) -> set[str | None]:
    reader = inspect(connection)
    return {check["name"] for table in Base.metadata.tables for check in reader.get_check_constraints(table)}


def constraints_declared() -> set[str | None]:
    checks = (c for table in Base.metadata.tables.values() for c in table.constraints if isinstance(c, CheckConstraint))
    return {str(check.name) for check in checks}


def is_partial(index: object) -> bool:
    return index.dialect_options["sqlite"]["where"] is not None  # type: ignore[attr-defined]


def partial_indexes_in(connection: Connection) -> set[str | None]:
    reader = inspect(connection)
    option = f"{connection.dialect.name}_where"
    return {
        index["name"]
        for table in Base.metadata.tables
        for index in reader.get_indexes(table)
        if index.get("dialect_options", {}).get(option) is not None
    }


def test_data_survives_going_down_a_step_and_up(database: Database, school: object) -> None:
    downgrade(database, "0003")
    upgrade(database)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM students").scalar() == 3


def test_an_older_schema_is_refused_with_what_to_do(empty: Database) -> None:
    upgrade(empty)
    downgrade(empty, "0002")
    with pytest.raises(StorageError, match="older than this program; run 'engage db upgrade'"):
        empty.check()
    empty.close()


def test_a_newer_schema_is_refused_and_left_alone(empty: Database) -> None:
    upgrade(empty)
    execute(empty, "UPDATE alembic_version SET version_num = '9999'")
    assert empty.schema_state() == "newer"
    for attempt in (empty.check, lambda: upgrade(empty)):
        with pytest.raises(StorageError, match="newer version of this program"):
            attempt()
    assert own_tables(empty) == set(Base.metadata.tables)
    empty.close()


def test_another_programs_tables_are_left_alone(empty: Database) -> None:
    execute(empty, "CREATE TABLE users (name text)")
    with pytest.raises(StorageError, match="another program"):
        upgrade(empty)
    assert own_tables(empty) == {"users"}
    empty.close()


def test_an_upgrade_that_fails_leaves_the_old_state(empty: Database) -> None:
    upgrade(empty)
    downgrade(empty, "0002")
    before = own_tables(empty)
    execute(empty, "CREATE TABLE gestures (name text)")  # in the way of the third migration's last table
    with pytest.raises(StorageError):
        upgrade(empty)
    assert empty.schema_state() == "old"
    assert own_tables(empty) == before | {"gestures"}
    empty.close()


def test_an_unknown_revision_is_one_clear_line(database: Database) -> None:
    with pytest.raises(StorageError, match="cannot be migrated"):
        downgrade(database, "nonsense")


def test_two_programs_may_upgrade_at_once(empty: Database, empty_url: str) -> None:
    program = (
        "import sys; from engage.storage.database import Database; from engage.storage.migrate import upgrade\n"
        "sys.stdin.readline(); upgrade(Database(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, empty_url]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    empty.check()
    empty.close()
