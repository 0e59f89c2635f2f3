"""Try it: the question, the policy, what may be sent, and what is said where nobody can look."""

from __future__ import annotations

import io
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image as Pillow
from werkzeug.test import TestResponse

from dashboard.looks import EXTENSION as DESK
from dashboard.looks import LookDesk
from dashboard.try_it import LARGEST_PICTURE
from engage.core.looks import LookAnswer, LookRequest
from engage.core.policy import Jurisdiction
from engage.core.signals import FaceSignals
from engage.core.types import Box, Mode

HAPPY = (0.1, 0.72, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03)
FACE = FaceSignals(1, Box(10, 20, 30, 40), 0.93, HAPPY, yaw_deg=12.0, pitch_deg=-4.0)


class Line:
    """Both ends of the way to a worker that answers at once, by ``look``."""

    def __init__(self, look: Callable[[LookRequest], LookAnswer | None]) -> None:
        self.look = look
        self.asked: list[LookRequest] = []
        self.answers: list[object] = []
        self.there = threading.Event()
        self.dropped = 0

    def send(self, message: object) -> None:
        assert isinstance(message, LookRequest)
        if not message.picture and message.drawn is None:
            return
        self.asked.append(message)
        answer = self.look(message)
        if answer is not None:
            self.answers.append(answer)
            self.there.set()

    def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
        self.there.wait(min(timeout_s, 0.05))
        self.there.clear()
        found, self.answers = self.answers, []
        return found

    def close(self) -> None:
        pass


def answer_of(request: LookRequest) -> LookAnswer:
    """Return what a worker would say of any picture: one face, as far as the mode allows."""
    faces = {
        Mode.FULL: FACE,
        Mode.ATTENTION: FaceSignals(1, FACE.box, 0.93, yaw_deg=12.0, pitch_deg=-4.0),
        Mode.PRESENCE: FaceSignals(1, FACE.box, 0.93),
    }
    return LookAnswer(request.id, 100, 200, (faces[request.mode],), b"jpeg" if request.drawn else b"")


