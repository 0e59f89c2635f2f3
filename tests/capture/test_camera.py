"""Cameras through devices made by hand: what is skipped, what is lost, what hangs."""

from __future__ import annotations

import queue
import threading

import numpy as np
import pytest

from engage.capture.camera import CameraSource, Timeouts
from engage.capture.sources import open_source
from engage.errors import SourceError, SourceLost


class HandDevice:
    """A camera whose frames are made by the test."""

    def __init__(self) -> None:
        self.frames: queue.Queue[int | None] = queue.Queue()
        self.current: int | None = 0
        self.started = False
        self.unpacked: list[int | None] = []
        self.released = threading.Event()

    def make(self, *numbers: int | None) -> None:
        """Give frames, or the end (None), and wait until the reader has taken them in."""
        for number in numbers:
            self.frames.put(number)
        self.frames.join()

    def grab(self) -> bool:
        if self.started:
            self.frames.task_done()
        self.started = True
        self.current = self.frames.get()
        if self.current is None:
            self.frames.task_done()
        return self.current is not None

    def retrieve(self) -> tuple[bool, np.ndarray]:
        self.unpacked.append(self.current)
        return True, np.full((2, 2, 3), self.current, np.uint8)

    def release(self) -> None:
        self.released.set()


class HandClock:
    """A clock the test sets."""

    def __init__(self) -> None:
        self.s = 0.0

    def now(self):  # type: ignore[no-untyped-def]
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self.s, UTC)

    def monotonic(self) -> float:
        return self.s


@pytest.fixture
def device() -> HandDevice:
    return HandDevice()


def camera(device: HandDevice, clock: HandClock | None = None) -> CameraSource:
    source = CameraSource(0, Timeouts(1.0, 5.0), clock, connect=lambda *_: device)
    source.open()
    return source


def test_skips_and_counts_what_nobody_waited_for(device: HandDevice) -> None:
    source = camera(device)
    device.make(1, 2, 3)
    assert source.read(0.0) is None
    device.make(4)
    frame = source.read(1.0)
    assert frame is not None and frame.image[0, 0, 0] == 4
    assert source.skipped == 3
    assert device.unpacked == [4]
    device.make(None)


def test_a_wish_outlives_its_wait_and_gets_the_newest(device: HandDevice) -> None:
    source = camera(device)
    assert source.read(0.0) is None
    device.make(1, 2, 3)
    frame = source.read(0.0)
    assert frame is not None and frame.image[0, 0, 0] == 3
    assert source.skipped == 2
    assert source.read(0.0) is None
    device.make(None)


def test_frames_are_stamped_when_they_come(device: HandDevice) -> None:
    clock = HandClock()
    source = camera(device, clock)
    source.read(0.0)
    clock.s = 1.0
    device.make(1)
    clock.s = 3.0
    first = source.read(0.0)
    source.read(0.0)
    clock.s = 4.0
    device.make(2)
    second = source.read(0.0)
    assert first is not None and second is not None
    assert (first.captured_at.timestamp(), first.monotonic_s, first.position_s) == (1.0, 1.0, 0.0)
    assert (second.monotonic_s, second.position_s) == (4.0, 3.0)
    device.make(None)


def test_silence_is_loss_after_the_time_limit(device: HandDevice) -> None:
    clock = HandClock()
    source = camera(device, clock)
    clock.s = 4.9
    assert source.read(0.0) is None
    clock.s = 5.1
    with pytest.raises(SourceLost, match="no picture for 5 s"):
        source.read(0.0)
    device.make(None)


def test_the_last_frame_is_given_before_the_loss(device: HandDevice) -> None:
    source = camera(device)
    source.read(0.0)
    device.make(1, None)
    assert source.read(1.0) is not None
    with pytest.raises(SourceLost, match="stopped"):
        source.read(1.0)
    source.close()
    assert device.released.is_set()


def test_a_device_that_never_connects_is_given_up_and_let_go_when_it_does(device: HandDevice) -> None:
    answer = threading.Event()

    def connect(*_: object) -> HandDevice:
        answer.wait(10)
        return device

    source = CameraSource("rtsp://anna:hidden@camera/live", Timeouts(-0.9, 1.0), connect=connect)
    with pytest.raises(SourceError, match="did not answer") as caught:
        source.open()
    assert "hidden" not in str(caught.value)
    with pytest.raises(SourceError, match="still does not answer"):
        source.open()
    answer.set()
    assert device.released.wait(5)


def test_a_broken_driver_is_one_clear_line() -> None:
    def connect(*_: object) -> HandDevice:
        raise RuntimeError("segment of hidden things\nsecond line")

    with pytest.raises(SourceError, match=r"^camera 0 cannot be opened \(RuntimeError\)\.$"):
        CameraSource(0, connect=connect).open()


def test_an_absent_webcam_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError, match=r"[Cc]amera 987"):
        open_source("987").open()
    assert capfd.readouterr() == ("", "")
