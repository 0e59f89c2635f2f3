"""A backup put in the place of the present database, without bringing back who was erased since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from engage.errors import StorageError
from engage.storage import audit, next_ids, soundness
from engage.storage.backup import Manifest, read_manifest, unpack
from engage.storage.database import Database
from engage.storage.erasures import ErasureList
from engage.storage.migrate import upgrade
from engage.storage.places import place_of
from engage.storage.students import Students
from engage.storage.tables import AuditEntry, Student

NOTED_EARLY = timedelta(minutes=10)
"""An erasure is noted before it is committed: one noted a little before a backup may not be in it."""


@dataclass(frozen=True, slots=True)
class Present:
    """What the database to be replaced says: erasures (hash of the audit log's row, student), the last student's id."""

    log: str | None
    erased: dict[str, int]
    last_student: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the backup, the students erased again, and whether the replaced database could be asked."""

    manifest: Manifest
    erased: tuple[int, ...]
    present_asked: bool


def restore(database: Database, file: Path, erasures: ErasureList) -> Restored:
    """Replace ``database`` by the backup ``file``: whole and checked, or not at all.

    The backup's checksum is verified first. A database is made from it beside the present one, brought up to this
    program, freed of everybody erased since, and checked; only then it takes the other's place, which is deleted.
    StorageError where the backup is damaged, of the other engine or of a newer program, or the database is in use.
    """
    manifest = read_manifest(file)
    engine = database.engine.dialect.name
    if manifest.engine != engine:
        raise StorageError(
            f"{file} is a backup of {manifest.engine}, and {database.name} is {engine}; restore it there and use "
            "'engage db copy'. Nothing was changed."
        )
    existed = not database.sqlite or database.file.is_file()
    present = _asked(database)
    database.close()
    place = place_of(database)
    with place.folder() as folder:
        content = folder / "engage.db"
        unpack(file, manifest, content)
        with place.held(), place.beside(content) as fresh:
            upgrade(fresh)
            erased = _erase_again(fresh, _missing(fresh, manifest, present, erasures))
            _follow_ids(fresh, present, erasures)
            soundness.check(fresh)
            fresh.close()
            place.swap()
    return Restored(manifest, erased, present is not None or not existed)


def _asked(database: Database) -> Present | None:
    """Return what the present database says, or None where there is none, or it cannot be read."""
    if database.sqlite and not database.file.is_file():
        return None
    try:
        database.open()
        with database.read() as session:
            rows = select(AuditEntry.hash, AuditEntry.object_id).where(AuditEntry.action == "erase_student")
            erased = {row_hash: student_id for row_hash, student_id in session.execute(rows) if student_id is not None}
            last = next_ids.last_given(session.connection(), Student.__table__)  # type: ignore[arg-type]  # a plain table
            return Present(audit.origin(session), erased, last)
    except StorageError:
        return None
    finally:
        database.close()


def _missing(fresh: Database, manifest: Manifest, present: Present | None, erasures: ErasureList) -> list[int]:
    """Return which students of the restored database were erased after it was backed up.

    Numbers mean the same people only where the audit logs begin with the same row; an empty one is anybody's.
    """
    since = manifest.made_at - NOTED_EARLY
    with fresh.read() as session:
        log = audit.origin(session)
        known = set(session.scalars(select(AuditEntry.hash).where(AuditEntry.action == "erase_student")))
        students = set(session.scalars(select(Student.id)))
    listed = {each.student_id for each in erasures.read() if each.at >= since and log in (None, each.log)}
    if present is not None and log in (None, present.log):
        listed |= {student_id for row_hash, student_id in present.erased.items() if row_hash not in known}
    return sorted(listed & students)


def _erase_again(fresh: Database, student_ids: list[int]) -> tuple[int, ...]:
    students = Students(fresh)
    for student_id in student_ids:
        students.erase_again(student_id, None, {"after": "restore"})
    return tuple(student_ids)


def _follow_ids(fresh: Database, present: Present | None, erasures: ErasureList) -> None:
    """Give no student's number a second time, though the backup does not know it: erasures keep their meaning."""
    with fresh.write() as session:
        connection, table = session.connection(), Student.__table__
        log = audit.origin(session)
        listed = [each.student_id for each in erasures.read() if each.log == log]
        last = max([next_ids.last_given(connection, table), present.last_student if present else 0, *listed])  # type: ignore[arg-type]  # a plain table
        next_ids.follow(connection, table, last)  # type: ignore[arg-type]  # a plain table
