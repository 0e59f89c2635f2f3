"""Frames that a browser pushes: which are shown, which are counted, when the browser counts as lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from engage.capture.decoding import MAX_PIXELS, Need, decode
from engage.capture.pushed import PushedSource
from engage.core.types import Origin, PushedFrame
from engage.errors import SourceError, SourceLost

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that moves when told to."""

    s = 100.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.s)

    def monotonic(self) -> float:
        return self.s


class Channel:
    """What has arrived; the newest of it is what a channel of frames keeps."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.arrived, self.opened = clock, [], 0

    def __call__(self) -> Channel:
        self.opened += 1
        return self

    def push(self, seq: int, data: bytes | None = None) -> None:
        frame = PushedFrame(
            Origin(1, 2, 3), seq, self.clock.now(), self.clock.s, picture(seq) if data is None else data
        )
        self.arrived = [frame]

    def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
        arrived, self.arrived = self.arrived, []
        if not arrived:
            self.clock.s += timeout_s
        return list(arrived)

    def close(self) -> None:
        self.opened -= 1


def picture(shade: int, kind: str = ".jpg", size: tuple[int, int] = (48, 64)) -> bytes:
    return bytes(cv2.imencode(kind, np.full((*size, 3), shade, np.uint8))[1])


@pytest.fixture
def channel() -> Channel:
    return Channel(Clock())


@pytest.fixture
def source(channel: Channel) -> PushedSource:
    source = PushedSource("browser:3", channel, 5.0, channel.clock)
    source.open()
    return source


def test_shows_the_newest_and_counts_what_it_replaced(channel: Channel, source: PushedSource) -> None:
    channel.push(1)
    first = source.read(0.5)
    channel.clock.s += 1
    channel.push(5)
    second = source.read(0.5)
    assert first is not None and second is not None
    assert (second.seq, second.position_s, source.skipped) == (2, 1.0, 3)
    assert second.captured_at == channel.clock.now(), "stamped where it arrived"
    assert abs(int(second.image.mean()) - 5) <= 2


def test_a_sender_that_starts_anew_is_gone_on_with(channel: Channel, source: PushedSource) -> None:
    for seq in (90, 1):
        channel.clock.s += 1
        channel.push(seq)
        assert source.read(0.5) is not None
    assert source.skipped == 0


@pytest.mark.parametrize("data", [b"", b"not a picture", picture(9)[:60], picture(9, ".png")])
def test_what_cannot_be_read_is_counted_and_no_frame(channel: Channel, source: PushedSource, data: bytes) -> None:
    channel.push(1, data)
    assert source.read(0.5) is None
    assert source.skipped == 1


def test_old_and_repeated_frames_are_not_shown(channel: Channel, source: PushedSource) -> None:
    channel.push(1)
    channel.clock.s += 2.1
    assert source.read(0.5) is None
    channel.push(2)
    again = list(channel.arrived)
    assert source.read(0.5) is not None
    channel.arrived = again
    assert source.read(0.5) is None
    assert source.skipped == 2


def test_silence_is_told_once_and_the_browser_waited_for(channel: Channel, source: PushedSource) -> None:
    channel.push(1)
    assert source.read(0.5) is not None
    with pytest.raises(SourceLost, match="has sent no picture for 5 s"):
        for _ in range(20):
            source.read(0.5)
    source.close()
    source.open()
    assert [source.read(0.5) for _ in range(40)] == [None] * 40
    channel.push(2)
    assert source.read(0.5) is not None
    with pytest.raises(SourceLost):
        for _ in range(20):
            source.read(0.5)


def test_closing_lets_go_of_the_channel(channel: Channel, source: PushedSource) -> None:
    source.close()
    source.close()
    assert channel.opened == 0
    with pytest.raises(SourceError, match="not open"):
        source.read(0.0)


def test_a_picture_larger_than_full_hd_is_not_decoded() -> None:
    side = int(MAX_PIXELS**0.5) + 20
    assert decode(picture(1, size=(side, side))) is None
    image = decode(picture(7, ".webp"))
    assert image is not None and image.shape == (48, 64, 3)


def test_a_frame_is_decoded_as_far_as_it_is_needed(channel: Channel, source: PushedSource) -> None:
    asked: list[float] = []

    def need(position_s: float) -> Need:
        asked.append(position_s)
        return Need(2, gray=True)

    source.need = need
    for seq in (1, 2):
        channel.push(seq)
        frame = source.read(0.5)
        channel.clock.s += 1
    assert frame is not None and frame.image.shape == (24, 32) and frame.scale == 0.5
    assert asked == [0.0, 1.0]
