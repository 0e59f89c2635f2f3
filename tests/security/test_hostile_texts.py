"""Texts that people give, made to break out of the place where they are shown; and addresses made to break in."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import icalendar
import pypdfium2
import pytest
from flask import Flask

from dashboard import libraries
from engage.cli.stored_lesson import Lesson, store
from engage.core.policy import GivenBy
from engage.core.timetable import Timing
from engage.reports.formats import FORMATS
from engage.storage.database import Database
from engage.storage.records import NewStudent, Role
from engage.storage.timetable import Timetable
from tests.dashboard.conftest import (
    HASHED,
    PASSWORD,
    app,
    browser,
    call,
    database,
    empty_tables,
    school,
    send,
    settings,
    token_for,
)
from tests.dashboard.test_access import TABLE

__all__ = ["app", "browser", "call", "database", "empty_tables", "school", "send", "settings"]

BREAKS_OUT = "</title></textarea>\"'><script>hacked()</script><img src=x onerror=hacked()>"
FORMULA = '=HYPERLINK("http://evil.example","x")'
STATIC = Path(libraries.__file__).parent / "static"


class Found(HTMLParser):
    """What of a page could run."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        self.runs += [f"{tag} {name}={value}" for name, value in attrs if name.startswith("on")]
        self.runs += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if re.match(r"\s*(javascript|data:text)", value or "", re.I)
        ]
        if tag == "img" and ("src", "x") in attrs:
            self.runs.append("img")

    def handle_data(self, data: str) -> None:
        if self._in_script and "hacked" in data:
            self.runs.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


@pytest.fixture
def hostile(school: Any, database: Database) -> Any:
    """Return the school, with everything that people can name named so as to break out."""
    classroom, teacher = school.classroom, school.teacher
    school.accounts.create_user("evil@school.example", BREAKS_OUT, HASHED, Role.TEACHER)
    course = classroom.create_course(BREAKS_OUT, teacher).id
    student = classroom.create_student(course, NewStudent(BREAKS_OUT, minor=False, seat="A1")).id
    classroom.create_student(course, NewStudent(FORMULA, minor=False))
    classroom.add_source("rtsp://camera.example/1", student_id=student)
    classroom.record_consent(student, True, GivenBy.STUDENT, teacher)
    session = classroom.start_session(course, teacher)
    store(database, session, Lesson((student,), 120))
    classroom.add_marker(session.id, teacher, BREAKS_OUT)
    lessons = [(Timing(date(2099, 1, 5), 540, 45), BREAKS_OUT)]
    Timetable(database, UTC).add(course, lessons, teacher)
    return type(school)(
        **{
            **{name: getattr(school, name) for name in school.__dataclass_fields__},
            "course": course,
            "student": student,
            "session": session.id,
        }
    )


@pytest.mark.parametrize("who", ["teacher", "admin"])
def test_no_page_runs_what_people_wrote(hostile: Any, browser: Any, who: str) -> None:
    client = browser(who)
    shown, wrong = 0, {}
    for _, method, address, *_ in TABLE:
        if method != "GET":
            continue
        path = address.format(course=hostile.course, session=hostile.session, student=hostile.student)
        answer = client.get(path)
        if answer.mimetype == "text/html":
            page = Found()
            page.feed(answer.text)
            shown += "hacked()" in answer.text
            if page.runs:
                wrong[path] = page.runs
        else:
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        answer.close()
    assert not wrong
    assert shown >= 10, "the pages show these texts"


def test_what_runs_is_found() -> None:
    page = Found()
    page.feed(f"<p>{BREAKS_OUT}</p>")
    assert len(page.runs) == 3


def test_scripts_put_texts_into_pages_as_texts() -> None:
    """The live page is made by scripts: none of them may take a text for HTML."""
    ways = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc|\beval\(|new Function"
        r"|DOMParser|setAttribute\(\s*[\"']on"
    )
    scripts = sorted(STATIC.rglob("*.js"))
    assert len(scripts) > 30
    assert [f"{file.name}: {found[0]}" for file in scripts if (found := ways.search(file.read_text()))] == []


