"""Backups: complete, private, checked before anything is touched; and nobody who was erased comes back."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from engage.core.types import Reason, Sample, Score, ScoredSample
from engage.errors import StorageError
from engage.storage import postgres_programs, revisions, soundness
from engage.storage.backup import back_up, read_manifest
from engage.storage.database import Database
from engage.storage.erasures import Erased, ErasureList
from engage.storage.migrate import downgrade
from engage.storage.records import NewStudent
from engage.storage.restore import restore
from engage.storage.store import SqlStore
from engage.storage.students import Students
from engage.storage.tables import SampleRow, Student
from tests.databases import School, SetClock


@pytest.fixture
def erasures(tmp_path: Path) -> ErasureList:
    return ErasureList(tmp_path / "list" / "engage.db.erased")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "school.backup"


def names(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Student.name).order_by(Student.id)))


def add_seconds(database: Database, school: School, seconds: range) -> None:
    for second in seconds:
        at = school.session.started_at + timedelta(seconds=second)
        sample = Sample(school.session.id, school.students[0].id, second, at, 5, 1.0, 1.0, 0.9, 0.5)
        SqlStore(database).write([ScoredSample(sample, Score(None, 0.5, Reason.AWAY), "one")])


def count_seconds(database: Database) -> int:
    with database.read() as session:
        return len(session.scalars(select(SampleRow.second)).all())


def test_a_backup_comes_back_as_it_was(database: Database, school: School, file: Path, erasures: ErasureList) -> None:
    add_seconds(database, school, range(5))
    manifest = back_up(database, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.glob(".engage*")] == []
    assert manifest == read_manifest(file)
    assert manifest.revision == revisions.known()[0]
    assert abs(datetime.now(UTC) - manifest.made_at) < timedelta(minutes=1)
    add_seconds(database, school, range(5, 9))
    school.classroom.create_student(school.course.id, NewStudent("Dan", minor=False))
    restored = restore(database, file, erasures)
    assert (restored.erased, restored.present_asked) == ((), True)
    assert names(database) == ["Ada", "Ben", "Chi"]
    assert count_seconds(database) == 5
    soundness.check(database)
    if database.sqlite:
        assert {each.name for each in database.file.parent.iterdir()} >= {"engage.db"}
        assert database.file.stat().st_mode & 0o777 == 0o600
        assert [each.name for each in database.file.parent.glob(".engage*")] == []
    else:
        with database.engine.connect() as connection:
            left = "SELECT count(*) FROM pg_database WHERE datname LIKE '%%restoring%%'"
            assert connection.exec_driver_sql(left).scalar() == 0


def test_a_backup_is_made_while_others_write(database: Database, school: School, file: Path, url: str) -> None:
    first, stop = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def write() -> None:
        other = Database(url)
        second = 0
        try:
            while not stop.is_set():
                add_seconds(other, school, range(second, second + 1))
                second += 1
                first.set()
        except StorageError as error:
            errors.append(error)
        finally:
            other.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert first.wait(30)
    for _ in range(3):
        back_up(database, file, replace=True)
    stop.set()
    writer.join()
    assert errors == []
    assert read_manifest(file).size > 0


def test_a_backup_that_is_there_is_not_replaced(database: Database, file: Path) -> None:
    file.write_text("precious")
    with pytest.raises(StorageError, match="there already; give --yes"):
        back_up(database, file)
    assert file.read_text() == "precious"
    back_up(database, file, replace=True)
    assert read_manifest(file).format == 1


def test_nothing_is_backed_up_where_there_is_nothing(empty_url: str, file: Path) -> None:
    database = Database(empty_url)
    with pytest.raises(StorageError, match="nothing to back up"):
        back_up(database, file)
    database.close()
    assert not file.exists()


def change_content(file: Path) -> None:
    """Exchange the copy in a backup for another, as the archive's own checksums would not notice."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    content = bytearray(parts["database"])
    content[len(content) // 2] ^= 1
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", parts["manifest.json"])
        archive.writestr("database", bytes(content))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def replace_by_text(file: Path) -> None:
    file.write_text("no backup at all")


def say_another_engine(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(parts["manifest.json"])
    about["engine"] = "postgresql" if about["engine"] == "sqlite" else "sqlite"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", json.dumps(about))
        archive.writestr("database", parts["database"])


@pytest.mark.parametrize("spoil", [change_content, cut, flip, replace_by_text, say_another_engine])
def test_a_spoilt_backup_changes_nothing(
    database: Database, school: School, file: Path, erasures: ErasureList, spoil: Callable[[Path], None]
) -> None:
    back_up(database, file)
    school.classroom.create_student(school.course.id, NewStudent("Dan", minor=False))
    spoil(file)
    with pytest.raises(StorageError, match=r"Nothing was changed\.") as caught:
        restore(database, file, erasures)
    assert "\n" not in str(caught.value)
    assert names(database) == ["Ada", "Ben", "Chi", "Dan"]
    soundness.check(database)


def test_a_restored_database_that_is_not_sound_does_not_take_the_place(
    database: Database, school: School, file: Path, erasures: ErasureList
) -> None:
    with database.write() as session:
        if database.sqlite:
            session.connection().exec_driver_sql("DROP TRIGGER IF EXISTS audit_log_update")
            triggers = session.connection().exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in triggers.scalars().all():
                session.connection().exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            session.connection().exec_driver_sql("ALTER TABLE audit_log DISABLE TRIGGER USER")
        session.connection().exec_driver_sql("UPDATE audit_log SET action = 'forged' WHERE id = 2")
    back_up(database, file)
    school.classroom.create_student(school.course.id, NewStudent("Dan", minor=False))
    with pytest.raises(StorageError, match="audit log is broken at row 2"):
        restore(database, file, erasures)
    assert names(database) == ["Ada", "Ben", "Chi", "Dan"]


def test_a_database_in_use_is_not_replaced(
    database: Database, school: School, file: Path, erasures: ErasureList, url: str
) -> None:
    back_up(database, file)
    school.classroom.create_student(school.course.id, NewStudent("Dan", minor=False))
    running = Database(url)
    running.check()
    with pytest.raises(StorageError, match=r"is in use; stop what has it open"):
        restore(database, file, erasures)
    assert names(running) == ["Ada", "Ben", "Chi", "Dan"]
    database.close()
    running.close()
    restore(database, file, erasures)
    assert names(database) == ["Ada", "Ben", "Chi"]


def erase(database: Database, school: School, number: int, erasures: ErasureList | None) -> None:
    student = school.students[number]
    Students(database, erasures=erasures).erase(student.id, student.name, school.admin.id)


@pytest.mark.parametrize("noted", [True, False])
def test_who_was_erased_since_is_erased_again(
    database: Database, school: School, file: Path, erasures: ErasureList, noted: bool
) -> None:
    add_seconds(database, school, range(5))
    back_up(database, file)
    erase(database, school, 0, erasures if noted else None)
    restored = restore(database, file, erasures)
    assert restored.erased == (school.students[0].id,)
    assert names(database) == ["Ben", "Chi"]
    assert count_seconds(database) == 0
    again = restore(database, file, erasures)  # the audit log of the restored one says so too
    assert again.erased == (school.students[0].id,)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_the_list_tells_where_the_database_cannot(
    database: Database, school: School, file: Path, erasures: ErasureList, how: str
) -> None:
    back_up(database, file)
    erase(database, school, 1, erasures)
    database.close()
    database.file.unlink() if how == "gone" else database.file.write_bytes(b"not a database any more" * 1000)
    restored = restore(database, file, erasures)
    assert restored.erased == (school.students[1].id,)
    assert restored.present_asked is (how == "gone")
    assert names(database) == ["Ada", "Chi"]
    assert school.students[1].name not in erasures.file.read_text()
    assert erasures.file.stat().st_mode & 0o777 == 0o600


def test_numbers_of_erased_students_are_not_given_again(
    database: Database, school: School, file: Path, erasures: ErasureList
) -> None:
    back_up(database, file)
    dan = school.classroom.create_student(school.course.id, NewStudent("Dan", minor=False))
    Students(database, erasures=erasures).erase(dan.id, "Dan", None)
    restore(database, file, erasures)
    eva = school.classroom.create_student(school.course.id, NewStudent("Eva", minor=False))
    assert eva.id > dan.id
    back_up(database, file, replace=True)
    assert restore(database, file, erasures).erased == ()
    assert names(database) == ["Ada", "Ben", "Chi", "Eva"]


def test_another_databases_erasures_are_not_replayed(
    database: Database, school: School, file: Path, erasures: ErasureList
) -> None:
    back_up(database, file)
    erasures.append(Erased(school.students[0].id, datetime.now(UTC), "f" * 64))
    assert restore(database, file, erasures).erased == ()
    assert names(database) == ["Ada", "Ben", "Chi"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_erasure_that_cannot_be_noted_is_not_made(database: Database, school: School, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageError, match="nothing was erased"):
        erase(database, school, 0, ErasureList(tmp_path / "taken"))
    assert names(database) == ["Ada", "Ben", "Chi"]


def test_a_line_cut_short_spoils_no_other(erasures: ErasureList) -> None:
    entries = [Erased(number, datetime(2026, 11, 22, 9, number, tzinfo=UTC), "a" * 64) for number in range(3)]
    erasures.append(entries[0])
    with erasures.file.open("a") as stream:
        stream.write('\n{"student": 7, "at"')
    for entry in entries[1:]:
        erasures.append(entry)
    assert erasures.read() == entries


def test_an_older_backup_is_brought_up_to_the_program(
    database: Database, school: School, file: Path, erasures: ErasureList
) -> None:
    downgrade(database, "0009")
    assert back_up(database, file).revision == "0009"
    restore(database, file, erasures)
    database.check()
    assert names(database) == ["Ada", "Ben", "Chi"]


def test_a_newer_backup_is_refused(database: Database, school: School, file: Path, erasures: ErasureList) -> None:
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    back_up(database, file)
    with database.write() as session:
        session.connection().exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revisions.known()[0]}'")
    with pytest.raises(StorageError, match="newer version of this program"):
        restore(database, file, erasures)
    database.check()


def test_a_missing_program_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_programs, "DEBIAN", tmp_path)
    with pytest.raises(StorageError, match=r"pg_dump is not installed.*postgresql-client"):
        postgres_programs.found("pg_dump")


@pytest.mark.postgres
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_what_pg_dump_says_is_one_line(database: Database, file: Path) -> None:
    with pytest.raises(StorageError, match="pg_dump failed") as caught:
        postgres_programs.dump(database.address.set(database="nowhere"), file)
    assert "\n" not in str(caught.value)


def test_times_of_a_backup_are_those_of_the_clock(database: Database, file: Path, clock: SetClock) -> None:
    assert back_up(database, file, clock=clock).made_at == clock.now()
