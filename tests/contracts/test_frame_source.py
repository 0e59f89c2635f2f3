"""The contract of FrameSource, over every implementation."""

from __future__ import annotations

import base64
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from engage.capture.camera import CameraSource, Timeouts
from engage.capture.native import quiet_opencv
from engage.capture.recordings import Pace, Playback, RecordingSource
from engage.capture.sources import SourceOptions, open_source
from engage.core.protocols import FrameSource
from engage.core.types import Frame, Origin, PushedFrame
from engage.errors import SourceEnded, SourceError, SourceLost

FRAMES, FPS, SIZE = 12, 10, (96, 64)
quiet_opencv()  # before any test makes FFmpeg speak
QUICK = Timeouts(open_s=3.0, read_s=0.4)
PASSWORD = "s3cret/@pass"  # awkward on purpose


class HandClock:
    """A clock that moves when told to, or waited on."""

    def __init__(self) -> None:
        self.s = 100.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.s)

    def monotonic(self) -> float:
        return self.s

    def wait(self, seconds: float) -> None:
        self.s += seconds


class EndlessDevice:
    """A camera that gives a frame every two milliseconds."""

    def __init__(self) -> None:
        self.count = 0
        self.released = threading.Event()

    def grab(self) -> bool:
        self.released.wait(0.002)
        self.count += 1
        return True

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, picture(self.count)

    def release(self) -> None:
        self.released.set()


class Browser:
    """The channel of a browser that pushes a frame whenever one is waited for."""

    count = itertools.count(1)

    def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
        number = next(self.count)
        jpeg = cv2.imencode(".jpg", picture(number))[1].tobytes()
        return [PushedFrame(Origin(1, 2, 3), number, datetime.now(UTC), time.monotonic(), jpeg)] if timeout_s else []

    def close(self) -> None:
        pass


