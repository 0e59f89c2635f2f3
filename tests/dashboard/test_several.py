"""Two applications with one message queue (a real Redis): what either knows or does holds in the other too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import socketio
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from dashboard import create_app
from dashboard.frames import desk
from dashboard.meeting import show
from dashboard.metrics import meters
from dashboard.trouble import troubles
from engage.cli.throwaway import Redis, redis
from engage.config import Settings
from engage.core.live import EVENT, MISSED, room
from engage.core.shared import SHARED_EVENT, SharedView
from engage.core.types import Origin, Sample, Score, ScoredSample
from engage.core.updates import LiveUpdate, Rate
from engage.errors import SettingsError
from engage.publish import build_publisher, build_views
from engage.storage.database import Database
from tests.cluster.programs import need
from tests.dashboard.conftest import PASSWORD, call_api, send_form

PATIENCE_S = 30.0


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Redis]:
    """Yield a running Redis."""
    need("redis-server")
    with redis(tmp_path) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, queue: Redis) -> Settings:
    """Return the settings of both."""
    return Settings(  # type: ignore[call-arg]
        home=tmp_path,
        database={"url": f"sqlite:///{tmp_path}/test.db"},  # type: ignore[arg-type]
        socketio={"message_queue": queue.url},  # type: ignore[arg-type]
        web={"secret_key": "the same for all of them, and long"},  # type: ignore[arg-type]
    )


@pytest.fixture
def other(settings: Settings, database: Database) -> Iterator[Flask]:
    """Yield the second application, with connections of its own."""
    own = Database(settings.database_url)
    own.open()
    app = create_app(settings, own)
    app.testing = True
    yield app
    own.close()


class Page:
    """A signed-in page's socket in one application, by a real server; it keeps what it is told."""

    def __init__(self, address: str, client: FlaskClient) -> None:
        cookie = client.get_cookie("engage")
        assert cookie is not None
        self.told: list[tuple[str, Any]] = []
        self._news = threading.Condition()
        self._socket = socketio.Client(reconnection=False)
        self._socket.on("*", self._hear)
        self._socket.connect(address, {"Cookie": f"engage={cookie.value}"}, transports=["websocket"], wait_timeout=30)

    def ask(self, event: str, message: dict[str, Any]) -> Any:
        return self._socket.call(event, message, timeout=int(PATIENCE_S))

    @property
    def connected(self) -> bool:
        return bool(self._socket.connected)

    def close(self) -> None:
        self._socket.eio.disconnect(abort=True)  # without three seconds of waiting for an answer

    def hears(self, event: str) -> Any:
        """Return the data of the next event of this name, waiting for it; what came before it is forgotten."""
        with self._news:
            assert self._news.wait_for(lambda: any(name == event for name, _ in self.told), PATIENCE_S), self.told
            place = next(k for k, (name, _) in enumerate(self.told) if name == event)
            data = self.told[place][1]
            del self.told[: place + 1]
            return data

    def _hear(self, event: str, data: Any) -> None:
        with self._news:
            self.told.append((event, data))
            self._news.notify_all()


@pytest.fixture
def page() -> Iterator[Callable[[Flask, FlaskClient], Page]]:
    """Return a maker of pages; each application gets a server."""
    servers: dict[int, Any] = {}
    pages: list[Page] = []

    def make(app: Flask, client: FlaskClient) -> Page:
        if id(app) not in servers:
            servers[id(app)] = server = make_server("127.0.0.1", 0, app, threaded=True)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        pages.append(Page(f"http://127.0.0.1:{servers[id(app)].server_port}", client))
        return pages[-1]

    yield make
    for each in pages:
        each.close()
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture
def listening(app: Flask, other: Flask, queue: Redis) -> Callable[[], None]:
    """Return what waits until both applications hear the queue."""

    def wait() -> None:
        import redis as client

        with client.Redis.from_url(queue.url) as asked:
            deadline = time.monotonic() + PATIENCE_S
            while dict(asked.pubsub_numsub("flask-socketio"))[b"flask-socketio"] < 2:
                assert time.monotonic() < deadline, "the applications do not listen"
                time.sleep(0.02)

    return wait


