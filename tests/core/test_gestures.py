"""Gestures: found in scripts whose truth is known, given out once and in time, not read at too low a rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.truth import START, TYPICAL, Noise, frames
from engage.core.gestures.kinds import SETTLED_S, GestureKind
from engage.core.gestures.mouth import liveliness
from engage.core.gestures.oscillation import swings, turns
from engage.core.gestures.posture import Sight
from engage.core.gestures.reader import GestureReader
from engage.core.gestures.reading import Reading
from engage.core.gestures.spells import Spell, SpellLimits
from engage.core.signals import FrameSignals
from engage.core.types import GestureEvent, Mode

K = GestureKind
MEANT = {
    "nod": K.NOD, "shake": K.SHAKE, "talk": K.SPEAKING, "yawn": K.YAWN, "aside": K.LOOKING_AWAY,
    "notes": K.HEAD_DOWN, "lean": K.LEANING_IN, "absent": K.LEFT_SEAT,
}  # fmt: skip
"""What the habits of scripts should be recognised as."""
SLACK_S = 0.5
SECONDS = 150.0


def recognised(seen: Sequence[FrameSignals]) -> list[GestureEvent]:
    reader = GestureReader(1, 1)
    found = [event for frame in seen for event in reader.update(frame, frame.faces[0] if frame.faces else None)]
    return found + reader.finish()


@dataclass(frozen=True)
class Span:
    kind: str
    start: float
    end: float

    def meets(self, other: Span) -> bool:
        return self.start < other.end + SLACK_S and self.end > other.start - SLACK_S


def spans_of(events: Sequence[GestureEvent]) -> list[Span]:
    zero = START.timestamp()
    return [Span(e.kind, e.started_at.timestamp() - zero, e.ended_at.timestamp() - zero) for e in events]


def truth_of(script: Script) -> list[Span]:
    made = [Span(MEANT[e.kind], e.start_s, e.end_s) for e in script.episodes(0.0, SECONDS) if e.kind in MEANT]
    return [span for span in made if span.end < SECONDS - 1.0]


def visible(span: Span, truth: Sequence[Span]) -> bool:
    """Whether the face could be seen well: it is not turned away, gone or lowered at the same time."""
    hiding = {K.LEFT_SEAT, K.LOOKING_AWAY, K.HEAD_DOWN} - {span.kind}
    return span.kind in (K.LEFT_SEAT, K.LOOKING_AWAY) or not any(t.kind in hiding and t.meets(span) for t in truth)


@pytest.mark.parametrize(
    ("rate_fps", "noise", "recall", "precision"),
    [(12, TYPICAL, 0.95, 0.93), (5, TYPICAL, 0.88, 0.88), (2, TYPICAL, 0.95, 0.95)],
)
def test_precision_and_recall_on_scripts(rate_fps: int, noise: Noise | None, recall: float, precision: float) -> None:
    made, hit, given, right = [], [], [], []
    for seed in range(3):
        script = Script(ScriptKind.GESTURES, seed)
        truth = truth_of(script)
        found = spans_of(recognised(list(frames(script, rate_fps, SECONDS, noise))))
        found = [f for f in found if f.end < SECONDS - 1.0]
        readable = [t for t in truth if visible(t, truth)]
        if rate_fps < 5:
            readable = [t for t in readable if t.kind not in (K.NOD, K.SHAKE, K.SPEAKING)]
            assert not {f.kind for f in found} & {K.NOD, K.SHAKE, K.SPEAKING}
        made += readable
        hit += [t for t in readable if any(f.kind == t.kind and f.meets(t) for f in found)]
        given += found
        right += [f for f in found if any(f.kind == t.kind and f.meets(t) for t in truth)]
    missed = sorted({f"{t.kind} at {t.start:.0f} s" for t in made} - {f"{t.kind} at {t.start:.0f} s" for t in hit})
    assert len(made) > 20 and len(hit) / len(made) >= recall, missed
    assert len(right) / len(given) >= precision, [f for f in given if f not in right]


def test_calm_attention_is_not_taken_for_gestures() -> None:
    still = list(frames(Script(ScriptKind.DISTRACTED, 5), 12, 90, TYPICAL))
    kinds = [event.kind for event in recognised(still)]
    assert kinds.count(K.NOD) == kinds.count(K.SHAKE) == kinds.count(K.YAWN) == kinds.count(K.DROWSY) == 0
    assert K.LOOKING_AWAY in kinds


@pytest.mark.parametrize(("before_deg", "kind"), [(25.0, K.HEAD_DOWN), (0.0, K.LEFT_SEAT)])
def test_a_face_lost_over_notes_has_not_left_its_seat(before_deg: float, kind: GestureKind) -> None:
    sight = Sight()
    moments = [Reading(at=at / 2, seen=True, aside_deg=0.0, down_deg=before_deg if at > 4 else 0.0) for at in range(16)]
    moments += [Reading(at=at / 2, seen=False) for at in range(16, 40)]
    moments += [Reading(at=at / 2, seen=True, aside_deg=0.0, down_deg=0.0) for at in range(40, 60)]
    found = [spell for moment in moments for spell in sight.update(moment)]
    assert [spell.kind for spell in found] == [kind]
    assert found[0].end == pytest.approx(19.5)


def test_who_stays_lost_has_left() -> None:
    sight = Sight()
    moments = [Reading(at=0.0, seen=True, aside_deg=0.0, down_deg=25.0)]
    moments += [Reading(at=at / 2, seen=False) for at in range(1, 100)]
    found = [spell for moment in moments for spell in sight.update(moment)] + sight.finish()
    assert [spell.kind for spell in found] == [K.HEAD_DOWN, K.LEFT_SEAT]


def test_drowsy_is_found_and_lasts() -> None:
    events = [e for e in recognised(list(frames(Script(ScriptKind.DROWSY, 2), 5, 180, TYPICAL))) if e.kind == K.DROWSY]
    lasted = sum((e.ended_at - e.started_at).total_seconds() for e in events)
    assert lasted > 130
    assert all((e.ended_at - e.started_at).total_seconds() <= 61 for e in events), "pieces of a minute"


@pytest.mark.parametrize("rate_fps", [2, 5, 11, 15])
def test_what_the_rate_does_not_bear_is_not_read_and_said(rate_fps: int) -> None:
    reader = GestureReader(1, 1)
    for frame in frames(Script(ScriptKind.ATTENTIVE, 1), rate_fps, 40):
        reader.update(frame, frame.faces[0])
    slow = reader.too_slow_for()
    assert (K.NOD in slow) == (K.SPEAKING in slow) == (rate_fps < 5)
    assert (K.BLINK in slow) == (rate_fps < 11)  # 11 is within a tenth of 12
    assert (reader.blinks_per_minute() is None) == (rate_fps < 11)


def test_blink_rate_is_fifteen_a_minute() -> None:
    reader = GestureReader(1, 1)
    for frame in frames(Script(ScriptKind.ATTENTIVE, 4), 12, 62, TYPICAL):
        reader.update(frame, frame.faces[0])
    assert reader.blinks_per_minute() == pytest.approx(15, abs=2)


@given(st.integers(0, 50), st.sampled_from([2.0, 5.0, 12.0]), st.lists(st.integers(1, 40), max_size=8))
@settings(max_examples=12, deadline=None)
def test_every_gesture_is_given_out_once_and_settled_in_time(seed: int, rate: float, holes: list[int]) -> None:
    seen = list(frames(Script(ScriptKind.GESTURES, seed), rate, 60, TYPICAL))
    for k, hole in enumerate(holes):
        del seen[(k + 1) * 20 : (k + 1) * 20 + hole]
    reader, out, told = GestureReader(1, 1), [], {}
    for frame in seen:
        for event in reader.update(frame, frame.faces[0] if frame.faces else None):
            out.append(event)
            told[event.kind, event.started_at] = frame.captured_at
    keys = [(event.kind, event.started_at) for event in out]
    assert len(set(keys)) == len(keys)
    times = [frame.captured_at for frame in seen]
    for event in out:
        assert event.started_at <= event.ended_at and 0 <= event.strength <= 1
        settled = [t for t in times if (t - event.ended_at).total_seconds() >= SETTLED_S]
        assert not settled or told[event.kind, event.started_at] <= settled[0]


def test_presence_mode_reads_nothing() -> None:
    seen = [replace(f, mode=Mode.PRESENCE) for f in frames(Script(ScriptKind.GESTURES, 1), 5, 60)]
    assert recognised(seen) == []


def test_a_clock_that_jumps_back_is_ignored() -> None:
    seen = list(frames(Script(ScriptKind.GESTURES, 1), 5, 60))
    assert recognised([*seen, *seen]) == recognised(seen)


def test_a_usual_place_beside_the_camera_is_not_away() -> None:
    reader = GestureReader(1, 1)
    script = Script(ScriptKind.CAMERA_OFF_AXIS, 3)
    usual = (script.axis_deg, 0.0)
    found = [e for f in frames(script, 5, 120) for e in reader.update(f, f.faces[0], usual)]
    assert K.LOOKING_AWAY not in {event.kind for event in found + reader.finish()}


@given(st.floats(1.0, 2.4), st.floats(3.0, 12.0), st.floats(0, 6.28), st.sampled_from([6, 10, 15, 30]))
def test_a_sine_is_measured_at_any_rate(hz: float, amplitude: float, phase: float, rate: int) -> None:
    times = np.arange(0.0, 1.5, 1 / rate)
    angle = 4.0 + 3.0 * times + amplitude * np.sin(2 * np.pi * hz * times + phase)
    (swing,) = swings(times.tolist(), angle[:, None])
    assert swing.certainty > 6
    assert swing.amplitude_deg == pytest.approx(amplitude, rel=0.5)


def test_turns_tell_a_nod_from_a_lowered_head() -> None:
    assert turns([0, -6, 0, -6, 0]) == 3
    assert turns([0, -5, -12, -20, -26, -25, -27]) == 0
    assert turns([0, 14, 28, 14, 0]) == 1
    assert turns([0, 1, -1, 2, 0, 1]) == 0


def test_a_slow_mouth_is_not_lively() -> None:
    slow = [(k / 10, min(1.0, k / 16)) for k in range(16)]
    quick = [(k / 10, 0.4 * (k // 2 % 2)) for k in range(16)]
    assert liveliness(slow) < 0.02 < 0.15 < liveliness(quick)
    assert liveliness(quick[:3]) == 0.0


def test_spells_bridge_short_breaks_and_end_at_gaps() -> None:
    spell = Spell(K.LOOKING_AWAY, SpellLimits(least_s=2.0, bridge_s=0.8, longest_s=10.0))
    pattern = [(k / 2, k not in (4, 12, 13, 14)) for k in range(16)]
    found = [f for at, holds in pattern for f in spell.update(at, holds)]
    assert [(f.start, f.end) for f in found] == [(0.0, 5.5)]
    found = [f for at in (8.0, 9.0, 10.0, 60.0) for f in spell.update(at, True)]
    assert [(f.start, f.end) for f in found] == [(7.5, 10.0)]
    found = [f for k in range(25) for f in spell.update(61.0 + k, True)] + spell.finish()
    assert [f.end - f.start for f in found] == [10.0, 10.0, 5.0]
