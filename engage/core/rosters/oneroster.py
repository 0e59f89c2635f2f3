"""OneRoster 1.1 CSV (1EdTech, "OneRoster v1.1: CSV Tables"), bulk mode: a zip of tables as classes of students."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import date

from engage.core.rosters.people import Person, checked
from engage.core.rosters.tables import Problem, Table, read_table

MOST_ENTRIES = 40
LARGEST_FILE = 16 * 1024 * 1024
LARGEST_ALL = 32 * 1024 * 1024
LARGEST_RATIO = 200
"""Text packs to a tenth; what packs to less than a two-hundredth was made to burst."""
MOST_ROWS = 100_000
MOST_STUDENTS = 5_000
NEEDED = ("users", "enrollments", "classes")
OPTIONAL = ("courses", "orgs")
PART = 64 * 1024
BROKEN = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, IndexError,
    KeyError, struct.error,
)  # fmt: skip
"""What Python's reader makes of damaged and encrypted archives."""

TableRow = dict[str, str]


@dataclass(frozen=True, slots=True)
class RosterClass:
    """A class of the file and its students, by name."""

    id: str
    title: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class OneRoster:
    """The classes of a file, by title, and what is wrong with it; where it cannot be used there are no classes."""

    classes: tuple[RosterClass, ...] = ()
    problems: tuple[Problem, ...] = ()


class _UnusableError(Exception):
    """The file as a whole cannot be used."""


def looks_like_zip(data: bytes) -> bool:
    """Return whether a file is a zip."""
    return data.startswith(b"PK\x03\x04")


def read_oneroster(data: bytes, today: date) -> OneRoster:
    """Return the classes with the students enrolled ``today`` or later. A student's number is their ``sourcedId``."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = _unpacked(archive)
        return _classes(_tables(files), today)
    except _UnusableError as error:
        return OneRoster(problems=(Problem(0, str(error)),))
    except BROKEN:
        return OneRoster(problems=(Problem(0, "This zip is damaged or encrypted. Export it again."),))


def _unpacked(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the tables in a zip; never more than the limits, whatever the zip says of itself."""
    entries = [entry for entry in archive.infolist() if not entry.filename.startswith("__MACOSX/")]
    if any(entry.filename == "[Content_Types].xml" for entry in entries):
        raise _UnusableError("This is an Excel or Word file. Save the list as CSV, then choose that file.")
    if len(entries) > MOST_ENTRIES:
        raise _UnusableError(f"The zip has more than {MOST_ENTRIES} files; a OneRoster export has 17 at most.")
    wanted = {f"{name}.csv": name for name in ("manifest", *NEEDED, *OPTIONAL)}
    files: dict[str, bytes] = {}
    left = LARGEST_ALL
    for entry in entries:
        if entry.is_dir() or any(mark in entry.filename for mark in ("/", "\\", ":", "..", "\x00")):
            raise _UnusableError("The zip has folders in it; the tables must lie at its top.")
        name = wanted.get(entry.filename.lower())
        if name is None:
            continue
        if name in files:
            raise _UnusableError(f"{entry.filename} is in the zip twice.")
        files[name] = _unpack(archive, entry, min(left, LARGEST_FILE))
        left -= len(files[name])
    return files


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    found = bytearray()
    with archive.open(entry) as stream:
        while part := stream.read(PART):
            found += part
            if len(found) > limit or len(found) > LARGEST_RATIO * max(entry.compress_size, 1024):
                raise _UnusableError(f"{entry.filename} unpacks to more than a list of students can be.")
    return bytes(found)


