"""``engage report`` as a person uses it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engage.__main__ import main
from engage.cli.report_bench import measure
from engage.cli.stored_lesson import Lesson, store
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.records import NewStudent

Engage = Callable[..., tuple[int, str]]


@pytest.fixture
def engage(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Engage:
    """Return the program with a database that holds one session of one student; gives exit code and words."""
    database = Database(sqlite_url)
    classroom = Classroom(database)
    course = classroom.create_course("Physics", None)
    student = classroom.create_student(course.id, NewStudent("Ada", minor=False))
    session = classroom.start_session(course.id, None)
    store(database, session, Lesson((student.id,), 90))
    classroom.end_session(session.id)
    database.close()
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, policy: str = "full") -> tuple[int, str]:
        flags = ["--set", f"database.url={sqlite_url}"]
        if policy:
            flags += ["--set", "policy.jurisdiction=uk", "--set", f"policy.mode={policy}"]
        monkeypatch.setattr(sys, "argv", ["engage", *flags, "report", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        return int(left.value.code or 0), out + err

    return run


@pytest.mark.parametrize("ending", ["pdf", "html", "csv", "xlsx", "json", "jsonl"])
def test_every_format(engage: Engage, tmp_path: Path, ending: str) -> None:
    code, said = engage("1", "--to", f"lesson.{ending}")
    assert (code, said.strip()) == (0, f"Written to lesson.{ending}.")
    assert (tmp_path / f"lesson.{ending}").stat().st_size > 100


def test_in_german(engage: Engage, tmp_path: Path) -> None:
    engage("1", "--to", "stunde.html", "--language", "de")
    assert "Mittel der Klasse" in (tmp_path / "stunde.html").read_text()
    engage("1", "--to", "stunde.json", "--language", "de")
    assert "no grade" in (tmp_path / "stunde.json").read_text(), "what programs read is English"


def test_in_a_language_that_is_not_there(engage: Engage) -> None:
    code, said = engage("1", "--to", "lesson.pdf", "--language", "tlh")
    assert code == 2 and "'en', 'de'" in said


def test_a_table_of_choice(engage: Engage, tmp_path: Path) -> None:
    engage("1", "--to", "minutes.csv", "--table", "minutes")
    assert (tmp_path / "minutes.csv").read_text("utf-8-sig").startswith("session_id,student_id,student,seat,minute")


@pytest.mark.parametrize(("policy", "mode"), [("full", "full"), ("attention", "attention"), ("", "presence")])
def test_it_shows_what_may_be_shown(engage: Engage, tmp_path: Path, policy: str, mode: str) -> None:
    engage("1", "--to", "a.json", policy=policy)
    record = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert record["mode"] == mode
    assert ("expression" in record, "mean" in record) == (mode == "full", mode != "presence")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("9", "--to", "a.pdf"), "There is no session 9"),
        (("1", "--to", "a.docx"), "says no format"),
        (("1", "--to", "none/a.json"), "cannot be written"),
        (("1", "--to", "there.json"), "--force"),
    ],
)
def test_what_is_wrong_is_one_line(engage: Engage, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "there.json").write_text("mine")
    code, said = engage(*arguments)
    assert code == 2 and words in said and said.count("\n") == 1
    assert (tmp_path / "there.json").read_text() == "mine"


def test_the_bench_measures_page_and_files() -> None:
    figures = measure(students=2, minutes=1)
    assert figures["samples"] == 120
    assert all(figures[name] > 0 for name in ("page_s", "pdf_s", "xlsx_s", "csv_s", "first_count_s"))
