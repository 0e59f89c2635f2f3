"""Publishers: to the web process of this machine, or through Redis to several."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from engage.config import Settings
from engage.core.types import Origin, SourceState, SourceStatus
from engage.core.updates import LiveUpdate
from engage.errors import SettingsError
from engage.publish import build_publisher

AT = datetime(2026, 11, 22, tzinfo=UTC)
UPDATE = LiveUpdate(7, AT, (), (SourceStatus(Origin(7, 2, 3), SourceState.LIVE, AT),))


class Recorder:
    dropped = 0

    def __init__(self) -> None:
        self.messages: list[object] = []

    def send(self, message: object) -> None:
        self.messages.append(message)

    def close(self) -> None:
        pass


def test_without_a_queue_updates_go_to_the_web_process_and_redis_is_not_needed():
    sender = Recorder()
    build_publisher(Settings(), sender).publish(UPDATE)
    assert sender.messages == [UPDATE]


@pytest.mark.parametrize("address", ["amqp://host", "host:6379", "zmq+tcp://host:1"])
def test_queue_that_is_not_redis_is_refused(address):
    with pytest.raises(SettingsError, match=r"socketio\.message_queue"):
        build_publisher(Settings(socketio={"message_queue": address}), Recorder())


def test_missing_redis_client_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(SettingsError, match="pip install"):
        build_publisher(Settings(socketio={"message_queue": "redis://127.0.0.1:6379/0"}), Recorder())