def signed_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    assert send_form(client, "/sign-in", email=f"{name}@school.example", password=PASSWORD).status_code == 302
    return client


def moved(client: FlaskClient, app: Flask) -> FlaskClient:
    """Return the same browser, with its cookie, before the other application."""
    there = app.test_client()
    cookie = client.get_cookie("engage")
    assert cookie is not None
    there.set_cookie("engage", cookie.value)
    return there


def update(school: Any, at: datetime) -> LiveUpdate:
    sample = Sample(school.session, school.student, int(at.timestamp()), at, 1, 1.0, 1.0, 0.9, 0.5)
    return LiveUpdate(school.session, at, (ScoredSample(sample, Score(7.0, 0.9), "test"),))


def test_a_browser_is_signed_in_everywhere_and_its_forms_are_taken(app: Flask, other: Flask, school: Any) -> None:
    here = signed_in(app, "teacher")
    token = here.get("/").text.split('name="csrf-token" content="')[1].split('"')[0]
    there = moved(here, other)
    path = f"/api/v1/sessions/{school.session}/markers"
    refused = there.post(path, json={"text": "no token"})
    taken = there.post(path, json={"text": "group work"}, headers={"X-CSRFToken": token})
    assert (refused.status_code, taken.status_code) == (400, 201)


def test_tries_are_counted_together(app: Flask, other: Flask, school: Any) -> None:
    """Ten a minute from one address, of which each application sees five."""
    clients = [app.test_client(), other.test_client()]
    wrong = [
        send_form(clients[number % 2], "/sign-in", email=f"{number}@school.example", password="guess").status_code
        for number in range(10)
    ]
    assert 429 not in wrong
    for client in clients:
        assert send_form(client, "/sign-in", email="one-more@school.example", password="guess").status_code == 429


def test_tries_are_counted_while_the_queue_is_away(app: Flask, queue: Redis, school: Any) -> None:
    queue.kill()
    client = app.test_client()
    answers = [
        send_form(client, "/sign-in", email=f"{k}@school.example", password="guess").status_code for k in range(11)
    ]
    assert answers == [401] * 10 + [429]
    queue.start()


def test_a_change_is_told_to_the_pages_of_both(
    app: Flask, other: Flask, school: Any, page: Any, listening: Callable[[], None]
) -> None:
    teacher = signed_in(app, "teacher")
    pages = [page(app, teacher), page(other, moved(teacher, other))]
    assert all(each.ask("watch", {"session": school.session})["ok"] for each in pages)
    listening()
    assert call_api(teacher, f"/api/v1/sessions/{school.session}/pause", {"paused": True}).status_code == 200
    assert [each.hears("changed") for each in pages] == [{"session": school.session}] * 2


def test_who_signs_out_here_receives_nothing_there(
    app: Flask, other: Flask, school: Any, page: Any, listening: Callable[[], None]
) -> None:
    teacher, colleague = signed_in(app, "teacher"), signed_in(app, "colleague")
    own, another = page(other, moved(teacher, other)), page(other, moved(colleague, other))
    page(app, colleague)
    listening()
    assert send_form(teacher, "/sign-out").status_code == 302
    until(lambda: not own.connected)
    assert another.connected


def test_who_signs_out_while_the_queue_is_away_is_gone_once_it_is_back(
    app: Flask, other: Flask, school: Any, page: Any, queue: Redis, listening: Callable[[], None]
) -> None:
    teacher = signed_in(app, "teacher")
    own, colleague = page(other, moved(teacher, other)), page(app, signed_in(app, "colleague"))
    listening()
    queue.kill()
    assert colleague.hears("trouble")["what"] == ["queue"]
    assert send_form(teacher, "/sign-out").status_code == 302
    assert own.connected
    queue.start()
    until(lambda: not own.connected)


