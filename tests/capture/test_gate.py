"""A camera leads to itself and nowhere else: no redirect or playlist is followed, and the gate stands at each open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import cv2
import numpy as np
import pytest

from engage.camera_gate import CameraGate
from engage.capture.camera import Timeouts
from engage.capture.recordings import RecordingSource
from engage.capture.sources import SourceOptions, open_source
from engage.core.camera_addresses import CameraRules
from engage.errors import SourceError

JPEG = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(JPEG), JPEG)
HERE = ip_network("127.0.0.0/8")


class Server(ThreadingHTTPServer):
    """Motion JPEG on /live; /moved and /list.m3u8 lead to /secret of the ``other`` server."""

    daemon_threads = True

    def __init__(self, other: Server | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.other = other
        self.asked: list[str] = []
        self.closing = threading.Event()

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Pages(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        target = self.server.other.at("/secret.ts") if self.server.other else ""
        self.send_response(302 if self.path == "/moved" else 200)
        if self.path == "/moved":
            self.send_header("Location", target)
        playlist = self.path == "/list.m3u8"
        self.send_header(
            "Content-Type",
            "application/vnd.apple.mpegurl" if playlist else "multipart/x-mixed-replace; boundary=frame",
        )
        self.end_headers()
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", "#EXTINF:2,", target, "#EXT-X-ENDLIST", ""]
        with suppress(OSError):
            if playlist:
                self.wfile.write("\n".join(lines).encode())
            while not playlist and not self.server.closing.wait(0.02):  # on and on, as a camera
                self.wfile.write(PART)


@dataclass
class Lookup:
    """Names looked up, with one answer after another; the last one stays."""

    answers: list[str]
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return [self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]]


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    """Yield a camera, and what it must not lead to."""
    inner = Server()
    pair = (Server(inner), inner)
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in pair]
    for thread in threads:
        thread.start()
    yield pair
    for server, thread in zip(pair, threads, strict=True):
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give FFmpeg's options back after each test."""
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_flags;prefer_tcp")


def options(resolve: Lookup | None = None, allow: bool = True) -> SourceOptions:
    rules = CameraRules((HERE,) if allow else ())
    gate = CameraGate(rules, resolve) if resolve else CameraGate(rules)
    return SourceOptions(timeouts=Timeouts(5.0, 5.0), gate=gate)


def test_a_camera_in_an_allowed_network_is_read(servers: tuple[Server, Server]) -> None:
    lookup = Lookup(["127.0.0.1"])
    source = open_source(servers[0].at("/live").replace("127.0.0.1", "camera.school"), options(lookup))
    source.open()
    try:
        frame = source.read(5.0)
        assert frame is not None and frame.image.shape == (48, 64, 3)
    finally:
        source.close()
    assert lookup.asked == ["camera.school"], "looked up once, and connected to that answer"


@pytest.mark.parametrize("path", ["/moved", "/list.m3u8"])
def test_neither_a_redirect_nor_a_playlist_is_followed(servers: tuple[Server, Server], path: str) -> None:
    camera, inner = servers
    source = open_source(camera.at(path), options())
    with pytest.raises(SourceError):
        source.open()
    source.close()
    assert path in camera.asked and inner.asked == []


def test_the_gate_stands_at_every_open(servers: tuple[Server, Server]) -> None:
    camera, _ = servers
    source = open_source(
        camera.at("/live").replace("127.0.0.1", "camera.school"), options(Lookup(["127.0.0.1"]), False)
    )
    for _ in range(2):
        with pytest.raises(SourceError, match="may not be at this address"):
            source.open()
    assert camera.asked == []


def test_a_recording_outside_the_folders_is_not_opened(tmp_path: Path) -> None:
    picture = tmp_path / "one.png"
    cv2.imwrite(str(picture), np.zeros((48, 64, 3), np.uint8))
    source = open_source(str(picture), options())
    assert isinstance(source, RecordingSource)
    with pytest.raises(SourceError, match="media_folders"):
        source.open()
    allowed = open_source(str(picture), SourceOptions(gate=CameraGate(CameraRules(media_folders=(tmp_path,)))))
    allowed.open()
    allowed.close()
    own = open_source(str(picture))
    own.open()
    own.close()
