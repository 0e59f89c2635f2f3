"""Pushed pictures: what is taken, where it goes, and the rate that is asked for."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from dashboard.frames import STUDENT, TOLD_S, WINDOW, FrameDesk
from engage.capture_settings import Capture
from engage.core.types import Origin, PushedFrame, Sample, Score, ScoredSample
from engage.core.updates import LiveUpdate, Rate
from engage.errors import RequestError

HERE = Origin(1, 2, 3)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that moves when told to."""

    s = 100.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.s)

    def monotonic(self) -> float:
        return self.s


class Line:
    """A sender that keeps what it was given."""

    dropped = 0

    def __init__(self) -> None:
        self.sent: list[PushedFrame] = []
        self.closed = False

    def send(self, message: object) -> None:
        assert isinstance(message, PushedFrame)
        self.sent.append(message)

    def close(self) -> None:
        self.closed = True


def picture(width: int = 480, height: int = 360, kind: str = "jpeg") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 200)).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines() -> dict[Origin, Line]:
    return {}


@pytest.fixture
def frame_desk(clock: Clock, lines: dict[Origin, Line]) -> FrameDesk:
    return FrameDesk(Capture(frames_per_core_s=1000), lambda origin: lines.setdefault(origin, Line()), clock)


def committed(clock: Clock, age_s: float) -> list[LiveUpdate]:
    at = clock.now() - timedelta(seconds=age_s)
    sample = Sample(1, 3, int(at.timestamp()), at, 1, 1.0, 1.0, 0.9, 0.5)
    return [LiveUpdate(1, clock.now(), (ScoredSample(sample, Score(7.0, 0.9), "test"),))]


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_a_picture_within_the_limits_is_taken_as_it_is(kind: str) -> None:
    data = picture(kind=kind)
    assert STUDENT.check(data) is data
    assert WINDOW.check(picture(1920, 1080, kind))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("text", "bytes of a JPEG"),
        ({"_placeholder": True}, "bytes of a JPEG"),
        (b"", "not a JPEG"),
        (b"\xff\xd8\xff", "damaged JPEG"),
        (picture(kind="png"), "not a JPEG"),
        (picture(800, 600), "800 x 600; scale it down"),
        (picture(1290, 10), "too large"),
        (picture() + bytes(120_000), "120000 are the most"),
    ],
)
def test_anything_else_is_refused_in_one_line(data: object, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        STUDENT.check(data)


def test_frames_go_down_the_line_of_their_source(
    frame_desk: FrameDesk, clock: Clock, lines: dict[Origin, Line]
) -> None:
    other = Origin(1, 9, 9)
    for _ in range(3):
        clock.s += 0.2
        assert frame_desk.push(HERE, b"mine") == 5.0
        frame_desk.push(other, b"theirs")
    assert [(frame.seq, frame.data) for frame in lines[HERE].sent] == [(1, b"mine"), (2, b"mine"), (3, b"mine")]
    assert lines[HERE].sent[-1].captured_at == clock.now()
    assert {frame.data for frame in lines[other].sent} == {b"theirs"}
    assert b"mine" not in repr(lines[HERE].sent[0]).encode(), "no picture in a log"
    frame_desk.leave(HERE)
    frame_desk.leave(HERE)
    assert lines[HERE].closed and not lines[other].closed


def test_a_browser_that_floods_is_answered_and_not_heard(
    frame_desk: FrameDesk, clock: Clock, lines: dict[Origin, Line]
) -> None:
    for _ in range(100):
        clock.s += 0.01
        frame_desk.push(HERE, b"x")
    assert len(lines[HERE].sent) <= 11, "twice the asked rate at most"


def test_the_rate_is_what_the_collector_asks_sources_for(frame_desk: FrameDesk, clock: Clock) -> None:
    assert frame_desk.push(HERE, b"x") == 5.0
    frame_desk.hear([replace(committed(clock, 0.3)[0], rate=Rate(3.5, 5.0))])
    assert frame_desk.push(HERE, b"x") == 3.5
    frame_desk.hear([LiveUpdate(2, clock.now(), rate=Rate(2.0, 5.0)), LiveUpdate(2, clock.now())])
    clock.s += 1
    assert frame_desk.push(HERE, b"x") == 2.0, "the machine is shared by all sessions"
    clock.s += TOLD_S
    assert frame_desk.push(HERE, b"x") == 5.0, "a word of long ago says nothing"


def test_results_that_cease_slow_it_down_but_a_pause_does_not(frame_desk: FrameDesk, clock: Clock) -> None:
    frame_desk.push(HERE, b"x")
    frame_desk.hear(committed(clock, 0.3))
    clock.s += 60
    assert frame_desk.push(HERE, b"x") == 5.0, "nothing was pushed, so nothing is late"
    frame_desk.hear(committed(clock, 0.3))
    for _ in range(6):
        clock.s += 1
        rate = frame_desk.push(HERE, b"x")
    assert rate == 2.0, "no lower than a score needs"


def test_the_rate_falls_with_the_number_of_students(clock: Clock) -> None:
    desk = FrameDesk(Capture(frames_per_core_s=1e-6), lambda origin: Line(), clock)
    desk.count(40)
    assert desk.push(HERE, b"x") == 2.0


def test_without_the_running_system_a_push_is_refused(clock: Clock) -> None:
    with pytest.raises(RequestError, match="not running as a whole"):
        FrameDesk(Capture(), None, clock).push(HERE, b"x")
