"""The seating plan by its API: moves, sizes, and two who change it at once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from engage.storage.records import DemoMember


def test_a_move_is_saved_and_told_to_the_live_page(app: Flask, school: Any, browser: Any, call: Any) -> None:
    client, path = browser("teacher"), f"/api/v1/courses/{school.course}/seating"
    page = app.extensions["socketio"].test_client(app, flask_test_client=client)
    page.emit("watch", {"session": school.session}, callback=True)
    before = client.get(path).json
    assert before["places"] == [{"student": school.student, "name": "Amina", "seat": "A1"}]
    body = {"version": before["version"], "moves": [{"student": school.student, "seat": "c2"}], "rows": 3, "columns": 2}
    after = call(client, path, body).json
    assert after["seats"] == {"rows": 3, "columns": 2} and after["places"][0]["seat"] == "C2"
    assert [event["name"] for event in page.get_received()].count("changed") == 1
    session = client.get(f"/api/v1/sessions/{school.session}").json
    assert session["seats"] == after["seats"] and session["roster"][0]["seat"] == "C2"
    late = call(client, path, body)
    assert late.status_code == 409 and "changed elsewhere" in late.json["error"]
    assert client.get(path).json == after


@pytest.mark.parametrize(
    "body",
    [
        {"version": 1, "rows": 3},
        {"version": 1, "rows": 0, "columns": 3},
        {"version": 1, "moves": [{"student": 1, "seat": "A2"}, {"student": 1, "seat": "A3"}]},
        {"version": 1, "moves": [{"student": 999, "seat": "A2"}]},
        {"version": 1, "moves": [{"student": 1, "seat": "Z99"}]},
        {"moves": []},
    ],
)
def test_nonsense_is_refused_whole(school: Any, browser: Any, call: Any, body: dict[str, Any]) -> None:
    client, path = browser("teacher"), f"/api/v1/courses/{school.course}/seating"
    before = client.get(path).json
    assert before["version"] == 1
    assert call(client, path, body).status_code == 400
    assert client.get(path).json == before


def test_an_archived_plan_can_be_read_and_the_virtual_class_be_moved(school: Any, browser: Any, call: Any) -> None:
    client = browser("admin")
    school.classroom.end_session(school.session)
    school.classroom.archive_course(school.course)
    path = f"/api/v1/courses/{school.course}/seating"
    assert "data-fixed" in client.get(f"/courses/{school.course}/seating").text
    assert call(client, path, {"version": client.get(path).json["version"]}).status_code == 400
    members = [DemoMember("Drawn", "virtual:1", "A1")]
    path = f"/api/v1/courses/{school.classroom.ensure_demo(members)}/seating"
    plan = client.get(path).json
    drawn = plan["places"][0]["student"]
    call(client, path, {"version": plan["version"], "moves": [{"student": drawn, "seat": "B1"}]})
    school.classroom.ensure_demo(members)
    assert client.get(path).json["places"][0]["seat"] == "B1"
