"""A course renamed, archived and brought back; a student changed, removed and brought back: by the pages' forms."""

from __future__ import annotations

from typing import Any


def test_rename_archive_read_and_bring_back(school: Any, browser: Any, send: Any) -> None:
    client, course = browser("teacher"), f"/courses/{school.course}"
    send(client, f"{course}/rename", title="  Physics   9c ")
    assert "Physics 9c" in client.get("/").text
    send(client, f"/sessions/{school.session}/stop")
    assert send(client, f"{course}/archive").location == "/"
    home = client.get("/", follow_redirects=True).text
    assert "Archived courses (1)" in home and f'href="{course}"' not in home
    assert f'href="{course}"' in client.get("/courses/archived").text
    page = client.get(course).text
    assert "Bring it back" in page and "Add a student" not in page and "Start session" not in page
    for path in ("/rename", "/students", f"/students/{school.student}/remove", f"/students/{school.student}/details",
                 f"/students/{school.student}/consent", f"/students/{school.student}/camera"):  # fmt: skip
        answer = send(client, course + path, title="Gone", consent="no:student")
        assert answer.status_code == 400 and "archived" in answer.text
    assert send(client, f"{course}/sessions").location == course
    send(client, f"{course}/bring-back")
    assert "Add a student" in client.get(course).text
    assert school.queries.students(school.course)[0].consent.granted is True


def test_a_student_is_changed(school: Any, browser: Any, send: Any) -> None:
    client, path = browser("teacher"), f"/courses/{school.course}/students/{school.student}"
    form = {"name": "Amina D.", "number": "S-7", "seat": " b4 ", "minor": "yes"}
    assert send(client, f"{path}/details", **form).location == path
    entry = school.queries.students(school.course)[0]
    assert (entry.name, entry.external_id, entry.seat, entry.minor) == ("Amina D.", "S-7", "B4", True)
    mistakes = [({"seat": "window"}, "no seat"), ({"name": ""}, "Give the student"), ({"minor": ""}, "under age")]
    for wrong, words in mistakes:
        answer = send(client, f"{path}/details", **{**form, **wrong})
        assert answer.status_code == 422 and words in answer.text
    answer = send(client, f"/courses/{school.course}/students", name="Ben", number="S-7", minor="no", consent="")
    assert answer.status_code == 422 and "number already" in answer.text


def test_a_student_is_removed_and_brought_back(school: Any, browser: Any, send: Any) -> None:
    client, course = browser("teacher"), f"/courses/{school.course}"
    send(client, f"{course}/students/{school.student}/remove")
    assert school.queries.students(school.course) == []
    assert "No longer in this course (1)" in client.get(course).text
    assert client.get(f"{course}/students/{school.student}").status_code == 404
    send(client, f"{course}/students/{school.student}/bring-back")
    assert [entry.name for entry in school.queries.students(school.course)] == ["Amina"]
    other = school.queries.students(school.other_course)[0].student_id
    assert send(client, f"{course}/students/{other}/bring-back").status_code == 400
