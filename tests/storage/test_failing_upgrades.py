"""A migration that breaks off half-way, by an error or killed: tables and rows are what they were before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from engage.errors import StorageError
from engage.storage import revisions, soundness
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from tests.databases import School

HALF = """
    op.create_table("half_way", sa.Column("id", sa.Integer, primary_key=True))
    with op.batch_alter_table("students") as students:
        students.add_column(sa.Column("half_way", sa.Integer))
    op.execute("DELETE FROM enrolments")
    op.execute("UPDATE students SET name = 'half-way'")
"""
ENDS = {"error": 'op.execute("INSERT INTO no_such_table VALUES (1)")', "kill": "os.kill(os.getpid(), signal.SIGKILL)"}

PROGRAM = """
import sys
from pathlib import Path
from engage.storage import revisions
from engage.storage.database import Database
from engage.storage.migrate import upgrade
revisions.FOLDER = Path(sys.argv[1])
upgrade(Database(sys.argv[2]))
"""


def migrations_that_end(how: str, folder: Path) -> Path:
    """Return a copy of the migrations with one more, which changes much and then ends ``how``."""
    shutil.copytree(revisions.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    lines = [
        "import os, signal", "import sqlalchemy as sa", "from alembic import op",
        "revision = '9999'", f"down_revision = '{revisions.known()[0]}'",
        "def upgrade() -> None:" + HALF + "    " + ENDS[how],
    ]  # fmt: skip
    (folder / "versions" / "9999_half_way.py").write_text("\n".join(lines))
    return folder


def contents(database: Database) -> dict[str, list[str]]:
    """Return every table's columns and rows."""
    with database.engine.connect() as connection:
        return {
            name: [str(column["name"]) for column in inspect(connection).get_columns(name)]
            + sorted(str(row) for row in connection.execute(text(f"SELECT * FROM {name}")))
            for name in inspect(connection).get_table_names()
        }


def test_an_error_half_way_leaves_everything_as_it_was(
    database: Database, school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(database)
    with monkeypatch.context() as patch:
        patch.setattr(revisions, "FOLDER", migrations_that_end("error", tmp_path / "migrations"))
        revisions.known.cache_clear()
        try:
            with pytest.raises(StorageError, match=r"lacks a (table|column)"):
                upgrade(database)
        finally:
            revisions.known.cache_clear()
    assert contents(database) == before
    soundness.check(database)


def test_being_killed_half_way_leaves_everything_as_it_was(
    database: Database, url: str, school: School, tmp_path: Path
) -> None:
    before = contents(database)
    folder = migrations_that_end("kill", tmp_path / "migrations")
    database.close()
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(folder), url], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    assert contents(database) == before
    soundness.check(database)
    upgrade(database)  # nothing is left locked