@dataclass
class _Tables:
    """The rows of each table by the header's names, each with its line; and what is wrong in them."""

    rows: dict[str, list[tuple[int, TableRow]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, file: str, line: int, text: str) -> None:
        """Note something wrong."""
        self.problems.append(Problem(line, f"{file}.csv: {text}"))

    def active(self, file: str) -> list[tuple[int, TableRow]]:
        """Return the rows of a table that are not marked as deleted."""
        return [(line, row) for line, row in self.rows.get(file, []) if row.get("status", "").lower() != "tobedeleted"]


def _tables(files: dict[str, bytes]) -> _Tables:
    if "manifest" not in files:
        raise _UnusableError("There is no manifest.csv in it. Is this a OneRoster 1.1 export as CSV?")
    said = {row.cells[0].lower(): row.cells[1].lower() for row in _read(files, "manifest").rows if len(row.cells) > 1}
    version = said.get("oneroster.version", "")
    if version != "1.1":
        raise _UnusableError(f"This is OneRoster {version[:10] or 'of no version'}; export it as OneRoster 1.1.")
    tables = _Tables()
    for name in (*NEEDED, *OPTIONAL):
        mode = said.get(f"file.{name}", "bulk" if name in files else "absent")
        if mode == "delta":
            raise _UnusableError(f"{name}.csv holds changes only (delta); export everything (bulk).")
        if name not in files:
            if name in NEEDED:
                raise _UnusableError(f"There is no {name}.csv in it.")
            continue
        tables.rows[name] = _named(_read(files, name), name)
    return tables


def _read(files: dict[str, bytes], name: str) -> Table:
    table = read_table(files[name], MOST_ROWS)
    if table.problems:
        raise _UnusableError(f"{name}.csv: {table.problems[0].text}")
    if not table.rows:
        raise _UnusableError(f"{name}.csv has no header.")
    return table


def _named(table: Table, name: str) -> list[tuple[int, TableRow]]:
    header, *rows = table.rows
    columns = [cell.lower() for cell in header.cells]
    if "sourcedid" not in columns:
        raise _UnusableError(f"{name}.csv has no column sourcedId.")
    return [(row.line, dict(zip(columns, row.cells, strict=False))) for row in rows]


def _classes(tables: _Tables, today: date) -> OneRoster:
    students = _students(tables)
    schools = {row["sourcedid"]: row.get("name", "") for _, row in tables.active("orgs")}
    courses = {row["sourcedid"]: row.get("title", "") for _, row in tables.active("courses")}
    members: dict[str, dict[str, Person]] = {}
    titles: dict[str, str] = {}
    for line, row in tables.active("classes"):
        class_id = row["sourcedid"]
        title = row.get("title") or courses.get(row.get("coursesourcedid", "")) or row.get("classcode")
        if not class_id or not title or class_id in titles:
            tables.problem("classes", line, "This class has no sourcedId of its own, or no title.")
            continue
        school = schools.get(row.get("schoolsourcedid", ""))
        titles[class_id], members[class_id] = (f"{title} ({school})" if school else title)[:200], {}
    for line, row in tables.active("enrollments"):
        _enrol(tables, (line, row), students, members, today)
    if len({student for enrolled in members.values() for student in enrolled}) > MOST_STUDENTS:
        raise _UnusableError(f"There are more than {MOST_STUDENTS} students in its classes; export a part.")
    classes = [
        RosterClass(class_id, titles[class_id], tuple(sorted(enrolled.values(), key=lambda person: person.name)))
        for class_id, enrolled in members.items()
    ]
    return OneRoster(tuple(sorted(classes, key=lambda each: (each.title, each.id))), tuple(tables.problems))


def _students(tables: _Tables) -> dict[str, Person | None]:
    """Return all users by ``sourcedId``; None for who is no student, or cannot be stored."""
    found: dict[str, Person | None] = {}
    for line, row in tables.active("users"):
        user_id = row["sourcedid"]
        found.setdefault(user_id, None)
        if row.get("role", "").lower() != "student" or row.get("enableduser", "").lower() in ("false", "0"):
            continue
        name = " ".join(part for part in (row.get("givenname", ""), row.get("familyname", "")) if part)
        try:
            if found[user_id] is not None or not user_id:
                raise ValueError("There is no sourcedId, or it stands above already.")
            found[user_id] = checked(Person(line, name, user_id))
        except ValueError as error:
            tables.problem("users", line, str(error))
    return found


def _enrol(
    tables: _Tables,
    numbered: tuple[int, TableRow],
    students: dict[str, Person | None],
    members: dict[str, dict[str, Person]],
    today: date,
) -> None:
    line, row = numbered
    if row.get("role", "").lower() != "student":
        return
    class_id, user_id = row.get("classsourcedid", ""), row.get("usersourcedid", "")
    if class_id not in members:
        tables.problem("enrollments", line, f"There is no class {class_id[:40] or 'named'} in classes.csv.")
    elif user_id not in students:
        tables.problem("enrollments", line, f"There is no user {user_id[:40] or 'named'} in users.csv.")
    elif not _over(row.get("enddate", ""), today):
        student = students[user_id]
        if student is not None:
            members[class_id][user_id] = student


def _over(end: str, today: date) -> bool:
    try:
        return date.fromisoformat(end) < today
    except ValueError:
        return False
