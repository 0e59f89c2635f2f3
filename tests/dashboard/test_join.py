"""Joining: links and PINs, the question, one device each, and which frames are taken."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from dashboard import frames
from dashboard.join_keys import NewKey, class_code, class_pin, issue
from engage.core.live import JOINERS
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.types import Mode, PushedFrame, Sample, Score, ScoredSample
from engage.core.updates import LiveUpdate
from engage.storage.records import NewStudent, SourceKind
from engage.storage.tables import ConsentAnswer


class Line:
    """A capture worker's channel that keeps what it was given."""

    dropped = 0

    def __init__(self) -> None:
        self.sent: list[PushedFrame] = []

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def close(self) -> None:
        pass


def picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (480, 360), (90, 120, 200)).save(stream, "jpeg")
    return stream.getvalue()


JPEG = picture()


@pytest.fixture
def line(app: Flask) -> Line:
    line = Line()
    frames.desk(app).connect(lambda origin: line)
    return line


@pytest.fixture
def keys(app: Flask, school: Any) -> dict[int, NewKey]:
    """Return the links and PINs of a student of age and of a minor, in the teacher's course."""
    minor = school.classroom.create_student(school.course, NewStudent("Noor", minor=True)).id
    with app.test_request_context():
        made = issue(school.course, [school.student, minor], school.teacher)
    return {key.student_id: key for key in made}


@pytest.fixture
def mine(keys: dict[int, NewKey], school: Any) -> NewKey:
    return keys[school.student]


@pytest.fixture
def minors(keys: dict[int, NewKey], school: Any) -> NewKey:
    return next(key for student, key in keys.items() if student != school.student)


def opened(app: Flask, key: NewKey) -> FlaskClient:
    """Return a new browser that has followed a personal link."""
    client = app.test_client()
    assert client.get(f"/join/me/{key.token}").status_code == 302
    return client


