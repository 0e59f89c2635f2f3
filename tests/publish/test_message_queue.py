"""Publishing through a real Redis server: updates reach its subscribers, and its absence stops nobody."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engage.config import Settings
from engage.core.live import EVENT, room, update_payload
from engage.core.types import Origin, SourceState, SourceStatus
from engage.core.updates import LiveUpdate
from engage.publish import build_publisher
from engage.runtime.addresses import free_port

redis = pytest.importorskip("redis", reason="the Redis client is not installed")

PATIENCE_S = 20.0
CHANNEL = "flask-socketio"
AT = datetime(2026, 11, 22, tzinfo=UTC)


class Server:
    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        while "Ready to accept connections" not in self.process.stdout.readline():
            assert self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    running = Server(program, tmp_path)
    yield running
    running.kill()


def update(session_id: int) -> LiveUpdate:
    return LiveUpdate(session_id, AT, (), (SourceStatus(Origin(session_id, 2, 3), SourceState.LIVE, AT),))


def settings(server: Server) -> Settings:
    return Settings(socketio={"message_queue": server.url})


def hear(server: Server, wanted: Callable[[dict], bool], say: Callable[[], None]) -> dict:
    """Subscribe, then ``say`` again and again until a ``wanted`` message comes."""
    deadline = time.monotonic() + PATIENCE_S
    with redis.Redis.from_url(server.url) as client, client.pubsub(ignore_subscribe_messages=False) as subscription:
        subscription.subscribe(CHANNEL)
        while time.monotonic() < deadline:
            message = subscription.get_message(timeout=0.2)
            if message is None or message["type"] == "subscribe":
                say()
            elif wanted(content := json.loads(message["data"])):
                return content
    raise AssertionError("nothing was heard")


def test_update_reaches_the_room_of_its_session(server):
    publisher = build_publisher(settings(server), None)
    heard = hear(server, lambda message: message["room"] == room(7), lambda: publisher.publish(update(7)))
    assert heard["event"] == EVENT
    assert heard["data"] == [update_payload(update(7), Settings().scoring.unknown_below)]


def test_queue_that_hangs_or_dies_blocks_nobody_and_is_used_again_when_back(server):
    publisher = build_publisher(settings(server), None)
    hear(server, lambda message: True, lambda: publisher.publish(update(1)))
    server.process.send_signal(signal.SIGSTOP)
    for _ in range(1000):
        publisher.publish(update(2))
    assert publisher.dropped > 0
    server.process.send_signal(signal.SIGCONT)
    hear(server, lambda message: message["room"] == room(3), lambda: publisher.publish(update(3)))
    server.kill()
    for _ in range(1000):
        publisher.publish(update(4))
    server.start()
    hear(server, lambda message: message["room"] == room(5), lambda: publisher.publish(update(5)))
