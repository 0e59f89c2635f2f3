"""The API's document: complete, valid, and kept: schemathesis sends what it allows and what it does not."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from dashboard.api_operations import OPERATIONS

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection,
]  # fmt: skip


def test_every_view_of_the_api_is_described(app: Flask) -> None:
    views = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert views - set(OPERATIONS) == set(), "describe it in dashboard/api_operations.py"
    assert set(OPERATIONS) - views == set(), "no such view"


def test_every_operation_says_in_a_line_what_it_does(app: Flask, browser: Any) -> None:
    document = browser(None).get("/api/v1/openapi.json").json
    operations = [entry for methods in document["paths"].values() for entry in methods.values()]
    assert len(operations) >= 30
    assert [entry["operationId"] for entry in operations if not entry["summary"].endswith(".")] == []
    ids = [entry["operationId"] for entry in operations]
    assert len(ids) == len(set(ids))


def test_people_can_read_it(browser: Any, school: Any) -> None:
    page = browser(None).get("/api/v1/")
    assert page.status_code == 200
    assert "/api/v1/sessions/{session_id}/pause" in page.text
    assert "group work" in page.text


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/sessions/{}/pause", {"paused": "yes"}, "paused"),
        ("/sessions/{}/pause", {}, "paused"),
        ("/sessions/{}/pause", {"paused": True, "student": 3.5}, "student"),
        ("/sessions/{}/pause", {"paused": True, "studnet": 3}, "studnet"),
        ("/sessions/{}/pause", [], "paused"),
        ("/sessions/{}/markers", {"text": "x" * 81}, "text"),
        ("/sessions/{}/markers", {"text": None}, "text"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    browser: Any, school: Any, call: Any, path: str, body: object, word: str
) -> None:
    answer = call(browser("teacher"), "/api/v1" + path.format(school.session), body)
    assert answer.status_code == 400
    assert word in answer.json["error"]
    assert "\n" not in answer.json["error"]


@pytest.mark.parametrize("query", ["", "?since=x", "?since=-1", "?since=1e3", "?since=99999999999"])
def test_a_strange_second_is_refused(browser: Any, school: Any, query: str) -> None:
    answer = browser("teacher").get(f"/api/v1/sessions/{school.session}/samples{query}")
    assert answer.status_code == 400
    assert "since" in answer.json["error"]


class TestCourses:
    """Courses and their students."""

    def test_from_nothing_to_a_session_with_a_report(self, browser: Any, school: Any, call: Any) -> None:
        client = browser("teacher")
        made = call(client, "/api/v1/courses", {"title": "Chemistry"})
        assert made.status_code == 201
        course = made.json["id"]
        assert {"id": course, "title": "Chemistry"}.items() <= client.get("/api/v1/courses").json["courses"][0].items()
        added = call(client, f"/api/v1/courses/{course}/students", {"name": "Cem", "minor": True}).json
        student = added["roster"][0]["student"]
        path = f"/api/v1/courses/{course}/students/{student}/consent"
        assert call(client, path, {"granted": True, "given_by": "student"}).status_code == 400
        answered = call(client, path, {"granted": True, "given_by": "guardian"}).json["roster"][0]
        assert answered["allowed"]
        session = call(client, f"/api/v1/courses/{course}/sessions", {}).json["id"]
        assert client.get(f"/api/v1/courses/{course}/sessions").json["sessions"][0]["id"] == session
        assert client.get(f"/api/v1/sessions/{session}/report").json["session"]["id"] == session
        assert call(client, f"/api/v1/courses/{course}/archive", {}).status_code == 400
        call(client, f"/api/v1/sessions/{session}/stop", {})
        assert call(client, f"/api/v1/courses/{course}/students/{student}/archive", {}).status_code == 204
        assert client.get(f"/api/v1/courses/{course}").json["roster"] == []
        assert call(client, f"/api/v1/courses/{course}/archive", {}).status_code == 204
        assert course not in {each["id"] for each in client.get("/api/v1/courses").json["courses"]}

    def test_anothers_student_cannot_be_reached_by_ones_own_course(self, browser: Any, school: Any, call: Any) -> None:
        foreign = school.queries.students(school.other_course)[0].student_id
        path = f"/api/v1/courses/{school.course}/students/{foreign}"
        client = browser("teacher")
        assert call(client, f"{path}/archive", {}).status_code == 404
        assert call(client, f"{path}/consent", {"granted": False, "given_by": "student"}).status_code == 404

    def test_who_asks(self, browser: Any, school: Any) -> None:
        me = browser("teacher").get("/api/v1/me").json
        assert me == {"id": school.teacher, "name": "Teacher", "role": "teacher", "student": None}


LAST = ("students_api_remove", "api_courses_archive_student", "api_courses_archive", "api_stop")
"""What ends something that the others need."""
ASKED_BY = {
    "feedback_check_ins": "student", "feedback_check_in": "student", "students_api_remove": "admin",
}  # fmt: skip
"""Whose rule lets them in; a teacher's otherwise."""


@pytest.mark.timeout(600)
def test_no_request_breaks_it_and_every_answer_is_as_described(app: Flask, browser: Any, school: Any) -> None:
    signed_in = {who: as_signed_in(browser(who)) for who in ("student", "teacher", "admin")}
    document = browser(None).get("/api/v1/openapi.json").json
    del document["security"], document["components"]["securitySchemes"]  # else it counts on leaving the cookie out
    known = {"course_id": school.course, "session_id": school.session, "student_id": school.student}
    del document["paths"]["/api/v1/students/{student_id}/export"]  # a file, which is left open here
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    operations = [(each.definition.raw["operationId"], each) for each in (r.ok() for r in schema.get_all_operations())]
    for name, operation in sorted(operations, key=lambda each: each[0] in LAST):
        place = {part: known[part] for part in re.findall(r"{(\w+)}", operation.path) if part in known}
        who = ASKED_BY.get(name, "teacher")
        answers = send_many(operation.as_strategy(GenerationMode.POSITIVE, path_parameters=place), signed_in[who])
        assert not answers & {401, 403}, name
        if operation.body:
            send_many(operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=place), signed_in[who])
        elif place:
            send_many(operation.as_strategy(GenerationMode.NEGATIVE), signed_in[who])


def as_signed_in(client: Any) -> dict[str, Any]:
    page = client.get("/api/v1/").text
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    return {"headers": {"X-CSRFToken": token}, "cookies": {"engage": client.get_cookie("engage").value}}


def send_many(cases: Any, signed_in: dict[str, Any]) -> set[int]:
    answers = set()

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases)
    def probe(case: Any) -> None:
        answers.add(case.call_and_validate(**signed_in, checks=CHECKS).status_code)

    probe()
    return answers
