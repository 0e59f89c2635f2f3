"""First answers, courses, students, consent, sessions, and what the API says of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from dashboard import create_app
from dashboard.live import deliver
from engage.config import Policy, Settings
from engage.core.policy import Jurisdiction
from engage.core.types import Mode, Origin, Reason, Sample, Score, ScoredSample, SourceState, SourceStatus
from engage.core.updates import LiveUpdate
from engage.storage.database import Database
from engage.storage.records import DemoMember
from engage.storage.store import SqlStore
from tests.dashboard.conftest import PASSWORD

NOON = datetime(2026, 11, 20, 12, 0, 0, 500_000, tzinfo=UTC)


def reading(session: int, student: int, second: int, value: float | None) -> ScoredSample:
    at = datetime.fromtimestamp(second + 0.5, UTC)
    seen = value is not None
    faces = (1.0, 0.9) if seen else (0.0, None)
    expression = (0.1, 0.8, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0) if seen else None
    sample = Sample(session, student, second, at, 5, 1.0, *faces, 0.5, expression)
    return ScoredSample(sample, Score(value, 0.8 if seen else 0.0, None if seen else Reason.AWAY), "v1")


class TestSchool:
    """Where the school is and what may be computed."""

    def test_eu_is_capped_at_presence_whatever_is_sent(self, school: Any, browser: Any, send: Any) -> None:
        client = browser("admin")
        page = client.get("/school/mode?jurisdiction=eu").text
        assert page.count("disabled") == 2
        assert "Art. 5(1)(f)" in page
        send(client, "/school/mode?jurisdiction=eu", mode="full")
        stored = school.classroom.setup()
        assert (stored.jurisdiction, stored.mode) == (Jurisdiction.EU, Mode.PRESENCE)

    def test_elsewhere_the_choice_holds(self, school: Any, browser: Any, send: Any) -> None:
        client = browser("admin")
        answer = send(client, "/school", jurisdiction="us")
        assert answer.location == "/school/mode?jurisdiction=us"
        send(client, answer.location, mode="attention")
        assert school.classroom.setup().mode is Mode.ATTENTION

    def test_no_choice_is_refused(self, school: Any, browser: Any, send: Any) -> None:
        client = browser("admin")
        assert send(client, "/school").status_code == 422
        assert send(client, "/school/mode?jurisdiction=us", mode="everything").status_code == 422
        assert client.get("/school/mode?jurisdiction=moon").status_code == 302

    def test_the_settings_file_wins(self, settings: Settings, database: Database, school: Any, send: Any) -> None:
        fixed = settings.model_copy(update={"policy": Policy(jurisdiction="eu")})
        client = create_app(fixed, database).test_client()
        send(client, "/sign-in", email="admin@school.example", password="a quiet morning")
        assert "it wins" in client.get("/school").text
        send(client, "/school/mode?jurisdiction=us", mode="full")
        assert school.classroom.setup().jurisdiction is Jurisdiction.EU
        session = client.get(f"/api/v1/sessions/{school.session}").json
        assert session["mode"] == "presence"
        assert [entry["mode"] for entry in session["roster"]] == ["presence"]


class TestStudents:
    """Adding students and recording answers."""

    form: dict[str, str] = {"name": "Chidi", "minor": "no", "address": "rtsp://10.0.0.7/live", "consent": "yes:student"}  # noqa: RUF012

    def test_add(self, school: Any, browser: Any, send: Any) -> None:
        send(browser("teacher"), f"/courses/{school.course}/students", **self.form)
        entry = next(entry for entry in school.queries.students(school.course) if entry.name == "Chidi")
        assert (entry.minor, entry.source_address, entry.consent.granted) == (
            False, "rtsp://10.0.0.7/live", True
        )  # fmt: skip

    def test_a_minor_needs_a_guardian(self, school: Any, browser: Any, send: Any) -> None:
        answer = send(browser("teacher"), f"/courses/{school.course}/students", **{**self.form, "minor": "yes"})
        assert answer.status_code == 422
        assert "guardian must say yes" in answer.text
        assert len(school.queries.students(school.course)) == 1

    def test_only_a_guardian_can_say_yes_for_a_minor(self, school: Any, browser: Any, send: Any) -> None:
        client = browser("colleague")
        minor = school.queries.students(school.other_course)[0].student_id
        path = f"/courses/{school.other_course}/students/{minor}"
        assert "yes:guardian" in client.get(path).text
        assert "yes:student" not in client.get(path).text
        assert send(client, f"{path}/consent", consent="yes:student").status_code == 422
        assert school.queries.students(school.other_course)[0].consent is None

    def test_age_must_be_said(self, school: Any, browser: Any, send: Any) -> None:
        answer = send(browser("teacher"), f"/courses/{school.course}/students", **{**self.form, "minor": ""})
        assert answer.status_code == 422

    def test_an_odd_camera_keeps_the_student_and_says_so(self, school: Any, browser: Any, send: Any) -> None:
        client = browser("teacher")
        form = {**self.form, "address": "cam\x01"}
        send(client, f"/courses/{school.course}/students", **form)
        assert [entry.name for entry in school.queries.students(school.course)] == ["Amina", "Chidi"]
        assert "not the camera" in client.get("/").text

    @pytest.mark.parametrize(
        ("address", "says"),
        [
            ("0", "Only an administrator"),
            ("/etc/passwd", "Recordings are for administrators"),
            ("file:///etc/passwd", "Recordings are for administrators"),
            ("http://127.0.0.1:8000/", "may not be at this address"),
            ("http://169.254.169.254/latest", "may not be at this address"),
        ],
    )
    def test_a_teacher_cannot_reach_into_the_server_by_a_camera(
        self, school: Any, browser: Any, send: Any, address: str, says: str
    ) -> None:
        client, before = browser("teacher"), school.queries.students(school.course)[0].source_address
        answer = send(client, f"/courses/{school.course}/students/{school.student}/camera", address=address)
        assert answer.status_code == 422 and says in answer.text
        send(client, f"/courses/{school.course}/students", **{**self.form, "address": address})
        send(client, f"/sessions/{school.session}/classroom-camera", address=address)
        assert says in client.get(f"/sessions/{school.session}/classroom-camera").text
        known = [entry.source_address for entry in school.queries.students(school.course)]
        assert known == [before, None] and not school.queries.shared_plan()

    def test_an_administrator_may_use_a_device_of_the_server(self, school: Any, browser: Any, send: Any) -> None:
        send(browser("admin"), f"/courses/{school.course}/students/{school.student}/camera", address="0")
        assert school.queries.students(school.course)[0].source_address == "0"

    @pytest.mark.parametrize("name", ["teacher", "admin"])
    def test_a_camera_is_asked_for_by_what_this_person_may_give(
        self, school: Any, browser: Any, send: Any, name: str
    ) -> None:
        client, own = browser(name), name == "admin"
        answer = send(client, f"/courses/{school.course}/students/{school.student}/camera", address=" ")
        asked = re.search(r'class="error"[^>]*>(Give [^<]*)', answer.text)
        assert answer.status_code == 422 and asked
        send(client, f"/sessions/{school.session}/classroom-camera", address="")
        page = client.get(f"/sessions/{school.session}/classroom-camera").text
        assert asked[1] in page
        assert ("number of a camera" in asked[1]) is own
        assert ("file" in asked[1]) is False, "recordings are for administrators, and here in no folder"

    def test_recordings_are_asked_for_where_a_folder_is_named(
        self, settings: Settings, database: Database, school: Any, send: Any, tmp_path: Path
    ) -> None:
        capture = settings.capture.model_copy(update={"media_folders": (tmp_path,)})
        app = create_app(settings.model_copy(update={"capture": capture}), database)
        for name, own in (("admin", True), ("teacher", False)):
            client = app.test_client()
            send(client, "/sign-in", email=f"{name}@school.example", password=PASSWORD)
            answer = send(client, f"/courses/{school.course}/students/{school.student}/camera", address="")
            assert ("file." in answer.text.partition('class="error"')[2].partition("<")[0]) is own

    def test_a_no_is_recorded_and_shown(self, school: Any, browser: Any, send: Any) -> None:
        client, path = browser("teacher"), f"/courses/{school.course}/students/{school.student}"
        send(client, f"{path}/consent", consent="no:student")
        assert school.queries.students(school.course)[0].consent.granted is False
        assert "not sharing" in client.get(f"/courses/{school.course}").text

    def test_a_running_live_page_is_told(self, app: Flask, school: Any, browser: Any, send: Any) -> None:
        client = browser("teacher")
        page = app.extensions["socketio"].test_client(app, flask_test_client=client)
        page.emit("watch", {"session": school.session}, callback=True)
        send(client, f"/courses/{school.course}/students/{school.student}/consent", consent="no:student")
        assert [event["name"] for event in page.get_received() if event["name"] == "changed"] == ["changed"]
        roster = client.get(f"/api/v1/sessions/{school.session}/roster").json["roster"]
        assert [(entry["allowed"], entry["reason"]) for entry in roster] == [(False, "not sharing")]

    def test_a_student_of_another_course_is_not_found(self, school: Any, browser: Any, send: Any) -> None:
        path = f"/courses/{school.other_course}/students/{school.student}"
        assert browser("admin").get(path).status_code == 404
        assert send(browser("admin"), f"{path}/consent", consent="no:student").status_code == 404
        assert school.queries.students(school.course)[0].consent.granted is True

    def test_passwords_of_cameras_are_never_shown(self, school: Any, browser: Any) -> None:
        client = browser("admin")
        for path in (f"/courses/{school.course}", f"/courses/{school.course}/students/{school.student}",
                     f"/api/v1/sessions/{school.session}"):  # fmt: skip
            assert "secret" not in client.get(path).text

    def test_names_are_escaped(self, school: Any, browser: Any, send: Any) -> None:
        client, name = browser("teacher"), "<script>alert(1)</script>"
        send(client, f"/courses/{school.course}/students", **{**self.form, "name": name})
        send(client, "/courses/new", title=name)
        for path in ("/", f"/courses/{school.course}", f"/sessions/{school.session}"):
            assert "<script>alert" not in client.get(path).text
        assert "&lt;script&gt;alert" in client.get(f"/courses/{school.course}").text

    def test_the_virtual_class_cannot_be_changed(self, school: Any, browser: Any, send: Any) -> None:
        course = school.classroom.ensure_demo([DemoMember("Drawn", "virtual:1")])
        client = browser("admin")
        assert send(client, f"/courses/{course}/students", **self.form).status_code == 400
        assert send(client, f"/courses/{course}/archive").status_code == 400


class TestSessions:
    """Starting and stopping."""

    def test_the_virtual_class_starts_once_and_is_found_again(self, school: Any, browser: Any, send: Any) -> None:
        school.classroom.ensure_demo([DemoMember("Drawn", "virtual:1")])
        client = browser("admin")
        first = send(client, "/demo").location
        assert first == send(client, "/demo").location
        assert client.get(first).status_code == 200

    def test_an_empty_course_starts_nothing(self, school: Any, browser: Any, send: Any, call: Any) -> None:
        client = browser("teacher")
        course = int(send(client, "/courses/new", title="Maths").location.rsplit("/", 1)[1])
        assert send(client, f"/courses/{course}/sessions").location == f"/courses/{course}"
        answer = call(client, f"/api/v1/courses/{course}/sessions", {})
        assert answer.status_code == 400
        assert "add a student" in answer.json["error"]

    def test_start_and_stop_by_api(self, school: Any, browser: Any, call: Any) -> None:
        client = browser("teacher")
        stopped = call(client, f"/api/v1/sessions/{school.session}/stop", {})
        assert stopped.json["state"] == "ended"
        started = call(client, f"/api/v1/courses/{school.course}/sessions", {})
        assert started.status_code == 201
        assert started.json["state"] == "running"
        assert "/sessions/" in started.location

    def test_pause_and_marker(self, school: Any, browser: Any, call: Any) -> None:
        client, path = browser("teacher"), f"/api/v1/sessions/{school.session}"
        assert call(client, f"{path}/pause", {"paused": True}).json["paused"] is True
        assert call(client, f"{path}/pause", {"paused": False}).json["paused"] is False
        alone = call(client, f"{path}/pause", {"paused": True, "student": school.student}).json
        assert [entry["paused"] for entry in alone["roster"]] == [True]
        assert call(client, f"{path}/markers", {"text": " Group work "}).status_code == 201
        assert [marker["text"] for marker in client.get(path).json["markers"]] == ["Group work"]
        assert call(client, f"{path}/markers", {"text": "x" * 81}).status_code == 400
        assert call(client, f"{path}/pause", {"paused": "yes"}).status_code == 400


class TestSamples:
    """What the live page is told, by the API and by the socket."""

    @pytest.fixture
    def filled(self, school: Any, database: Database) -> Callable[[int], str]:
        base = int(NOON.timestamp())
        origin = Origin(school.session, 1, school.student)
        samples = [reading(school.session, school.student, base + i, None if i == 2 else 6.0 + i) for i in range(4)]
        SqlStore(database).write(samples, (), [SourceStatus(origin, SourceState.LOST, NOON, "gone")])
        return lambda since: f"/api/v1/sessions/{school.session}/samples?since={base + since}"

    def test_catch_up(self, filled: Any, school: Any, browser: Any) -> None:
        answer = browser("teacher").get(filled(1)).json
        assert [sample["score"] for sample in answer["samples"]] == [7.0, None, 9.0]
        assert [sample["reason"] for sample in answer["samples"]] == [None, "away", None]
        assert answer["samples"][0]["emoji"] == "😀"
        assert [status["state"] for status in answer["statuses"]] == ["lost"]
        assert answer["now"] > NOON.timestamp()

    def test_timeline(self, filled: Any, school: Any, browser: Any) -> None:
        seconds = browser("teacher").get(f"/api/v1/sessions/{school.session}/timeline").json["seconds"]
        assert [(row["mean"], row["scored"], row["students"]) for row in seconds] == [
            (6.0, 1, 1), (7.0, 1, 1), (None, 0, 1), (9.0, 1, 1)
        ]  # fmt: skip

    @pytest.mark.parametrize("since", ["", "since=x", "since=-1", "since=1e9", "since=9999999999999"])
    def test_a_strange_second_is_refused(self, school: Any, browser: Any, since: str) -> None:
        answer = browser("teacher").get(f"/api/v1/sessions/{school.session}/samples?{since}")
        assert answer.status_code == 400
        assert "since" in answer.json["error"]

    def test_updates_reach_the_pages_of_their_session_as_one_event(self, app: Flask, school: Any, browser: Any) -> None:
        socketio = app.extensions["socketio"]
        mine = socketio.test_client(app, flask_test_client=browser("teacher"))
        theirs = socketio.test_client(app, flask_test_client=browser("colleague"))
        mine.emit("watch", {"session": school.session}, callback=True)
        theirs.emit("watch", {"session": school.other_session}, callback=True)
        second = int(NOON.timestamp())
        updates = [
            LiveUpdate(school.session, NOON, (reading(school.session, school.student, second + i, 5.0),))
            for i in (0, 1)
        ]
        deliver(app, updates)
        received = [event for event in mine.get_received() if event["name"] == "update"]
        assert len(received) == 1
        assert [sample["second"] - second for sample in received[0]["args"][0]["samples"]] == [0, 1]
        assert [event for event in theirs.get_received() if event["name"] == "update"] == []

    def test_one_page_watches_one_session(self, app: Flask, school: Any, browser: Any) -> None:
        page = app.extensions["socketio"].test_client(app, flask_test_client=browser("admin"))
        page.emit("watch", {"session": school.session}, callback=True)
        page.emit("watch", {"session": school.other_session}, callback=True)
        deliver(app, [LiveUpdate(school.session, NOON)])
        assert [event for event in page.get_received() if event["name"] == "update"] == []

    def test_stopping_tells_the_pages(self, app: Flask, school: Any, browser: Any, call: Any) -> None:
        client = browser("teacher")
        page = app.extensions["socketio"].test_client(app, flask_test_client=client)
        page.emit("watch", {"session": school.session}, callback=True)
        call(client, f"/api/v1/sessions/{school.session}/stop", {})
        assert [event["name"] for event in page.get_received() if event["name"] == "changed"] == ["changed"]
