"""A virtual student behind the frame source's protocol."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from engage.capture.virtual.drawing import render
from engage.capture.virtual.roster import virtual_class
from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.source import VirtualSource, VirtualSpec, parse_spec
from engage.core.protocols import FrameSource
from engage.errors import SourceEnded, SourceError, SourceLost


class HandClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def test_address_is_read_and_written() -> None:
    spec = parse_spec("virtual:7?script=note_taking&width=640&height=480&fps=5&realtime=0&seconds=3")
    assert spec == VirtualSpec(7, ScriptKind.NOTE_TAKING, 640, 480, 5.0, False, 3.0)
    assert parse_spec(str(spec)) == spec
    assert parse_spec("virtual:3") == VirtualSpec(3)
    assert parse_spec(virtual_class(3)[0].address()).seed == virtual_class(3)[0].seed


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("rtsp://camera", "not a virtual student"),
        ("virtual:x", "invalid literal"),
        ("virtual:1?script=sleepy", "sleepy"),
        ("virtual:1?colour=red", "colour"),
        ("virtual:1?width=3", "16 to 4096"),
        ("virtual:1?fps=nan", "fps"),
        ("virtual:1?realtime=maybe", "maybe"),
        ("virtual:1?seconds=-2", "negative"),
        ("virtual:-4", "seed"),
        ("virtual:1?script", "bad query"),
    ],
)
def test_wrong_address_is_one_clear_line(address: str, word: str) -> None:
    with pytest.raises(SourceError, match=word) as error:
        parse_spec(address)
    assert "\n" not in str(error.value)


def test_as_fast_as_possible_every_frame_comes_once_and_then_the_end() -> None:
    source = VirtualSource("virtual:4?fps=5&realtime=0&seconds=1", HandClock())
    assert isinstance(source, FrameSource) and not source.live
    source.open()
    frames = []
    with pytest.raises(SourceEnded):
        while True:
            frame = source.read(1.0)
            assert frame is not None
            frames.append(frame)
    assert [frame.seq for frame in frames] == list(range(5)) and source.skipped == 0
    assert [frame.position_s for frame in frames] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert frames[4].captured_at - frames[0].captured_at == timedelta(seconds=0.8)
    expected = render(source.person, Script(ScriptKind.LIVELY, 4).state_at(0.4), (320, 240), 2)
    assert np.array_equal(frames[2].image, expected)


def test_live_source_skips_what_is_not_read() -> None:
    clock = HandClock()
    source = VirtualSource("virtual:4?fps=10", clock)
    source.open()
    first = source.read(0.0)
    assert first is not None and first.seq == 0
    assert source.read(0.0) is None, "the next frame does not exist yet"
    clock.seconds += 0.55
    later = source.read(0.0)
    assert later is not None and later.seq == 5 and source.skipped == 4
    assert later.captured_at == clock.now() and later.monotonic_s == clock.monotonic()


def test_closing_and_opening_goes_on_in_the_script() -> None:
    clock = HandClock()
    source = VirtualSource("virtual:4?fps=10", clock)
    source.open()
    source.close()
    source.close()
    with pytest.raises(SourceLost):
        source.read(0.0)
    clock.seconds += 60.0
    source.open()
    frame = source.read(0.0)
    assert frame is not None and frame.position_s == pytest.approx(60.0)


def test_camera_that_is_turned_off_is_lost_and_comes_back() -> None:
    clock = HandClock()
    source = VirtualSource("virtual:3?script=camera_off&fps=2&width=48&height=36", clock)
    source.open()
    states = []
    for _ in range(400):
        clock.seconds += 0.5
        try:
            source.read(0.0)
            states.append("on")
        except SourceLost:
            states.append("off")
            try:
                source.open()
            except SourceError as error:
                assert "camera is off" in str(error)
    changes = [one for one, other in pairwise(states) if one != other]
    assert changes[:3] == ["on", "off", "on"]
