"""Pictures with many people, by the dashboard: who may share and name, what is passed on, what pages are told."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from dashboard.frames import desk
from dashboard.meeting import show, word_desk
from engage.core.policy import GivenBy
from engage.core.shared import Hold, NameFace, SharedFace, SharedName, SharedView
from engage.core.types import Box, Origin, PushedFrame, SourceState, SourceStatus
from engage.storage.records import NewStudent
from engage.storage.store import SqlStore

JPEG = b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, 360, 640, 3) + bytes(9) + b"\xff\xd9"


class Kept:
    """A sender that keeps what it was given."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.dropped = 0

    def send(self, message: object) -> None:
        self.messages.append(message)

    def close(self) -> None:
        """Nothing to do."""


@pytest.fixture
def words(app: Flask) -> Kept:
    """Return the words that are sent to workers."""
    kept = Kept()
    word_desk(app).connect(lambda origin: kept)
    return kept


@pytest.fixture
def pictures(app: Flask) -> Kept:
    """Return the pictures that are sent to workers."""
    kept = Kept()
    desk(app).connect(lambda origin: kept)
    return kept


@pytest.fixture
def path(school: Any) -> str:
    """Return the address of the session's pictures."""
    return f"/api/v1/sessions/{school.session}/shared"


@pytest.fixture
def source(browser: Any, call: Any, words: Kept, path: str) -> int:
    """Return the source of a window that is shared."""
    answer = call(browser("teacher"), path, {})
    assert answer.status_code == 201
    return int(answer.json["source"])


def test_a_window_is_shared_without_earlier_names(
    words: Kept, source: int, school: Any, browser: Any, path: str
) -> None:
    assert words.messages == [NameFace(school.session, source)]
    found = browser("teacher").get(path).json
    assert found["sources"] == [{"id": source, "kind": "window"}]
    assert found["people"] == [
        {"student": school.student, "name": "Amina", "seat": "A1", "nameable": True, "reason": None}
    ]


def test_sharing_again_takes_the_same_source(source: int, browser: Any, call: Any, path: str) -> None:
    assert call(browser("teacher"), path, {}).json["source"] == source


def test_a_name_is_passed_on_and_left_in_the_audit_log(
    words: Kept, source: int, school: Any, browser: Any, call: Any, path: str, database: Any
) -> None:
    from sqlalchemy import text

    client = browser("teacher")
    assert call(client, f"{path}/{source}/names", {"student": school.student, "face": 12}).status_code == 200
    assert call(client, f"{path}/{source}/names", {"student": school.student, "face": None}).status_code == 200
    assert words.messages[1:] == [
        NameFace(school.session, source, school.student, 12),
        NameFace(school.session, source, school.student, None),
    ]
    with database.engine.connect() as connection:
        actions = connection.execute(text("SELECT action FROM audit_log ORDER BY id DESC LIMIT 2")).scalars().all()
    assert actions == ["unname_face", "name_face"]


@pytest.mark.parametrize("why", ["no consent", "withdrawn", "another course", "own camera", "minor"])
def test_who_may_not_be_named_is_refused_with_the_reason(
    why: str, words: Kept, source: int, school: Any, browser: Any, call: Any, path: str, database: Any
) -> None:
    student = school.student
    if why == "withdrawn":
        school.classroom.record_consent(student, False, GivenBy.STUDENT, school.teacher)
    elif why == "own camera":
        camera = school.queries.students(school.course)[0].source_id
        on = SourceStatus(Origin(school.session, camera, student), SourceState.LIVE, datetime.now(UTC), "on")
        SqlStore(database).write((), (), [on])
    else:
        course = school.other_course if why == "another course" else school.course
        student = school.classroom.create_student(course, NewStudent("Noor", minor=why == "minor")).id
        if why == "minor":
            school.classroom.record_consent(student, True, GivenBy.STUDENT, school.teacher)
    answer = call(browser("teacher"), f"{path}/{source}/names", {"student": student, "face": 12})
    assert answer.status_code == 400 and answer.json["error"]
    assert words.messages == [NameFace(school.session, source)]


def test_another_sessions_picture_cannot_be_named(
    words: Kept, source: int, school: Any, browser: Any, call: Any
) -> None:
    other = f"/api/v1/sessions/{school.other_session}/shared/{source}/names"
    assert call(browser("admin"), other, {"student": None, "face": None}).status_code == 400


@pytest.mark.parametrize("who", ["teacher", "colleague"])
def test_only_who_may_see_the_session_shares_and_follows(
    who: str, app: Flask, school: Any, browser: Any, source: int, pictures: Kept
) -> None:
    socket = app.extensions["socketio"].test_client(app, flask_test_client=browser(who))
    answer = socket.emit("share", {"session": school.session, "frame": JPEG}, callback=True)
    followed = socket.emit("follow_shared", {"session": school.session}, callback=True)
    assert answer["ok"] is followed["ok"] is (who == "teacher")
    assert [frame.origin for frame in pictures.messages] == [Origin(school.session, source, 0)] * (who == "teacher")
    assert all(isinstance(frame, PushedFrame) and frame.data == JPEG for frame in pictures.messages)
    view = SharedView(school.session, source, datetime.now(UTC), 640, 360, (SharedFace(4, Box(64, 36, 32, 36)),),
                      (SharedName(school.student, Hold.SURE, 4),))  # fmt: skip
    show(app, [view])
    told = [event for event in socket.get_received() if event["name"] == "shared"]
    assert len(told) == (who == "teacher")
    if told:
        assert told[0]["args"][0]["faces"] == [{"id": 4, "x": 0.1, "y": 0.1, "w": 0.05, "h": 0.1}]