def test_updates_and_views_of_workers_reach_both_and_tell_each_how_late_it_is(
    app: Flask, other: Flask, school: Any, page: Any, settings: Settings, listening: Callable[[], None]
) -> None:
    teacher = signed_in(app, "teacher")
    pages = [page(app, teacher), page(other, moved(teacher, other))]
    for each in pages:
        assert each.ask("watch", {"session": school.session})["ok"]
        assert each.ask("follow_shared", {"session": school.session})["ok"]
    listening()
    at = datetime.now(UTC)
    build_publisher(settings, Silent()).publish(update(school, at))
    build_views(settings, Silent()).send(SharedView(school.session, 5, at, 640, 360))
    for each in pages:
        assert each.hears(EVENT)["samples"][0]["student"] == school.student
        assert each.hears(SHARED_EVENT)["source"] == 5
    for known in (app, other):
        until(lambda known=known: meters(known).updates._value.get() == 1)


def test_frames_are_paced_by_what_the_queue_brings(
    app: Flask, other: Flask, school: Any, page: Any, settings: Settings, listening: Callable[[], None]
) -> None:
    """A browser that pushes here is asked for what the collector says, which comes by the queue."""
    teacher = signed_in(app, "teacher")
    _pages = [page(app, teacher), page(other, moved(teacher, other))]
    listening()
    desk(other).connect(lambda _: Silent())
    origin = Origin(school.session, 1, school.student)
    assert desk(other).push(origin, b"picture") > 1.5
    slower = replace(update(school, datetime.now(UTC)), rate=Rate(1.5, 5.0))
    build_publisher(settings, Silent()).publish(slower)
    until(lambda: desk(other).push(origin, b"picture") == 1.5)


def test_pages_are_told_when_the_queue_is_away_and_what_they_missed(
    app: Flask, school: Any, page: Any, settings: Settings, queue: Redis
) -> None:
    own = page(app, signed_in(app, "teacher"))
    assert own.ask("watch", {"session": school.session})["trouble"] == []
    publisher, at = build_publisher(settings, Silent()), datetime.now(UTC)
    publisher.publish(update(school, at))
    own.hears(EVENT)
    queue.kill()
    assert own.hears("trouble")["what"] == ["queue"]
    assert own.ask("watch", {"session": school.session})["trouble"] == ["queue"]
    for _ in range(300):
        publisher.publish(update(school, at))
    until(lambda: publisher.dropped > 0)
    queue.start()
    assert own.hears("trouble")["what"] == []
    publisher.publish(update(school, datetime.now(UTC)))
    missed = own.hears(MISSED)
    assert missed == {"session": school.session, "since": at.timestamp()}


def test_a_queue_that_hangs_is_noticed(app: Flask, school: Any, page: Any, queue: Redis) -> None:
    own = page(app, signed_in(app, "teacher"))
    until(lambda: troubles(app).known() == [])
    queue.freeze()
    assert own.hears("trouble")["what"] == ["queue"]
    queue.thaw()
    assert own.hears("trouble")["what"] == []


def test_an_address_that_is_no_redis_is_one_line(tmp_path: Path, database: Database) -> None:
    wrong = Settings(home=tmp_path, socketio={"message_queue": "amqp://host"})  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"socketio\.message_queue"):
        create_app(wrong, database)


def test_views_that_come_by_a_channel_are_shown_too(app: Flask, school: Any, page: Any) -> None:
    own = page(app, signed_in(app, "teacher"))
    assert own.ask("follow_shared", {"session": school.session})["ok"]
    show(app, [SharedView(school.session, 5, datetime.now(UTC), 640, 360)])
    assert own.hears(SHARED_EVENT)["width"] == 640
    assert room(7) == "session:7"


class Silent:
    """A sender that nobody may use."""

    dropped = 0

    def send(self, message: object) -> None:
        """Take a pushed frame, and nothing else."""

    def close(self) -> None:
        """Nothing to do."""


def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
