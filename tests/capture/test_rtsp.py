"""RTSP cameras by the reader that the program uses: opened, read, stopped, frozen, and there again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from engage.capture.camera import Timeouts
from engage.capture.sources import SourceOptions, open_source
from engage.core.protocols import FrameSource
from engage.errors import SourceError, SourceLost
from tests.faults.cameras import Doing, drawn
from tests.faults.rtsp import RtspCamera

SILENT_S = 1.5
PATIENCE_S = 60.0
SEED = 900


@pytest.fixture
def camera() -> Iterator[RtspCamera]:
    camera = RtspCamera(SEED)
    yield camera
    camera.close()


@pytest.fixture
def source(camera: RtspCamera) -> Iterator[FrameSource]:
    source = open_source(camera.address, SourceOptions(Timeouts(open_s=30.0, read_s=SILENT_S)))
    yield source
    source.close()


def read_until_lost(source: FrameSource) -> str:
    """Return why the source says that it is lost."""
    deadline = time.monotonic() + PATIENCE_S
    with pytest.raises(SourceLost) as lost:
        while time.monotonic() < deadline:
            source.read(0.2)
    return str(lost.value)


def open_again(source: FrameSource) -> None:
    """Open as a worker does: until it works."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            source.open()
            return
        except SourceError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_its_pictures_arrive(source: FrameSource) -> None:
    source.open()
    frame = source.read(30.0)
    assert frame is not None
    sent = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in drawn(SEED)]
    assert min(float(np.abs(frame.image.astype(int) - each).mean()) for each in sent) < 3.0


def test_a_server_that_stops_is_lost_and_found_when_it_is_back(camera: RtspCamera, source: FrameSource) -> None:
    source.open()
    assert source.read(30.0) is not None
    camera.do(Doing.STOPPED)
    assert "stopped sending" in read_until_lost(source)
    source.close()
    with pytest.raises(SourceError, match="nothing listens"):
        source.open()
    camera.do(Doing.SENDING)
    open_again(source)
    assert source.read(30.0) is not None


def test_a_camera_that_freezes_is_found_out_and_found_again(camera: RtspCamera, source: FrameSource) -> None:
    source.open()
    assert source.read(30.0) is not None
    camera.do(Doing.FROZEN)  # it holds the line, takes further ones, and says nothing
    assert re.search("no picture for 1.5 s|stopped sending", read_until_lost(source))  # by our clock, or by FFmpeg's
    source.close()
    camera.do(Doing.SENDING)
    open_again(source)
    assert source.read(30.0) is not None


def test_a_slow_camera_opens_with_its_first_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg waits for twenty of them where it is let: at one in two seconds that is longer than it may take."""
    monkeypatch.delenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", raising=False)
    slow = RtspCamera(SEED, fps=0.5)
    source = open_source(slow.address, SourceOptions(Timeouts(open_s=25.0)))
    try:
        source.open()
    finally:
        source.close()
        slow.close()
