"""Addresses of sources: which source each means, and what is shown of them."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from engage.capture.camera import CameraSource
from engage.capture.diagnosis import explain
from engage.capture.recordings import RecordingSource
from engage.capture.sources import open_source
from engage.core.addresses import redact
from engage.errors import SourceError


@pytest.mark.parametrize(
    ("address", "kind", "name"),
    [
        ("0", CameraSource, "camera 0"),
        (" 12 ", CameraSource, "camera 12"),
        ("rtsp://anna:pw@camera.local:554/live", CameraSource, "rtsp://***@camera.local:554/live"),
        (
            "HTTPS://camera.local/mjpg?user=anna&password=pw",
            CameraSource,
            "HTTPS://camera.local/mjpg?user=anna&password=***",
        ),
        ("lesson.mp4", RecordingSource, "lesson.mp4"),
        ("/tmp/a:b/lesson.mp4", RecordingSource, "lesson.mp4"),
        ("C:\\lessons\\one.mp4", RecordingSource, Path("C:\\lessons\\one.mp4").name),
    ],
)
def test_each_address_means_one_source(address: str, kind: type, name: str) -> None:
    source = open_source(address)
    assert isinstance(source, kind)
    assert source.name == name


@pytest.mark.parametrize("address", ["", "  ", "ftp://anna:pw@host/video", "screen://0"])
def test_other_addresses_are_refused_in_one_line(address: str) -> None:
    with pytest.raises(SourceError, match="give a webcam's number") as caught:
        open_source(address)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://anna:pw@host/live",
        "rtsp://anna:p/w@host/live",
        "rtsp://anna:p@pw@host/live",
        "rtsp://pw@host/live",
        "http://host/video.cgi?user=anna&pwd=pw",
        "rtsp://host/user=anna&password=pw&channel=1",
        "http://host/live?token=pw#x",
    ],
)
def test_no_password_is_shown(address: str) -> None:
    assert "pw" not in redact(address).replace("pwd", "")
    assert "host" in redact(address)


@pytest.mark.parametrize(
    ("answer", "user", "says"),
    [
        (b"RTSP/1.0 401 Unauthorized\r\n\r\n", "anna:pw@", "refuses this name and password"),
        (b"RTSP/1.0 401 Unauthorized\r\n\r\n", "", "asks for a name and password"),
        (b"RTSP/1.0 404 Not Found\r\n\r\n", "", "no stream under this path"),
        (b"RTSP/1.0 503 Busy\r\n\r\n", "", "error 503"),
        (b"RTSP/1.0 200 OK\r\n\r\n", "", "no video that can be read"),
        (b"SSH-2.0-OpenSSH\r\n", "", "does not answer as a camera would"),
        (b"", "", "does not answer as a camera would"),
    ],
)
def test_a_camera_is_asked_why(answer: bytes, user: str, says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked: list[bytes] = []

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        assert says in explain(f"rtsp://{user}127.0.0.1:{port}/live", 5.0)
        thread.join()
    assert asked[0].startswith(b"DESCRIBE rtsp://127.0.0.1:") and b"pw" not in asked[0]


@pytest.mark.parametrize("address", ["rtsp:///live", "rtsp://host:99999/live", "http://[::1/live"])
def test_an_impossible_address_is_not_asked(address: str) -> None:
    assert explain(address, 0.1) in ("names no host", "is not a valid address")
