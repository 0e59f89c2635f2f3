"""What browsers send: every event of a socket, every file of a form, every address. No crash, no answer of 500."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from hypothesis import strategies as st

from dashboard.frames import desk
from dashboard.join_keys import issue
from engage.camera_gate import CameraGate
from engage.config import Settings
from engage.core.addresses import redact
from engage.core.live import JOINERS
from engage.core.protocols import Message
from engage.core.types import Origin, SourceState, SourceStatus
from engage.core.updates import LiveUpdate
from engage.errors import ChannelError, RequestError
from engage.runtime.encoding import RECORDS, Codec
from tests.dashboard.conftest import token_for
from tests.dashboard.test_join import on, socket
from tests.fuzz.inputs import JSON, SCALARS, nearly, nearly_text, nested, nightly_count, try_all
from tests.fuzz.test_files import CALENDAR, NOW, ONEROSTER, PUSHED, ROSTER, SENT, zipped

EVENTS = {"/": ("watch", "share", "follow_shared", "nonsense"), JOINERS: ("frame", "watch", "nonsense")}


class Kept:
    """The end of a channel that keeps the last message."""

    def __init__(self) -> None:
        self.last: Message | None = None

    def send(self, message: Message) -> None:
        self.last = message

    def close(self) -> None:
        """Nothing to do."""


@pytest.fixture
def student_socket(app: Flask, school: Any) -> Any:
    """Return the socket of a student who has joined and takes part."""
    desk(app).connect(lambda origin: Kept())  # type: ignore[arg-type, return-value]
    with app.test_request_context():
        (key,) = issue(school.course, [school.student], school.teacher)
    return socket(app, on(app, key))


both = pytest.mark.parametrize(
    "count", [150, pytest.param(None, marks=[pytest.mark.nightly, pytest.mark.timeout(10_000)])]
)
"""A short form in every run, ``ENGAGE_FUZZ_INPUTS`` of them at night."""


def times(count: int | None) -> int:
    return nightly_count() if count is None else count


@both
@pytest.mark.filterwarnings("ignore")
def test_no_event_of_a_teachers_socket_does_harm(
    app: Flask, browser: Any, school: Any, call: Any, count: int | None
) -> None:
    desk(app).connect(lambda origin: Kept())  # type: ignore[arg-type, return-value]
    teacher = browser("teacher")
    call(teacher, f"/api/v1/sessions/{school.session}/shared", {})
    client = app.extensions["socketio"].test_client(app, flask_test_client=teacher)
    session = st.sampled_from([school.session, school.other_session, 0, -1, 2**63, 2**64, True])
    nearly_right = st.fixed_dictionaries({}, optional={"session": session | JSON, "frame": nearly(*PUSHED) | JSON})

    def check(given: tuple[str, Any]) -> None:
        event, message = given
        answer = client.emit(event, message, callback=True)
        if event != "nonsense":
            assert isinstance(answer, dict) and isinstance(answer["ok"], bool), answer
            allowed = isinstance(message, dict) and message.get("session") == school.session
            assert allowed or not answer["ok"], "a session that is not this teacher's"

    try_all(check, st.tuples(st.sampled_from(EVENTS["/"]), nearly_right | JSON), times(count))
    assert client.emit("watch", {"session": school.session}, callback=True)["ok"], "it still works"


@both
@pytest.mark.filterwarnings("ignore")
def test_no_event_of_a_students_socket_does_harm(student_socket: Any, count: int | None) -> None:
    client = student_socket

    def check(given: tuple[str, Any]) -> None:
        event, message = given
        answer = client.emit(event, message, namespace=JOINERS, callback=True)
        if event == "frame":
            assert set(answer) <= {"state", "rate", "error"} and isinstance(answer["state"], str)

    try_all(check, st.tuples(st.sampled_from(EVENTS[JOINERS]), nearly(*PUSHED) | JSON), times(count))
    assert client.emit("frame", PUSHED[0], namespace=JOINERS, callback=True)["state"] == "on", "it still works"


@both
@pytest.mark.filterwarnings("ignore")
def test_no_ticket_lets_anybody_in(app: Flask, count: int | None) -> None:
    def check(auth: Any) -> None:
        client = app.extensions["socketio"].test_client(app, namespace=JOINERS, auth=auth)
        assert not client.is_connected(JOINERS)

    try_all(check, st.fixed_dictionaries({"ticket": nested(SCALARS)}), min(times(count), 20_000))


@both
@pytest.mark.parametrize("form", ["students", "schedule", "picture"])
@pytest.mark.filterwarnings("ignore")
def test_no_upload_does_harm(browser: Any, school: Any, form: str, count: int | None) -> None:
    teacher = browser("teacher")
    token = token_for(teacher)
    path = {
        "students": f"/courses/{school.course}/students/file",
        "schedule": f"/courses/{school.course}/schedule/file",
        "picture": "/try/looks",
    }[form]
    files = {
        "students": nearly_text(ROSTER) | nearly(zipped(ONEROSTER)),
        "schedule": nearly_text(CALENDAR),
        "picture": nearly(*SENT),
    }[form]

    def check(given: tuple[bytes, str]) -> None:
        data, name = given
        if form == "picture":
            answer = teacher.post(path, data=data, headers={"X-CSRFToken": token})
        else:
            content = {"file": (io.BytesIO(data), name), "minor": "yes", "csrf_token": token}
            answer = teacher.post(path, data=content, content_type="multipart/form-data")
        assert answer.status_code < 500 or answer.status_code == 503, answer.text[-500:]

    names = st.text(max_size=30) | st.sampled_from(["../../etc/passwd", "a.csv", "a\r\nSet-Cookie: x=y", "<script>"])
    try_all(check, st.tuples(files, names), min(times(count), 40) if count else times(count))


@both
def test_no_message_of_a_channel_does_harm(count: int | None) -> None:
    codec = Codec()
    status = SourceStatus(Origin(1, 2, 3), SourceState.LIVE, NOW, "a camera")
    right = [codec.encode(each) for each in (status, LiveUpdate(1, NOW, (), (status,)))]
    prefixes = [record.__name__.encode() + b"\0" for record in RECORDS]
    anything = st.builds(bytes.__add__, st.sampled_from(prefixes), st.binary(max_size=200))

    def check(data: bytes) -> None:
        try:
            record = codec.decode(data)
        except ChannelError:
            return
        assert codec.decode(codec.encode(record)) is not None

    try_all(check, nearly(*right) | anything, times(count) if count is None else 500)


@both
def test_no_address_of_a_camera_does_harm(count: int | None) -> None:
    gate = CameraGate.of(Settings())
    hosts = ["10.0.0.5", "[::1]", "127.1", "0x7f000001", "localhost", "camera.example", "169.254.169.254", "2130706433"]
    parts = st.sampled_from([
        "rtsp://", "http://", "https://", "rtsps://", "file://", "virtual:", "browser:", "//", "@", ":", "/", "?", "#",
        "[", "]", "%00", "\n", " ", "user:pass@", "..", "\\", *hosts,
    ])  # fmt: skip
    addresses = st.lists(parts | st.text(max_size=6), max_size=8).map("".join)

    def check(address: str) -> None:
        redact(address)
        for administrator in (False, True):
            try:
                CameraGate(gate.rules, lambda host: ["127.0.0.1"]).require(address, administrator)
            except RequestError as error:
                assert "\n" not in str(error)

    try_all(check, addresses, times(count) if count is None else 500)