@pytest.fixture
def connect(app: Flask) -> Iterator[Callable[..., Line]]:
    """Yield a function that gives the application a worker."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def make(look: Callable[[LookRequest], LookAnswer | None] = answer_of, **limits: Any) -> Line:
        line, desk = Line(look), LookDesk(**limits)
        app.extensions[DESK] = desk
        desk.connect(lambda name: (line, line))
        threads.append(threading.Thread(target=desk.listen, args=(lambda: not over.is_set(),)))
        threads[-1].start()
        return line

    yield make
    over.set()
    for thread in threads:
        thread.join()


def say_yes(client: FlaskClient, send: Any, what: str = "image") -> None:
    assert send(client, f"/try/{what}/ask", answer="yes").location == f"/try/{what}"


def push(client: FlaskClient, body: bytes, kind: str = "image/jpeg") -> TestResponse:
    """Return the answer to a picture, sent as the page sends it."""
    return client.post("/try/look", data=body, content_type=kind, headers=token_of(client))


def jpeg(size: tuple[int, int] = (64, 48)) -> bytes:
    stream = io.BytesIO()
    Pillow.new("RGB", size, "gray").save(stream, "JPEG")
    return stream.getvalue()


def test_the_menu_names_the_user_and_offers_three_ways(school: Any, browser: Any) -> None:
    page = browser("teacher").get("/try").text
    assert "Hello, Teacher" in page
    for way in ("/try/image/ask", "/try/live/ask", "/try/live?drawn=1"):
        assert f'href="{way}"' in page


@pytest.mark.parametrize("what", ["image", "live"])
def test_nothing_opens_before_yes(school: Any, browser: Any, send: Any, connect: Any, what: str) -> None:
    line, client = connect(), browser("teacher")
    assert client.get(f"/try/{what}").location == f"/try/{what}/ask"
    assert push(client, jpeg()).status_code == 403
    no = send(client, f"/try/{what}/ask", answer="no")
    assert no.location == "/try"
    assert "Nothing was looked at." in client.get("/try").text
    assert push(client, jpeg()).status_code == 403
    assert line.asked == []
    say_yes(client, send, what)
    assert client.get(f"/try/{what}").status_code == 200
    assert push(client, jpeg()).status_code == 200
    assert client.get("/try").status_code == 200  # back at the menu, and asked anew
    assert push(client, jpeg()).status_code == 403


def test_a_face_is_told_with_its_eight_shares(school: Any, browser: Any, send: Any, connect: Any) -> None:
    line, client = connect(), browser("teacher")
    say_yes(client, send)
    picture = jpeg()
    told = push(client, picture).json
    assert line.asked[0].picture == picture, "what was sent reaches the worker as it is"
    assert told["mode"] == "full"
    (face,) = told["faces"]
    assert face["box"] == [0.1, 0.1, 0.3, 0.2]
    assert (face["word"], face["emoji"]) == ("happiness", "😀")
    assert list(face["expression"].values()) == list(HAPPY)
    assert face["angles"] == {"yaw": 12.0, "pitch": -4.0, "gaze_x": None, "gaze_y": None}


def test_below_the_limit_a_face_is_unknown(school: Any, browser: Any, send: Any, connect: Any) -> None:
    flat = FaceSignals(1, Box(0, 0, 1, 1), 0.9, (0.125,) * 8)
    connect(lambda request: LookAnswer(request.id, 10, 10, (flat,)))
    client = browser("teacher")
    say_yes(client, send)
    face = push(client, jpeg()).json["faces"][0]
    assert (face["word"], face["emoji"]) == ("unknown", "❓")


@pytest.mark.parametrize(
    ("jurisdiction", "mode", "asked"),
    [
        (Jurisdiction.EU, Mode.FULL, Mode.PRESENCE),
        (Jurisdiction.UK, Mode.PRESENCE, Mode.PRESENCE),
        (Jurisdiction.UK, Mode.ATTENTION, Mode.ATTENTION),
    ],
)
def test_the_policy_decides_what_is_computed(
    school: Any, browser: Any, send: Any, connect: Any, jurisdiction: Jurisdiction, mode: Mode, asked: Mode
) -> None:
    school.classroom.save_setup(jurisdiction, mode, school.admin)
    line, client = connect(), browser("teacher")
    say_yes(client, send)
    told = push(client, jpeg()).json
    assert line.asked[0].mode is asked, "what may not be told is not computed either"
    assert told["mode"] == asked.value
    assert told["faces"][0]["expression"] is told["faces"][0]["word"] is None
    assert "no expression" in client.get("/try/image").text
    drawn = client.post("/try/drawn", json={"seed": 7, "at_s": 1.5}, headers=token_of(client)).json
    assert drawn["faces"][0]["word"] == "happiness", "a drawn face is nobody's"


def token_of(client: FlaskClient) -> dict[str, str]:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/courses/new").text)
    assert found
    return {"X-CSRFToken": found[1]}


def test_without_the_administrators_answer_nobody_is_looked_at(
    database: Any, accounts_only: Any, browser: Any, send: Any, connect: Any
) -> None:
    line, client = connect(), browser("teacher")
    assert "not yet said" in client.get("/try").text
    say_yes(client, send)
    answer = push(client, jpeg())
    assert answer.status_code == 403
    assert "not yet said" in answer.json["error"]
    assert line.asked == []


@pytest.fixture
def accounts_only(database: Any) -> None:
    from engage.storage.accounts import Accounts
    from engage.storage.records import Role
    from tests.dashboard.conftest import HASHED

    Accounts(database).create_user("teacher@school.example", "Teacher", HASHED, Role.TEACHER)


class TestSending:
    """What may be in the body of a request."""

    def test_a_picture_above_the_limit_is_refused_unread(
        self, school: Any, browser: Any, send: Any, connect: Any
    ) -> None:
        line, client = connect(), browser("teacher")
        say_yes(client, send)
        answer = push(client, bytes(LARGEST_PICTURE + 1))
        assert answer.status_code == 413
        assert "12 MB" in answer.json["error"]
        assert line.asked == []

    @pytest.mark.parametrize(
        ("body", "kind", "code"),
        [(b"", "image/jpeg", 400), (b"x", "text/html", 415), (b"x", "application/octet-stream", 415)],
    )
    def test_what_is_no_picture_is_refused(
        self, school: Any, browser: Any, send: Any, connect: Any, body: bytes, kind: str, code: int
    ) -> None:
        line, client = connect(), browser("teacher")
        say_yes(client, send)
        answer = push(client, body, kind)
        assert (answer.status_code, answer.content_type) == (code, "application/json")
        assert line.asked == []

    def test_nothing_reaches_the_disk_on_its_way(
        self, school: Any, browser: Any, send: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect()
        client = browser("teacher")
        say_yes(client, send)

        def refuse(*_: object, **__: object) -> object:
            raise AssertionError("an upload was about to be written to the disk")

        for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
            monkeypatch.setattr(tempfile, name, refuse)
        monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse, raising=False)
        monkeypatch.setattr("werkzeug.formparser.TemporaryFile", refuse, raising=False)
        large = jpeg((3000, 2000)) + bytes(4_000_000)
        assert push(client, large).status_code == 200
        head = b'--x\r\nContent-Disposition: form-data; name="p"; filename="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        form = head + large + b"\r\n--x--\r\n"  # as a form, which Werkzeug would spool
        assert push(client, form, "multipart/form-data; boundary=x").status_code == 415

    def test_another_site_cannot_send(self, school: Any, browser: Any, send: Any, connect: Any) -> None:
        line, client = connect(), browser("teacher")
        say_yes(client, send)
        assert client.post("/try/look", data=jpeg(), content_type="image/jpeg").status_code == 400
        assert line.asked == []

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"seed": -1, "at_s": 0},
            {"seed": True, "at_s": 0},
            {"seed": 1, "at_s": "x"},
            {"seed": 1, "at_s": float("inf")},
            {"seed": 1, "at_s": float("nan")},
        ],
    )
    def test_a_strange_moment_is_refused(self, school: Any, browser: Any, connect: Any, body: dict[str, Any]) -> None:
        line, client = connect(), browser("teacher")
        answer = client.post("/try/drawn", json=body, headers=token_of(client))
        assert answer.status_code == 400
        assert line.asked == []


class TestWaiting:
    """A bounded number at once, each for a bounded time, and a clear line else."""

    def test_a_refused_picture_says_why(self, school: Any, browser: Any, send: Any, connect: Any) -> None:
        connect(lambda request: LookAnswer(request.id, refusal="This picture is cut off and cannot be read."))
        client = browser("teacher")
        say_yes(client, send)
        answer = push(client, jpeg())
        assert answer.status_code == 422
        assert answer.json == {"error": "This picture is cut off and cannot be read."}

    def test_without_a_worker_it_is_said(self, school: Any, browser: Any, send: Any) -> None:
        client = browser("teacher")
        say_yes(client, send)
        answer = push(client, jpeg())
        assert answer.status_code == 503
        assert "engage serve" in answer.json["error"]

    def test_no_answer_in_time(self, school: Any, browser: Any, send: Any, connect: Any) -> None:
        connect(lambda request: None, patience_s=0.05)
        client = browser("teacher")
        say_yes(client, send)
        answer = push(client, jpeg())
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        assert "busy" in answer.json["error"]

    def test_beyond_the_places_one_is_told_at_once(
        self, app: Flask, school: Any, browser: Any, send: Any, connect: Any
    ) -> None:
        inside, go_on = threading.Event(), threading.Event()

        def slow(request: LookRequest) -> LookAnswer:
            inside.set()
            go_on.wait(10)
            return answer_of(request)

        connect(slow, at_once=1)
        first, second = browser("teacher"), browser("admin")
        say_yes(first, send)
        say_yes(second, send)
        codes: list[int] = []
        waiting = threading.Thread(target=lambda: codes.append(push(first, jpeg()).status_code))
        waiting.start()
        assert inside.wait(10)
        refused = push(second, jpeg())
        go_on.set()
        waiting.join()
        assert (refused.status_code, codes) == (503, [200])
        assert "Others are trying" in refused.json["error"]
        assert push(second, jpeg()).status_code == 200, "the place is free again"


def test_only_the_live_page_may_use_the_camera(school: Any, browser: Any, send: Any, connect: Any) -> None:
    connect()
    client = browser("teacher")
    say_yes(client, send, "live")
    policies = {path: client.get(path).headers["Permissions-Policy"] for path in ("/try/live", "/try/live?drawn=1")}
    assert "camera=(self)" in policies["/try/live"]
    assert "display-capture=()" in policies["/try/live"]
    assert "camera=()" in policies["/try/live?drawn=1"]
    assert "camera=()" in client.get("/try").headers["Permissions-Policy"]