class Camera(ThreadingHTTPServer):
    """A network camera: motion JPEG without end on /live, 401 on /private, a stop on /stops, silence on /silent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.closing = threading.Event()

    def address(self, path: str, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.server_port}/{path}"


class _Pages(BaseHTTPRequestHandler):
    server: Camera

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        allowed = "Basic " + base64.b64encode(b"anna:right").decode()
        if self.path == "/private" and self.headers.get("Authorization") != allowed:
            self._answer(401, "text/plain", b"no")
        elif self.path == "/page":
            self._answer(200, "text/html", b"<p>not a camera</p>" * 50)
        elif self.path in ("/live", "/private", "/stops", "/silent"):
            self._stream()
        else:
            self._answer(404, "text/plain", b"nothing here")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for index in range(10_000):
            jpeg = cv2.imencode(".jpg", picture(index))[1].tobytes()
            part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
            try:
                self.wfile.write(part + jpeg + b"\r\n")
            except OSError:
                return
            if index == 8 and self.path == "/stops":
                return
            if index == 8 and self.path == "/silent":
                self.server.closing.wait(20)
                return
            if self.server.closing.wait(0.02):
                return


def picture(index: int) -> np.ndarray:
    image = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    image[:, : 8 * (index % FRAMES + 1)] = (200, 120, 60)
    return image


def write_video(path: Path) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS, SIZE)
    for index in range(FRAMES):
        writer.write(picture(index))
    writer.release()
    return path


def write_folder(folder: Path) -> Path:
    folder.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(folder / f"{index}.png"), picture(index))
    return folder


@pytest.fixture
def camera() -> Iterator[Camera]:
    server = Camera()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Case:
    """A source to test; ``frames`` is how many it has, 0 for no end."""

    make: Callable[[], FrameSource]
    frames: int = 0


@pytest.fixture(params=["webcam", "stream", "video", "video-fast", "picture", "folder", "virtual", "browser"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    clock = HandClock()
    fast = Playback(Pace.FAST)
    match request.param:
        case "webcam":
            return Case(lambda: CameraSource(0, QUICK, connect=lambda *_: EndlessDevice()))
        case "stream":
            server: Camera = request.getfixturevalue("camera")
            return Case(lambda: CameraSource(server.address("private", "anna:right@"), QUICK))
        case "video":
            video = write_video(tmp_path / "video.avi")
            return Case(lambda: RecordingSource(video, Playback(), clock, clock.wait), FRAMES)
        case "video-fast":
            video = write_video(tmp_path / "video.avi")
            return Case(lambda: RecordingSource(video, fast), FRAMES)
        case "picture":
            folder = write_folder(tmp_path / "pictures")
            return Case(lambda: RecordingSource(folder / "3.png", fast), 1)
        case "folder":
            folder = write_folder(tmp_path / "pictures")
            return Case(lambda: RecordingSource(folder, fast), FRAMES)
        case "browser":
            return Case(lambda: open_source("browser:7", SourceOptions(pushed=Browser)))
        case _:
            return Case(lambda: open_source("virtual:7"))


@contextmanager
def opened(source: FrameSource) -> Iterator[FrameSource]:
    source.open()
    try:
        yield source
    finally:
        source.close()


def next_frame(source: FrameSource) -> Frame:
    for _ in range(50):
        frame = source.read(1.0)
        if frame is not None:
            return frame
    raise AssertionError("no frame came")


def test_is_a_frame_source(case: Case) -> None:
    source = case.make()
    assert isinstance(source, FrameSource)
    assert source.skipped == 0
    assert source.name and "right" not in source.name


def test_frames_are_pictures_in_order(case: Case) -> None:
    with opened(case.make()) as source:
        frames = [next_frame(source) for _ in range(min(case.frames or 5, 5))]
    for frame in frames:
        assert frame.image.ndim == 3 and frame.image.shape[2] == 3 and frame.image.dtype == np.uint8
        assert frame.captured_at.utcoffset() == timedelta(0)
    assert frames[0].position_s == 0.0
    for earlier, later in itertools.pairwise(frames):
        assert later.seq > earlier.seq
        assert later.position_s > earlier.position_s
        assert later.captured_at > earlier.captured_at
        assert later.monotonic_s >= earlier.monotonic_s


def test_it_ends_once_and_for_all(case: Case) -> None:
    with opened(case.make()) as source:
        for _ in range(case.frames or 2 * FRAMES):
            next_frame(source)
        for _ in range(2 if case.frames else 0):
            with pytest.raises(SourceEnded):
                source.read(1.0)
        assert source.skipped == 0 or source.live


def test_is_read_only_while_open(case: Case) -> None:
    source = case.make()
    source.close()
    with pytest.raises(SourceError):
        source.read(0.0)
    with opened(source):
        next_frame(source)
    source.close()
    with pytest.raises(SourceError):
        source.read(0.0)


def test_can_be_opened_again(case: Case) -> None:
    source = case.make()
    with opened(source):
        first = next_frame(source)
    with opened(source):
        again = next_frame(source)
    assert again.seq > first.seq
    assert again.image.shape == first.image.shape


def test_a_zero_wait_returns_at_once(case: Case) -> None:
    with opened(case.make()) as source:
        assert source.read(0.0) is None or source.skipped >= 0


@pytest.mark.parametrize(
    ("path", "user", "says"),
    [
        ("private", "anna:wrong@", "refuses this name and password"),
        ("private", f"anna:{PASSWORD}@", "refuses this name and password|valid address|no host|host that is not known"),
        ("private", "", "asks for a name and password"),
        ("nowhere", "", "no stream under this path"),
        ("page", "", "no video that can be read"),
    ],
)
def test_a_stream_that_cannot_be_opened_says_why(
    camera: Camera, capfd: pytest.CaptureFixture[str], path: str, user: str, says: str
) -> None:
    source = open_source(camera.address(path, user))
    with pytest.raises(SourceError, match=says) as caught:
        source.open()
    text = str(caught.value) + source.name + "".join(capfd.readouterr())
    assert "\n" not in str(caught.value)
    assert "wrong" not in text and "cret" not in text and "pass@" not in text


def test_nothing_listens(camera: Camera) -> None:
    for kind in ("rtsp", "http"):
        source = open_source(f"{kind}://anna:hidden@127.0.0.1:1/live")
        with pytest.raises(SourceError, match="nothing listens") as caught:
            source.open()
        assert "hidden" not in str(caught.value) and "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("path", ["stops", "silent"])
def test_a_stream_that_stops_is_lost_and_comes_back(camera: Camera, path: str) -> None:
    source = CameraSource(camera.address(path), QUICK)
    with opened(source):
        next_frame(source)
        with pytest.raises(SourceLost, match=r"stopped|no picture"):
            for _ in range(200):
                source.read(0.1)
    with opened(source):
        assert next_frame(source).seq > 1
