"""The live page's own parts of the API: looking at the screen, one student's timeline, withdrawing a correction."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engage.core.policy import GivenBy, Jurisdiction
from engage.core.types import EMOTIONS, GestureEvent, Mode, Reason, Sample, Score, ScoredSample
from engage.storage.database import Database
from engage.storage.records import NewStudent
from engage.storage.store import SqlStore

SECOND = int(time.time())


def second(school: Any, number: int, **changes: Any) -> ScoredSample:
    """Return one second: attentive, neutral and happy in equal parts."""
    at = datetime.fromtimestamp(SECOND + number, UTC)
    sample = Sample(school.session, school.student, SECOND + number, at, 5, 1.0, 1.0, 0.9, 0.5, (0.5, 0.5, *[0.0] * 6))
    score = Score(7.5, 0.8, None, {"attention": 0.9, "presence": 1.0})
    return replace(ScoredSample(sample, score, "test-1"), **changes)


class TestCalibration:
    """Asking to look at the screen."""

    @pytest.fixture
    def path(self, school: Any) -> str:
        return f"/api/v1/sessions/{school.session}/calibration"

    @pytest.fixture
    def both(self, school: Any) -> tuple[int, int]:
        """Return two students with a camera and a Yes; a third has none."""
        second = school.classroom.create_student(school.course, NewStudent("Bo", minor=False)).id
        school.classroom.add_source("rtsp://camera.example/2", student_id=second)
        school.classroom.record_consent(second, True, GivenBy.STUDENT, school.teacher)
        school.classroom.create_student(school.course, NewStudent("Cy", minor=False))
        return school.student, second

    def test_the_class_is_asked_and_every_page_told(
        self, school: Any, both: Any, path: str, browser: Any, call: Any, app: Any
    ) -> None:
        client = browser("teacher")
        socket = app.extensions["socketio"].test_client(app, flask_test_client=browser("admin"))
        socket.emit("watch", {"session": school.session}, callback=True)
        answer = call(client, path, {"student": None})
        assert answer.status_code == 201 and tuple(answer.json["students"]) == both
        assert answer.json["until"] - answer.json["from"] == 5
        assert answer.json["from"] > time.time(), "there is a countdown first"
        assert [event["name"] for event in socket.get_received()] == ["changed"]
        assert client.get(f"/api/v1/sessions/{school.session}").json["calibration"] == [answer.json]

    def test_one_student_who_is_paused_is_not_asked(
        self, school: Any, both: Any, path: str, browser: Any, call: Any
    ) -> None:
        client = browser("teacher")
        school.classroom.set_paused(school.session, both[0], True)
        assert call(client, path, {"student": both[0]}).status_code == 400
        assert call(client, path, {}).json["students"] == [both[1]]

    def test_without_a_line_of_sight_nobody_is_asked(self, school: Any, path: str, browser: Any, call: Any) -> None:
        school.classroom.save_setup(Jurisdiction.EU, Mode.FULL, school.admin)
        answer = call(browser("teacher"), path, {})
        assert answer.status_code == 400 and "line of sight" in answer.json["error"]

    @pytest.mark.parametrize("student", ["1", True, 1.0, [1]])
    def test_a_strange_student_is_one_line(self, path: str, browser: Any, call: Any, student: object) -> None:
        answer = call(browser("teacher"), path, {"student": student})
        assert answer.status_code == 400 and "\n" not in answer.json["error"]


class TestTimeline:
    """One student's seconds."""

    @pytest.fixture
    def path(self, school: Any, database: Database) -> str:
        away = Score(None, 0.0, Reason.AWAY)
        gone = second(school, 2, score=away)
        rows = [second(school, 0), second(school, 1), replace(gone, sample=replace(gone.sample, expression=None))]
        at = datetime.fromtimestamp(SECOND, UTC)
        made = [
            GestureEvent(school.session, school.student, kind, at, at + timedelta(seconds=1), 0.8)
            for kind in ("nod", "calibration")
        ]
        SqlStore(database).write(rows, made)
        return f"/api/v1/sessions/{school.session}/students/{school.student}/timeline"

    def test_seconds_expression_and_gestures(self, path: str, browser: Any) -> None:
        told = browser("teacher").get(path).json
        assert [row["score"] for row in told["seconds"]] == [7.5, 7.5, None]
        assert [row["attention"] for row in told["seconds"]] == [0.9, 0.9, None]
        assert told["seconds"][2]["reason"] == "away"
        assert told["expression"] == {name: float(name in ("neutral", "happiness")) for name in EMOTIONS}
        assert [gesture["kind"] for gesture in told["gestures"]] == ["nod"]

    def test_since_a_second(self, path: str, browser: Any) -> None:
        told = browser("teacher").get(f"{path}?since={SECOND + 2}").json
        assert [row["second"] for row in told["seconds"]] == [SECOND + 2]
        assert told["expression"] is None, "nothing was read: not a share of zero"
        assert browser("teacher").get(f"{path}?since=now").status_code == 400

    def test_a_student_of_another_course_is_not_there(self, school: Any, path: str, browser: Any) -> None:
        other = path.replace(f"sessions/{school.session}", f"sessions/{school.other_session}")
        assert browser("colleague").get(other).status_code == 404


def test_a_correction_is_withdrawn_by_whoever_made_it(school: Any, browser: Any, call: Any) -> None:
    start = school.queries.session(school.session).started_at.timestamp()
    base = f"/api/v1/sessions/{school.session}"
    client = browser("teacher")
    said = {"engaged": True, "from": start - 60, "until": start + 60}
    row = call(client, f"{base}/students/{school.student}/corrections", said).json
    assert row["own"] is True
    assert browser("admin").get(f"{base}/corrections").json["corrections"][0]["own"] is False
    other = f"/api/v1/sessions/{school.other_session}/corrections/{row['id']}"
    assert call(browser("colleague"), other, {}, "DELETE").status_code == 400, "not of that session"
    assert call(client, f"{base}/corrections/{row['id']}", {}, "DELETE").status_code == 204
    assert client.get(f"{base}/corrections").json["corrections"] == []
    assert call(client, f"{base}/corrections/{row['id']}", {}, "DELETE").status_code == 400, "it is gone"
