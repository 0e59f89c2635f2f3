"""The gate before cameras stands where workers open them, and lets through what may be a camera."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from engage.cli.workers import capture
from engage.config import Settings
from engage.core.types import SourceState, SourceStatus
from engage.runtime.context import Context, Surroundings
from tests.dashboard.conftest import app, browser, database, empty_tables, school, send, settings

__all__ = ["app", "browser", "database", "empty_tables", "school", "send", "settings"]


class Ends:
    """All ends of channels of one worker: they keep what it says of its camera, and stop it then."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.said: list[SourceStatus] = []

    def sender(self, channel: str) -> Ends:
        return self

    def receiver(self, channel: str) -> Ends:
        return self

    def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
        return []

    def send(self, message: object) -> None:
        if isinstance(message, SourceStatus):
            self.said.append(message)
            self.stop.set()

    def close(self) -> None:
        """Nothing to do."""


@pytest.mark.parametrize("allowed", [False, True])
def test_a_worker_connects_to_this_machine_only_where_settings_allow_it(tmp_path: Path, allowed: bool) -> None:
    """The address was stored by somebody; the worker asks again."""
    networks = ["127.0.0.0/8"] if allowed else []
    settings = Settings(home=tmp_path, capture={"allow_networks": networks})  # type: ignore[arg-type]
    worker = Ends()
    context = Context("capture-1-1", Surroundings(settings, worker, lambda: None))  # type: ignore[arg-type]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20 if allowed else 0)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/live"
        made: Any = capture(context, origin=(1, 1, 1), mode="full", address=address, rate_fps=2.0)
        thread = threading.Thread(target=made.run, args=(worker.stop,), daemon=True)
        thread.start()
        if allowed:
            server.accept()[0].close()
        assert worker.stop.wait(60)
        thread.join(30)
        if not allowed:
            with pytest.raises(BlockingIOError):
                server.accept()
    assert worker.said[0].state is SourceState.LOST
    assert ("not allowed" in worker.said[0].detail or "may not" in worker.said[0].detail) is not allowed


def test_a_classrooms_camera_is_saved(school: Any, browser: Any, send: Any) -> None:
    client = browser("teacher")
    path = f"/sessions/{school.session}/classroom-camera"
    assert send(client, path, address="rtsp://anna:s3cretword@10.0.0.9/1").status_code == 302
    page = client.get(path).text
    assert "s3cretword" not in page
    (planned,) = [each for each in school.queries.shared_plan() if each.origin.session_id == school.session]
    assert planned.address == "rtsp://anna:s3cretword@10.0.0.9/1"
