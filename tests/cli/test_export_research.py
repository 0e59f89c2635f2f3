"""The export for research: no identifier of the database in it, no small group, pseudonyms that hold for one key."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import String, Text, select

from engage.cli.export import export
from engage.config import Settings
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.types import GestureEvent, Mode, Sample, Score, ScoredSample
from engage.errors import RequestError, SettingsError
from engage.reports.research import GESTURES
from engage.storage.audit_check import newest_records
from engage.storage.database import Database
from engage.storage.records import NewStudent
from engage.storage.store import SqlStore
from engage.storage.tables import Base

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
PSEUDONYM = re.compile(r"(student|session)-[a-z2-7]{16}")
NAMES = ("Ada Lovelace", "Ben Okafor", "Chi Nguyen", "Dora Weiss", "Emil Adler", "Refuses Always", "Minor Alone")


@pytest.fixture
def course(school: Any, database: Database, clock: Any) -> int:
    """Return a course of seven, five of whom agreed, with three sessions: of all, of four, and of all a week later."""
    course = school.classroom.create_course("Secret Physics 9b", school.teacher.id).id
    students = []
    for k, name in enumerate(NAMES):
        new = NewStudent(
            name, minor=name.startswith("Minor"), external_id=f"EXT-77{k}00", seat=f"{'AB'[k // 4]}{k % 4 + 1}"
        )
        student = school.classroom.create_student(course, new).id
        school.classroom.add_source(f"rtsp://camera-of-{k}.example/live", student_id=student)
        school.classroom.record_consent(student, True, GivenBy.STUDENT, school.teacher.id)
        students.append(student)
    for here, day in ((students, 0), (students[:4], 1), (students, 7)):
        clock.time += timedelta(days=day)
        lesson = school.classroom.start_session(course, school.teacher.id, "Quiz about Emil")
        start = clock.now()
        rows, nods = [], []
        for place, student in enumerate(here):
            for k in range(0, 180 if place else 240, 10):  # the first stays a minute longer, alone
                at = start + timedelta(seconds=k)
                sample = Sample(lesson.id, student, int(at.timestamp()), at, 5, 10.0, 1.0, 0.9, 0.5)
                rows.append(ScoredSample(sample, Score(5.0 + place / 10, 0.5, None, {"attention": 0.9}), "one"))
            nods.append(GestureEvent(lesson.id, student, "nod", start, start + timedelta(seconds=1), 0.5))
        SqlStore(database).write(rows, nods)
        school.classroom.add_marker(lesson.id, school.teacher.id, "Dora was crying", start)
        clock.advance(240)
        school.classroom.end_session(lesson.id)
    school.classroom.record_consent(students[5], False, GivenBy.STUDENT, None)
    school.classroom.save_setup(Jurisdiction.UK, Mode.FULL, school.admin.id)
    return course


def run(url: str, *words: str, **more: Any) -> Result:
    settings = Settings(database={"url": url}, **more)  # type: ignore[arg-type]
    return CliRunner().invoke(export, ["research", *words], obj=settings)


def tables(file: Path) -> tuple[dict[str, list[dict[str, str]]], bytes]:
    """Return the tables of a file, and all of its content."""
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    found = {
        name[:-4]: list(csv.DictReader(io.StringIO(data.decode())))
        for name, data in content.items()
        if name.endswith(".csv")
    }
    return found, b"\n".join(content.values())


def identifiers(database: Database) -> set[str]:
    """Return every text in the database that is longer than a word of a list, and every time and large number."""
    found: set[str] = set()
    with database.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                for column in table.columns:
                    value = row[column.name]
                    if isinstance(column.type, String | Text) and value and len(value) > 3:
                        found |= {value, *value.split()}
                    elif hasattr(value, "timestamp"):
                        second = int(value.timestamp())
                        found |= {str(second), str(second // 60), value.strftime("%Y-%m-%d"), value.strftime("%H:%M")}
                    elif isinstance(value, int) and value > 10_000:
                        found.add(str(value))
    words = {"nod", "state", "present", "session", "student", "students", "course", "attention", "full", "score"}
    return {text for text in found if len(text) > 4} - words


def test_no_identifier_of_the_database_is_in_it(url: str, database: Database, course: int, tmp_path: Path) -> None:
    done = run(url, str(course), "--out", str(tmp_path / "out.zip"))
    assert done.exit_code == 0, done.output
    found, content = tables(tmp_path / "out.zip")
    rows = b"\n".join(line for line in content.split(b"\n") if b"," in line and b" " not in line).decode()
    hidden = identifiers(database)
    assert {"Lovelace", "EXT-77000", "teacher@example.org", "crying"} <= hidden
    assert [text for text in hidden if re.search(rf"(?<![\w.]){re.escape(text)}(?![\w.])", rows)] == []
    typed = (*NAMES, "Secret", "Physics", "Quiz", "crying", "camera-of")
    assert [name for name in typed if name in content.decode()] == []
    for table in found.values():
        for row in table:
            for name, cell in row.items():
                kind = PSEUDONYM.fullmatch(cell) if name in ("student", "session") else re.fullmatch(r"-?[\d.]*", cell)
                assert kind, f"{name}: {cell}"
    assert (tmp_path / "out.zip").stat().st_mode & 0o077 == 0


def test_small_groups_and_who_did_not_agree_are_left_out(
    url: str, database: Database, course: int, tmp_path: Path
) -> None:
    done = run(url, str(course), "--out", str(tmp_path / "out.zip"))
    found, _ = tables(tmp_path / "out.zip")
    assert len({row["student"] for row in found["students"]}) == 5, "without the refusal and the minor"
    assert sorted(row["week"] for row in found["sessions"]) == ["1", "3"], "a Sunday and a Monday"
    assert {(row["order"], row["length_min"]) for row in found["sessions"]} == {("1", "5")}
    assert {row["students"] for row in found["sessions"]} == {"5"}
    assert {row["minute"] for row in found["minutes"]} == {"0", "1", "2"}, "the minute of one alone is not there"
    assert len(found["minutes"]) == 2 * 5 * 3
    assert {row["score"] for row in found["students"]} == {"5.0", "5.1", "5.2", "5.3", "5.4"}
    assert {row[kind] for row in found["students"] for kind in GESTURES} == {"0", "1"}
    assert "1 sessions and 2 minutes" in done.output
    record = newest_records(database, 1)[0]
    assert (record.action, record.object_id) == ("export_research", course)
    refused = run(url, str(course), "--out", str(tmp_path / "none.zip"), "--least", "6")
    assert isinstance(refused.exception, RequestError) and not (tmp_path / "none.zip").exists()


def test_pseudonyms_hold_for_one_key_and_no_other(url: str, course: int, tmp_path: Path) -> None:
    key = tmp_path / "keys" / "key"
    key.parent.mkdir()

    def people(name: str, *words: str) -> set[str]:
        assert run(url, str(course), "--out", str(tmp_path / name), *words).exit_code == 0
        found, content = tables(tmp_path / name)
        assert not key.exists() or key.read_text().strip().encode() not in content
        return {row["student"] for row in found["students"]}

    once, again = people("1.zip", "--key", str(key)), people("2.zip", "--key", str(key))
    assert once == again and key.stat().st_mode & 0o077 == 0
    assert not once & people("3.zip") and not people("4.zip") & people("5.zip")
    key.write_text("no key")
    bad = run(url, str(course), "--out", str(tmp_path / "6.zip"), "--key", str(key))
    assert isinstance(bad.exception, SettingsError)
    assert isinstance(run(url, str(course), "--out", str(tmp_path / "1.zip")).exception, RequestError)
    assert isinstance(run(url, "99", "--out", str(tmp_path / "7.zip")).exception, RequestError)


def test_what_policy_does_not_allow_is_empty(url: str, course: int, tmp_path: Path) -> None:
    run(url, str(course), "--out", str(tmp_path / "out.zip"), policy={"jurisdiction": "eu", "mode": "full"})
    found, _ = tables(tmp_path / "out.zip")
    for row in (*found["students"], *found["minutes"]):
        told = {name for name, cell in row.items() if cell}
        assert told == {"student", "session", "observed_s", "face_s"} | ({"minute"} & row.keys())