def test_no_page_allows_scripts_within_it(hostile: Any, browser: Any) -> None:
    """Should a text ever get through, the browser still does not run it."""
    for path in (f"/sessions/{hostile.session}", f"/sessions/{hostile.session}/report", "/sign-in", "/not-there"):
        policy = browser("teacher").get(path).headers["Content-Security-Policy"]
        scripts = re.search(r"script-src ([^;]*)", policy) or re.search(r"default-src ([^;]*)", policy)
        assert scripts and "unsafe" not in scripts[1] and "*" not in scripts[1], path


@pytest.mark.parametrize("ending", list(FORMATS))
def test_no_report_file_runs_what_people_wrote(hostile: Any, browser: Any, ending: str) -> None:
    answer = browser("teacher").get(f"/sessions/{hostile.session}/report.{ending}")
    assert answer.status_code == 200
    disposition = answer.headers["Content-Disposition"]
    assert disposition.isascii() and "hacked()" not in disposition and "\n" not in disposition
    if ending == "html":
        page = Found()
        page.feed(answer.text)
        assert not page.runs
    elif ending == "csv":
        cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
        assert not [cell for cell in cells if cell.strip()[:1] in ("=", "+", "@") and not cell.strip()[1:2].isdigit()]
    elif ending == "pdf":
        pages = pypdfium2.PdfDocument(answer.data)
        text = "".join(page.get_textpage().get_text_range() for page in pages)
        assert "hacked()" in text, "it is text, not markup"
        assert b"/JavaScript" not in answer.data and b"/Launch" not in answer.data
        pages.close()


def test_formulas_of_names_are_texts_in_the_list_of_students(hostile: Any, browser: Any) -> None:
    answer = browser("teacher").get(f"/courses/{hostile.course}/students.csv")
    cells = [cell for row in csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.strip().startswith("=")]


def test_a_title_adds_no_lines_to_the_calendar(school: Any, database: Database, browser: Any, send: Any) -> None:
    title = "Physics\nEND:VEVENT\nBEGIN:VALARM\nACTION:AUDIO"  # a carriage return is refused when it is given
    course = school.classroom.create_course(title, school.teacher).id
    session = school.classroom.start_session(course, school.teacher)
    school.classroom.end_session(session.id)
    page = send(browser("teacher"), "/calendar").text
    address = re.search(r"/calendar/[\w.-]+\.ics", page)
    assert address
    found = icalendar.Calendar.from_ical(browser(None).get(address[0]).data)
    assert not list(found.walk("VALARM"))


@pytest.mark.parametrize(
    "path",
    [
        "/static/../config.yaml", "/static/..%2f..%2fpyproject.toml", "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static//etc/passwd", "/static/css/..\\..\\application.py", "/vendor/../package.json",
        "/vendor/..%2fpackage.json",
        "/vendor/uplot.css/../../../pyproject.toml", "/words/../../x.json", "/words/..%2f..%2fde.json",
        "/words/de%00.json", "/static/css/base.css%00.png",
        "/sessions/1/report.../../etc/passwd",
        "/sessions/{session}/report.csv%2f..%2fx", "/sessions/{session}/report.%2e%2e",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_its_folder(school: Any, browser: Any, path: str) -> None:
    answer = browser("teacher").get(path.format(session=school.session), follow_redirects=True)
    assert answer.status_code in (400, 404), answer.status_code
    assert b"root:" not in answer.data and b"[project]" not in answer.data


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
           "javascript:alert(1)", "http:evil.example", "%2f%2fevil.example", " //evil.example", "/%09/evil.example"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(app: Flask, school: Any, to: str) -> None:
    client = app.test_client()
    form = {"email": "teacher@school.example", "password": PASSWORD, "csrf_token": token_for(client)}
    answer = client.post("/sign-in", query_string={"next": to}, data=form)
    assert answer.status_code == 302
    location = answer.headers["Location"]
    assert re.match(r"/(?![/\\\t])", location) and "evil" not in location.split("?")[0].lstrip("/").split("/")[0]


def test_no_header_takes_a_line_end(school: Any, browser: Any) -> None:
    client = browser("teacher")
    for value in ("en\r\nSet-Cookie: a=b", "en\nX-Evil: 1"):
        answer = client.get("/", query_string={"lang": value})
        assert "X-Evil" not in answer.headers and "a=b" not in str(answer.headers)
    title = "A\nX-Evil: 1"
    course = school.classroom.create_course(title, school.teacher).id
    session = school.classroom.start_session(course, school.teacher)
    answer = client.get(f"/sessions/{session.id}/report.csv")
    assert "X-Evil" not in answer.headers
