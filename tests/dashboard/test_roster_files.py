"""Students from files by the pages: nothing is saved before it was seen, and nothing else than what was seen."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from dashboard.roster_files import LARGEST_CSV
from tests.core.test_rosters import FILES, packed
from tests.dashboard.conftest import send_form, token_for

LIST = "Name;Number;Seat;Minor;Room\nAmina;A-1;B2;no;9\nChidi;C-1;;yes;9\nAmina;A-1;;;9\n;X;;;9\n"


def upload(client: Any, course: int, data: bytes, minor: str = "yes") -> Any:
    form = {"file": FileStorage(io.BytesIO(data), "list.csv"), "minor": minor, "csrf_token": token_for(client)}
    boundary, body = encode_multipart(form)
    return client.post(
        f"/courses/{course}/students/file", data=body, content_type=f"multipart/form-data; boundary={boundary}"
    )


def carried(page: str) -> str:
    found = re.search(r'name="carried" value="([^"]+)"', page)
    assert found, page
    return found[1]


def names(school: Any) -> list[str]:
    return [entry.name for entry in school.queries.students(school.course)]


def test_a_list_is_seen_then_saved_then_nothing_is_left_to_do(school: Any, browser: Any) -> None:
    client, path = browser("teacher"), f"/courses/{school.course}/students/file"
    page = upload(client, school.course, LIST.encode())
    assert page.status_code == 200 and names(school) == ["Amina"]
    for words in ("Save 2 students", "2 lines are left out", "The same student as on line 2", "There is no name",
                  "Room", "was: no number, seat A1"):  # fmt: skip
        assert words in page.text
    assert send_form(client, f"{path}/save", carried=carried(page.text)).location == f"/courses/{school.course}"
    entries = school.queries.students(school.course)
    assert [(e.name, e.external_id, e.seat, e.minor) for e in entries] == [
        ("Amina", "A-1", "B2", False), ("Chidi", "C-1", None, True)
    ]  # fmt: skip
    assert entries[0].consent.granted and entries[1].consent is None
    assert "nothing to save" in upload(client, school.course, LIST.encode()).text
    exported = client.get(f"/courses/{school.course}/students.csv").data
    assert "nothing to save" in upload(client, school.course, exported).text


def test_what_is_saved_is_what_was_seen(school: Any, browser: Any) -> None:
    client, path = browser("teacher"), f"/courses/{school.course}/students/file"
    seen = carried(upload(client, school.course, LIST.encode()).text)
    send_form(client, f"/courses/{school.course}/students", name="Chidi", minor="yes", consent="")
    again = send_form(client, f"{path}/save", carried=seen)
    assert again.status_code == 409 and "changed since" in again.text
    assert names(school) == ["Amina", "Chidi"] and school.queries.students(school.course)[1].external_id is None
    send_form(client, f"{path}/save", carried=carried(again.text))
    assert names(school) == ["Amina", "Chidi"] and school.queries.students(school.course)[1].external_id == "C-1"


def test_a_preview_is_good_for_its_course_and_account_alone(school: Any, browser: Any) -> None:
    seen = carried(upload(browser("teacher"), school.course, LIST.encode()).text)
    admin = browser("admin")
    for who, course, text in ((admin, school.course, seen), (browser("colleague"), school.other_course, seen),
                              (admin, school.course, seen[:-2] + "xx"), (admin, school.course, "")):  # fmt: skip
        assert send_form(who, f"/courses/{course}/students/file/save", carried=text).status_code == 400
    assert names(school) == ["Amina"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no text file"),
        (b"Name\n" + b"x" * LARGEST_CSV, "too large: 1 MB"),
        (b"PK\x03\x04broken", "damaged"),
        (packed({"[Content_Types].xml": "", "xl/workbook.xml": ""}), "Excel"),
        (packed({"users.csv": "sourcedId\n"}), "no manifest.csv"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(school: Any, browser: Any, data: bytes, words: str) -> None:
    answer = upload(browser("teacher"), school.course, data)
    assert answer.status_code == 422 and words in answer.text
    assert names(school) == ["Amina"]


def test_classes_of_a_oneroster_file_are_chosen(school: Any, browser: Any) -> None:
    client, path = browser("teacher"), f"/courses/{school.course}/students/file"
    page = upload(client, school.course, packed(FILES))  # type: ignore[arg-type] # texts
    assert "Physics 9b (Hill School)" in page.text and "users.csv" in page.text
    assert send_form(client, f"{path}/classes", carried=carried(page.text)).status_code == 400
    preview = send_form(client, f"{path}/classes", carried=carried(page.text), **{"class": "c1"})
    assert "Save 2 students" in preview.text
    send_form(client, f"{path}/save", carried=carried(preview.text))
    assert names(school) == ["Ada Obi", "Amina", "Eve Roux"]
    assert [entry.external_id for entry in school.queries.students(school.course)] == ["u1", None, "u4"]


def test_a_preview_longer_than_other_forms_is_read(school: Any, browser: Any) -> None:
    client = browser("teacher")
    answer = send_form(client, f"/courses/{school.course}/students/file/save", carried="x" * 1_000_000)
    assert answer.status_code == 400 and "no longer good" in answer.text


def test_formulas_in_names_do_not_run_in_the_list(school: Any, browser: Any) -> None:
    client = browser("teacher")
    page = upload(client, school.course, b"Name\n=1+1\n")
    send_form(client, f"/courses/{school.course}/students/file/save", carried=carried(page.text))
    assert "'=1+1" in client.get(f"/courses/{school.course}/students.csv").text


def test_only_an_administrator_brings_in_a_student_of_another_course(school: Any, browser: Any, send: Any) -> None:
    ben = school.queries.students(school.other_course)[0].student_id
    send(
        browser("colleague"),
        f"/courses/{school.other_course}/students/{ben}/details",
        name="Ben",
        number="B-1",
        minor="yes",
    )
    data = b"Name,Number\nBen,B-1\n"
    assert "administrator can bring them in" in upload(browser("teacher"), school.course, data).text
    admin = browser("admin")
    page = upload(admin, school.course, data)
    send(admin, f"/courses/{school.course}/students/file/save", carried=carried(page.text))
    assert [entry.student_id for entry in school.queries.students(school.course)] == [school.student, ben]
