"""``engage audit``: altering, deleting and re-ordering rows is each found, by name of the first broken row."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from engage.cli.audit import audit
from engage.config import Settings
from engage.errors import StorageError
from engage.storage import audit_check
from engage.storage.audit import Action, note
from engage.storage.audit_check import verify_chain
from engage.storage.database import Database
from tests.databases import START

if TYPE_CHECKING:
    from tests.databases import School

WRITERS, EACH = 4, 10


def tamper(database: Database, *statements: str) -> None:
    """Change the log as somebody with the database in hand would: the protection goes first."""
    with database.engine.begin() as connection:
        if database.sqlite:
            for change in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER audit_log_no_{change}")
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_log_append_only ON audit_log")
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statements", "row", "how"),
    [
        (["UPDATE audit_log SET actor_id = 77 WHERE id = 3"], 3, "altered"),
        (["UPDATE audit_log SET details = '{}' || details WHERE id = 2"], 2, "altered"),
        (["UPDATE audit_log SET object_id = 77 WHERE id = 4"], 4, "altered"),
        (["DELETE FROM audit_log WHERE id = 3"], 4, "does not follow"),
        (["DELETE FROM audit_log WHERE id = 1"], 2, "does not follow"),
        (
            [
                "UPDATE audit_log SET id = -1 WHERE id = 3",
                "UPDATE audit_log SET id = 3 WHERE id = 4",
                "UPDATE audit_log SET id = 4 WHERE id = -1",
            ],
            3,
            "does not follow",
        ),
    ],
    ids=["who", "details", "object", "deleted", "first deleted", "re-ordered"],
)
def test_the_first_broken_row_is_named(
    school: School, database: Database, statements: list[str], row: int, how: str
) -> None:
    verify_chain(database)
    tamper(database, *statements)
    with pytest.raises(StorageError, match=rf"broken at row {row}: .*{how}"):
        verify_chain(database)


def test_rows_taken_off_the_end_are_missed_by_their_noted_hash(school: School, database: Database) -> None:
    noted = verify_chain(database)
    assert verify_chain(database, noted.newest) == noted
    tamper(database, "DELETE FROM audit_log WHERE id = (SELECT max(id) FROM audit_log)")
    assert verify_chain(database).rows == noted.rows - 1
    with pytest.raises(StorageError, match="taken off its end"):
        verify_chain(database, noted.newest)


def test_a_log_longer_than_a_page_is_read_whole(
    school: School, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = verify_chain(database).rows
    monkeypatch.setattr(audit_check, "ROWS_AT_ONCE", 3)
    assert rows > 3
    assert verify_chain(database).rows == rows


def test_writers_at_the_same_time_keep_one_chain(school: School, database: Database) -> None:
    before, barrier = verify_chain(database).rows, threading.Barrier(WRITERS)

    def write(actor: int) -> None:
        barrier.wait()
        for number in range(EACH):
            note(database, START, actor, Action("join", "class_session", number))

    threads = [threading.Thread(target=write, args=(actor,)) for actor in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_chain(database).rows == before + WRITERS * EACH


def test_commands(school: School, database: Database, url: str, tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path, "database": {"url": url}})
    chain = verify_chain(database)
    whole = CliRunner().invoke(audit, ["verify", "--known", chain.newest], obj=settings, catch_exceptions=False)
    assert f"{chain.rows} rows" in whole.output
    assert chain.newest in whole.output
    shown = CliRunner().invoke(audit, ["show", "--last", "2"], obj=settings, catch_exceptions=False)
    assert [line.split()[0] for line in shown.output.splitlines()] == [str(chain.rows - 1), str(chain.rows)]
    tamper(database, "DELETE FROM audit_log WHERE id = 2")
    with pytest.raises(StorageError, match="row 3"):
        CliRunner().invoke(audit, ["verify"], obj=settings, catch_exceptions=False)