def form(client: FlaskClient, path: str, **values: str) -> Any:
    """Send a form with the token of this browser's pages."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/join").text)
    assert found
    return client.post(path, data={**values, "csrf_token": found[1]}, follow_redirects=True)


def api(client: FlaskClient, path: str, body: object) -> Any:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/join").text)
    assert found
    return client.post(f"/join/api{path}", json=body, headers={"X-CSRFToken": found[1]})


def on(app: Flask, key: NewKey) -> FlaskClient:
    """Return a browser that takes part."""
    client = opened(app, key)
    assert 'data-state="starting"' in form(client, "/join/answer", answer="yes").text
    return client


def socket(app: Flask, client: FlaskClient, ticket: str | None = None) -> Any:
    if ticket is None:
        ticket = api(client, "/ticket", {}).json["ticket"]
    return app.extensions["socketio"].test_client(
        app, namespace=JOINERS, auth={"ticket": ticket}, flask_test_client=client
    )


def push(connection: Any, data: object = JPEG) -> Any:
    return connection.emit("frame", data, namespace=JOINERS, callback=True)


def joined(school: Any) -> list[Any]:
    return [source for source in school.queries.capture_plan() if source.kind is SourceKind.BROWSER]


class TestTheWayIn:
    """Links and PINs."""

    def test_by_the_class_pin_and_ones_own(self, app: Flask, school: Any, mine: NewKey) -> None:
        client = app.test_client()
        with app.test_request_context():
            pin, code = class_pin(school.session), class_code(school.session)
        page = form(client, "/join", pin=f"{pin[:3]} {pin[3:]}")
        assert "Join Physics" in page.text
        assert "Amina" not in page.text, "no list of names"
        page = form(client, f"/join/class/{code}", pin=mine.pin)
        assert "May your camera be used" in page.text and "Amina" in page.text

    @pytest.mark.parametrize("pin", ["", "12345", "abcdef", "1234567", "٠١٢٣٤٥"])
    def test_wrong_pins_are_refused_and_audited(
        self, app: Flask, school: Any, database: Any, mine: NewKey, pin: str
    ) -> None:
        client = app.test_client()
        with app.test_request_context():
            code = class_code(school.session)
        assert form(client, f"/join/class/{code}", pin=pin).status_code == 422
        assert form(client, "/join", pin=pin).status_code == 422
        assert client.get("/join/now").headers["Location"] == "/join"
        with database.engine.connect() as connection:
            tried = connection.exec_driver_sql("SELECT count(*) FROM audit_log WHERE action = 'join_refused'").scalar()
        assert tried == 1

    def test_guessing_is_bounded_and_right_pins_do_not_count(self, app: Flask, school: Any, mine: NewKey) -> None:
        with app.test_request_context():
            code = class_code(school.session)
        for _ in range(25):
            assert form(app.test_client(), f"/join/class/{code}", pin=mine.pin).status_code == 200
        wrong = f"{(int(mine.pin) + 1) % 10**6:06}"
        answers = [form(app.test_client(), f"/join/class/{code}", pin=wrong).status_code for _ in range(25)]
        assert answers == [422] * 20 + [429] * 5

    def test_a_pin_of_another_course_is_refused(self, app: Flask, school: Any, mine: NewKey) -> None:
        with app.test_request_context():
            code = class_code(school.other_session)
        assert form(app.test_client(), f"/join/class/{code}", pin=mine.pin).status_code == 422

    @pytest.mark.parametrize("path", ["/join/me/wrong", "/join/class/wrong", "/join/class/MQ.wrong"])
    def test_forged_links_lead_nowhere(self, app: Flask, school: Any, path: str) -> None:
        answer = app.test_client().get(path)
        assert answer.status_code == 404
        assert "engage-join" not in str(answer.headers)

    def test_new_keys_replace_old_ones_and_withdrawn_ones_stop(
        self, app: Flask, school: Any, mine: NewKey, browser: Any, send: Any, line: Line
    ) -> None:
        client = on(app, mine)
        assert len(joined(school)) == 1
        with app.test_request_context():
            again = issue(school.course, [school.student], school.teacher)[0]
        assert joined(school) == [], "the device of the old link has stopped"
        assert client.get("/join/now").status_code == 302
        assert app.test_client().get(f"/join/me/{mine.token}").status_code == 404
        client = opened(app, again)
        teacher = browser("teacher")
        send(teacher, f"/courses/{school.course}/join/revoke", student=str(school.student))
        assert client.get("/join/now").status_code == 302
        assert app.test_client().get(f"/join/me/{again.token}").status_code == 404

    def test_without_a_lesson_the_page_waits_and_afterwards_it_is_over(
        self, app: Flask, school: Any, mine: NewKey
    ) -> None:
        client = on(app, mine)
        with app.test_request_context():
            code = class_code(school.session)
        school.classroom.end_session(school.session, school.teacher)
        assert "This lesson is over" in client.get("/join/now").text
        assert app.test_client().get(f"/join/class/{code}").status_code == 410
        assert "No lesson is running" in app.test_client().get(f"/join/me/{mine.token}").text
        school.classroom.start_session(school.course, school.teacher)
        assert "May your camera be used" in client.get("/join/now", follow_redirects=True).text, "asked anew"

    def test_the_cookie_goes_to_the_join_path_alone(self, app: Flask, mine: NewKey) -> None:
        cookie = app.test_client().get(f"/join/me/{mine.token}").headers["Set-Cookie"]
        assert {"HttpOnly", "Path=/join", "SameSite=Lax"} <= set(cookie.split("; "))

    def test_a_changed_cookie_is_nobodys(self, app: Flask, mine: NewKey) -> None:
        client = opened(app, mine)
        value = client.get_cookie("engage-join", path="/join").value
        client.set_cookie("engage-join", ("Y" if value[0] != "Y" else "Z") + value[1:], path="/join")
        assert client.get("/join/now").status_code == 302
        assert api(client, "/ticket", {}).status_code == 401

    def test_the_teacher_makes_slips_once(self, app: Flask, school: Any, browser: Any, send: Any) -> None:
        client = browser("teacher")
        page = send(client, f"/courses/{school.course}/join").text
        links = re.findall(r"/join/me/([\w-]+)", page)
        assert len(links) == 1 and "data:image/svg" in page
        assert links[0] not in client.get(f"/courses/{school.course}/join").text
        assert app.test_client().get(f"/join/me/{links[0]}").status_code == 302
        svg = client.get(f"/sessions/{school.session}/join.svg")
        assert svg.mimetype == "image/svg+xml" and b"style=" not in svg.data


class TestTheQuestion:
    """Yes, No, and who may say it."""

    def test_it_says_what_holds(self, app: Flask, school: Any, mine: NewKey) -> None:
        page = opened(app, mine).get("/join/now").text
        assert "Teacher, for the course Physics" in page
        assert "which expression" in page and "No sound" in page
        assert "video" not in re.findall(r"<(\w+)", page), "no camera before the Yes"

    def test_in_the_eu_only_presence_is_asked_for(self, app: Flask, school: Any, mine: NewKey) -> None:
        school.classroom.save_setup(Jurisdiction.EU, Mode.FULL, school.admin)
        page = opened(app, mine).get("/join/now").text
        assert "expression" not in page and "score" not in page
        assert "present" in page and "Nobody guesses your feelings or your attention" in page

    def test_no_is_remembered_and_can_be_changed(self, app: Flask, school: Any, mine: NewKey) -> None:
        client = opened(app, mine)
        assert "Your camera stays off" in form(client, "/join/answer", answer="no").text
        consent = school.queries.students(school.course)[0].consent
        assert (consent.granted, consent.given_by) == (False, GivenBy.STUDENT)
        assert joined(school) == []
        assert "Last time you said No" in opened(app, mine).get("/join/now").text
        assert 'data-state="starting"' in form(client, "/join/answer", answer="yes").text
        assert school.queries.students(school.course)[0].consent.granted
        assert len(joined(school)) == 1

    def test_how_long_it_is_kept_is_told_and_stored_with_the_answer(
        self, app: Flask, school: Any, mine: NewKey, database: Any
    ) -> None:
        client = opened(app, mine)
        asked = client.get("/join/now").text
        assert "After 90 days the single seconds" in asked and "After 400 days everything" in asked
        form(client, "/join/answer", answer="no")
        with database.read() as session:
            versions = list(session.scalars(select(ConsentAnswer.notice_version).order_by(ConsentAnswer.id)))
        assert versions[-1] == "join-2, 90/400 days"

    def test_no_while_it_is_on_stops_it(self, app: Flask, school: Any, mine: NewKey, line: Line) -> None:
        client = on(app, mine)
        connection = socket(app, client)
        assert push(connection)["state"] == "on"
        form(client, "/join/answer", answer="no")
        assert push(connection)["state"] == "ended"
        assert len(line.sent) == 1

    def test_a_minor_needs_the_guardian_first(self, app: Flask, school: Any, minors: NewKey) -> None:
        client = opened(app, minors)
        assert "A parent or guardian decides first" in client.get("/join/now").text
        form(client, "/join/answer", answer="yes")
        assert joined(school) == []
        school.classroom.record_consent(minors.student_id, True, GivenBy.GUARDIAN, school.teacher)
        assert "May your camera be used" in client.get("/join/now").text, "the student is asked all the same"
        form(client, "/join/answer", answer="no")
        assert joined(school) == []
        form(client, "/join/answer", answer="yes")
        assert [source.subject.consent.given_by for source in joined(school)] == [GivenBy.GUARDIAN]
        school.classroom.record_consent(minors.student_id, False, GivenBy.GUARDIAN, school.teacher)
        assert "A parent or guardian decides first" in client.get("/join/now").text

    def test_before_set_up_nothing_can_start(self, app: Flask, school: Any, mine: NewKey, database: Any) -> None:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM settings WHERE key = 'setup'")
        client = opened(app, mine)
        assert "not yet said" in client.get("/join/now").text
        form(client, "/join/answer", answer="yes")
        assert joined(school) == []

    def test_the_camera_may_be_asked_for_on_the_one_page(self, app: Flask, mine: NewKey) -> None:
        client = opened(app, mine)
        assert "camera=()" in client.get("/join/now").headers["Permissions-Policy"]
        form(client, "/join/answer", answer="yes")
        assert "camera=(self)" in client.get("/join/now").headers["Permissions-Policy"]


class TestDevices:
    """One device each."""

    def test_a_second_device_asks_and_takes_over(self, app: Flask, school: Any, mine: NewKey, line: Line) -> None:
        first, second = on(app, mine), opened(app, mine)
        one = socket(app, first)
        assert push(one)["state"] == "on"
        assert "already on with another device" in form(second, "/join/answer", answer="yes").text
        assert push(one)["state"] == "on" and api(second, "/ticket", {}).status_code == 409
        assert 'data-state="starting"' in form(second, "/join/take-over").text
        assert [event["name"] for event in one.get_received(JOINERS)] == ["taken"]
        assert push(one) == {"state": "taken"}
        assert first.get("/join/api/state").json == {"state": "taken"}
        assert push(socket(app, second))["state"] == "on"

    def test_the_same_browser_goes_on_without_a_question(self, app: Flask, school: Any, mine: NewKey) -> None:
        client = on(app, mine)
        client.get(f"/join/me/{mine.token}")
        assert 'data-state="starting"' in client.get("/join/now").text
        assert len(joined(school)) == 1

    def test_another_student_on_the_same_browser_ends_the_firsts_part(
        self, app: Flask, school: Any, mine: NewKey, minors: NewKey
    ) -> None:
        client = on(app, mine)
        client.get(f"/join/me/{minors.token}")
        assert joined(school) == []
        assert "A parent or guardian decides first" in client.get("/join/now").text

    def test_a_ticket_opens_one_socket(self, app: Flask, mine: NewKey) -> None:
        client = on(app, mine)
        ticket = api(client, "/ticket", {}).json["ticket"]
        assert socket(app, client, ticket).is_connected(JOINERS)
        assert not socket(app, client, ticket).is_connected(JOINERS)
        for wrong in ("", "wrong", "x" * 500, 7, {"a": 1}):
            assert not socket(app, client, wrong).is_connected(JOINERS)  # type: ignore[arg-type]

    def test_an_account_does_not_open_a_joiners_socket_nor_a_joiner_a_teachers(
        self, app: Flask, school: Any, browser: Any, mine: NewKey
    ) -> None:
        sockets = app.extensions["socketio"]
        assert not sockets.test_client(app, namespace=JOINERS, flask_test_client=browser("admin")).is_connected(JOINERS)
        assert not sockets.test_client(app, flask_test_client=on(app, mine)).is_connected()


class TestFrames:
    """What is taken, and what is dropped before the worker."""

    def test_a_frame_reaches_the_line_of_its_source(self, app: Flask, school: Any, mine: NewKey, line: Line) -> None:
        connection = socket(app, on(app, mine))
        answer = push(connection)
        assert answer["state"] == "on" and 1.0 <= answer["rate"] <= 5.0
        source = joined(school)[0]
        assert [(frame.origin, frame.data) for frame in line.sent] == [(source.origin, JPEG)]
        assert source.address == f"browser:{school.student}"

    @pytest.mark.parametrize("data", ["text", None, {}, b"", b"GIF89a", JPEG + bytes(200_000)])
    def test_what_is_no_picture_is_refused(self, app: Flask, mine: NewKey, line: Line, data: object) -> None:
        connection = socket(app, on(app, mine))
        assert push(connection, data)["error"]
        assert line.sent == []

    def test_pauses_are_whose_they_are(self, app: Flask, school: Any, mine: NewKey, line: Line) -> None:
        client = on(app, mine)
        connection = socket(app, client)
        assert api(client, "/pause", {"paused": True}).json == {"state": "paused", "whose": "own"}
        assert push(connection) == {"state": "paused"}
        assert api(client, "/pause", {"paused": False}).json == {"state": "on", "whose": None}
        school.classroom.set_paused(school.session, school.student, True, school.teacher)
        assert client.get("/join/api/state").json == {"state": "paused", "whose": "teacher"}
        assert api(client, "/pause", {"paused": False}).status_code == 400
        school.classroom.set_paused(school.session, school.student, False, school.teacher)
        school.classroom.set_paused(school.session, None, True, school.teacher)
        assert client.get("/join/api/state").json == {"state": "paused", "whose": "class"}
        assert line.sent == []

    def test_stopping_tells_the_teacher(self, app: Flask, school: Any, mine: NewKey, browser: Any, line: Line) -> None:
        client = on(app, mine)
        connection = socket(app, client)
        live = app.extensions["socketio"].test_client(app, flask_test_client=browser("teacher"))
        live.emit("watch", {"session": school.session}, callback=True)
        assert "You have stopped" in form(client, "/join/stop").text
        assert push(connection) == {"state": "ended"}
        told = [event for event in live.get_received() if event["name"] == "update"]
        assert [status["state"] for event in told for status in event["args"][0]["statuses"]] == ["ended"]
        assert [status.state.value for status in school.queries.latest_statuses(school.session)] == ["ended"]
        assert client.get("/join/now").status_code == 200, "asked again"

    def test_a_withdrawal_at_school_stops_the_frames(
        self, app: Flask, school: Any, mine: NewKey, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dashboard.join_sockets.FRESH_S", 0.0)
        connection = socket(app, on(app, mine))
        school.classroom.record_consent(school.student, False, GivenBy.STUDENT, school.teacher)
        assert push(connection) == {"state": "refused"}
        school.classroom.end_session(school.session, school.teacher)
        assert push(connection) == {"state": "ended"}
        assert line.sent == []


class TestWhatTheStudentHears:
    """Their own reading, check-ins, looking at the screen."""

    def test_ones_own_reading_and_nobody_elses(self, app: Flask, school: Any, keys: Any, mine: NewKey) -> None:
        from dashboard.live import deliver

        connection = socket(app, on(app, mine))
        other = next(student for student in keys if student != school.student)
        at = app.extensions["engage"].clock.now()

        def scored(student: int, value: float) -> ScoredSample:
            sample = Sample(
                school.session, student, int(at.timestamp()), at, 2, 1.0, 1.0, 0.9, 0.5, (0.9,) + (0.0,) * 7
            )
            return ScoredSample(sample, Score(value, 0.8), "test")

        deliver(app, [LiveUpdate(school.session, at, (scored(school.student, 7.0), scored(other, 3.0)))])
        readings = [event["args"][0] for event in connection.get_received(JOINERS) if event["name"] == "reading"]
        assert [(reading["score"], reading["word"], reading["mode"]) for reading in readings] == [
            (7.0, "neutral", "full")
        ]
        assert "terms" not in readings[0] and "student" not in readings[0]

    def test_check_ins_and_looking_at_the_screen(self, app: Flask, school: Any, mine: NewKey) -> None:
        client = on(app, mine)
        assert api(client, "/check-ins", {"value": 4}).status_code == 201
        assert api(client, "/check-ins", {"value": 4}).status_code == 400, "once a minute"
        assert api(client, "/check-ins", {"value": "4"}).status_code == 400
        step = api(client, "/look", {}).json
        assert 0 < step["starts_in"] < step["ends_in"] < 10
        school.classroom.save_setup(Jurisdiction.EU, Mode.FULL, school.admin)
        assert api(client, "/look", {}).status_code == 400, "where one looks is not read under presence"

    def test_only_the_device_that_takes_part_may_speak(self, app: Flask, mine: NewKey) -> None:
        client = opened(app, mine)
        for path, body in [("/ticket", {}), ("/pause", {"paused": True}), ("/check-ins", {"value": 3}), ("/look", {})]:
            assert api(client, path, body).status_code == 409
        assert client.get("/join/api/state").json == {"state": "ended"}


def test_the_browser_is_the_students_camera_from_now_on(app: Flask, school: Any, mine: NewKey) -> None:
    on(app, mine)
    entry = next(entry for entry in school.queries.roster(school.session) if entry.student_id == school.student)
    assert entry.source_address == f"browser:{school.student}", "in place of the camera before"
