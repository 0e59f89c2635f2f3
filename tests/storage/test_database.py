"""Opening databases, good and bad: what goes wrong is one line that says what to do."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.errors import SettingsError, StorageError
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade

NOBODY = 65534


def pragma(database: Database, name: str) -> object:
    with database.engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def save(database: Database) -> None:
    Classroom(database).save_setup(Jurisdiction.EU, Mode.PRESENCE, None)


def test_opening_makes_folder_and_file_and_sets_sqlite_up(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'engage.db'}")
    database.open()
    assert (tmp_path / "new" / "folder" / "engage.db").is_file()
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "foreign_keys") == 1
    assert pragma(database, "synchronous") == 1
    assert pragma(database, "busy_timeout") == 5000
    upgrade(database)
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "new" / "folder").iterdir()} == {0}
    database.close()
    database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://root:hunter2@host/engage", "begins with 'mysql'"),
        ("nonsense", "cannot be understood"),
        ("postgresql://user:hunter2@host:port/engage", "cannot be understood"),
    ],
)
def test_an_address_of_no_use_is_one_clear_line_without_password(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        Database(url)
    assert "hunter2" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_server_that_does_not_answer_is_named_without_password() -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        port = taken.getsockname()[1]
        with pytest.raises(StorageError, match=f"127.0.0.1:{port}.* cannot be reached") as caught:
            Database(f"postgresql://engage:hunter2@127.0.0.1:{port}/engage").open()
    assert "hunter2" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.postgres
def test_a_missing_database_and_user_are_told_apart(postgres_server: object) -> None:
    url = postgres_server.url  # type: ignore[attr-defined]
    with pytest.raises(StorageError, match="does not exist; create it"):
        Database(url.set(database="nowhere").render_as_string(hide_password=False)).open()


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all, but long enough to be read as one " * 50)
    with pytest.raises(StorageError, match=r"notes\.txt is not a SQLite database"):
        Database(f"sqlite:///{tmp_path / 'notes.txt'}").open()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is a folder"):
        Database(f"sqlite:///{tmp_path}").open()


def test_a_file_where_the_folder_should_be_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        Database(f"sqlite:///{tmp_path / 'file' / 'engage.db'}").open()


@pytest.fixture
def forbidden() -> Iterator[Path]:
    """Yield a folder that may be read but not written, and let the test run as somebody to whom that applies."""
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to all but their owner
        folder = Path(place) / "locked"
        folder.mkdir()
        upgrade(made := Database(f"sqlite:///{folder / 'old.db'}"))
        made.close()
        folder.chmod(0o555)
        Path(place).chmod(0o755)
        try:
            if os.geteuid() == 0:
                os.seteuid(NOBODY)
            yield folder
        finally:
            os.seteuid(os.getuid())
            folder.chmod(0o755)


def test_a_read_only_folder_is_said_so(forbidden: Path) -> None:
    for name in ("new.db", "old.db"):
        with pytest.raises(StorageError, match="read-only"):
            Database(f"sqlite:///{forbidden / name}").open()
    with pytest.raises(StorageError, match="cannot be made"):
        Database(f"sqlite:///{forbidden / 'deeper' / 'engage.db'}").open()


def test_a_file_that_turns_read_only_later_is_said_so(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = 1")
    with pytest.raises(StorageError, match="read-only"):
        save(database)
    database.close()


def test_a_locked_file_is_said_so_and_works_again_afterwards(sqlite_url: str) -> None:
    database = Database(sqlite_url, busy_timeout_s=0.05)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked by another program"):
        save(database)
    other.execute("ROLLBACK")
    other.close()
    save(database)
    database.close()


def test_reading_does_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM users")
        assert Accounts(database).count_users() == 0


def test_writers_wait_for_one_another(database: Database, school: object) -> None:
    classroom = Classroom(database)
    course = school.course.id  # type: ignore[attr-defined]
    errors: list[Exception] = []

    def add_ten(number: int) -> None:
        try:
            for k in range(10):
                classroom.create_course(f"Course {number}-{k}", None)
        except StorageError as error:
            errors.append(error)

    threads = [threading.Thread(target=add_ten, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    admin = school.admin.id  # type: ignore[attr-defined]
    assert len(school.queries.courses_for(admin)) == 41  # type: ignore[attr-defined]
    assert course in {c.id for c in school.queries.courses_for(admin)}  # type: ignore[attr-defined]


def test_a_full_disk_is_said_so_and_nothing_is_lost(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    accounts = Accounts(database)
    accounts.count_users()
    with database.engine.connect() as connection:  # the pool hands out this one connection again
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pragma(database, 'page_count')}")
    with pytest.raises(StorageError, match="disk is full") as caught:
        for number in range(1000):
            Classroom(database).create_course(f"Course {number} " + "x" * 150, None)
    assert "\n" not in str(caught.value)
    database.close()
    database.verify()
    database.close()


def test_a_child_process_gets_connections_of_its_own(database: Database, school: object) -> None:
    accounts = Accounts(database)
    assert accounts.count_users() == 3
    inherited = database.engine
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=lambda: results.put((accounts.count_users(), database.engine is inherited)))
    child.start()
    assert results.get(timeout=30) == (3, False)
    child.join()
    assert accounts.count_users() == 3


def test_a_database_without_tables_is_said_so(empty_url: str) -> None:
    database = Database(empty_url)
    database.open()
    with pytest.raises(StorageError, match="has no tables yet; run 'engage db upgrade'"):
        database.check()
    with pytest.raises(StorageError, match="lacks a table"):
        Accounts(database).count_users()
    database.close()


def test_verify_finds_damage(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    upgrade(database)
    for _ in range(200):
        Classroom(database).create_course("x" * 200, None)
    database.close()
    file = tmp_path / "engage.db"
    content = bytearray(file.read_bytes())
    content[-8192:-4096] = b"\xff" * 4096
    file.write_bytes(content)
    with pytest.raises(StorageError, match="is damaged"):
        database.verify()
    database.close()


def test_verify_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="does not exist yet"):
        Database(f"sqlite:///{tmp_path / 'none.db'}").verify()
    assert list(tmp_path.iterdir()) == []
