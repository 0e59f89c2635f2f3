"""``engage bench scripts``: virtual students with a known right answer, through pictures, network and scorer.

Beside each student the same script is scored without pictures, from its exact truth: the difference is what detector
and network cost. No clock runs: frames are drawn as fast as they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from engage.capture.looking import FaceFinder
from engage.capture.virtual.scenes import BESIDE, CALIBRATION_S, Scene
from engage.capture.virtual.script import Script
from engage.capture.virtual.source import VirtualSource, VirtualSpec
from engage.capture.virtual.state import FaceTruth
from engage.capture.virtual.truth import START, signals_of
from engage.cli.finding import build_finder
from engage.config import Settings
from engage.core.gestures.kinds import GestureKind
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import Frame, GestureEvent, Hint, Mode, Origin, Score
from engage.errors import SourceEnded
from engage.inference.reading import FaceReader
from engage.pipeline.student import StudentLine

ORIGIN = Origin(1, 1, 1)
EMPTY_FOR_S = 10.0
"""A seat counts as empty once the scorer's window holds nobody."""
GROUPS = 4
"""Seconds are sorted by confidence into so many groups of equal size."""


@dataclass(frozen=True, slots=True)
class Play:
    """How scenes are played: students each, frames a second, seconds; ``participation`` False leaves gestures out."""

    students: int = 3
    rate_fps: float = 5.0
    seconds: float = 120.0
    participation: bool = True


@dataclass(slots=True)
class Watched:
    """One or several students of one scene."""

    scores: list[Score] = field(default_factory=list)
    truths: list[Score] = field(default_factory=list)
    """The score of the exact truth, second by second."""
    empty: list[bool] = field(default_factory=list)
    errors: list[tuple[float, float]] = field(default_factory=list)
    """Of yaw and pitch, degrees, face by face."""
    gestures: list[GestureEvent] = field(default_factory=list)

    def add(self, other: Watched) -> None:
        """Take in another student."""
        for name in ("scores", "truths", "empty", "errors", "gestures"):
            getattr(self, name).extend(getattr(other, name))


def measure(settings: Settings, reader: FaceReader, scenes: Sequence[Scene], play: Play) -> dict[str, Any]:
    """Return expected and measured scores per scene, and whether higher confidence went with smaller error."""
    watched = {}
    for scene in scenes:
        watched[scene.name] = total = Watched()
        for seed in scene.seeds(play.students):
            total.add(watch(settings, reader, scene, seed, play))
    rows = {scene.name: _row(scene, watched) for scene in scenes}
    return {
        "students": play.students,
        "rate_fps": play.rate_fps,
        "seconds": play.seconds,
        "met": all(row["met"] for row in rows.values()),
        "scripts": rows,
        "by_confidence": by_confidence([pair for total in watched.values() for pair in _pairs(total)]),
    }


def watch(settings: Settings, reader: FaceReader, scene: Scene, seed: int, play: Play) -> Watched:
    """Return one student of a scene, seen through pictures and known exactly."""
    scoring = settings.scoring if play.participation else replace(settings.scoring, participation_gain=0.0)
    seen, exact = StudentLine(1, 1, scoring), StudentLine(1, 1, scoring)
    script = Script(scene.script, seed)
    if scene.calibrated:
        end = START + timedelta(seconds=CALIBRATION_S)
        for line in (seen, exact):
            line.note(GestureEvent(1, 1, GestureKind.CALIBRATION.value, START, end, 1.0))
    finder = build_finder(settings, "primary", follow=reader.reads_signals)
    result, empty_since = Watched(), None
    for frame in _frames(VirtualSpec(seed, scene.script, fps=play.rate_fps, realtime=False, seconds=play.seconds)):
        truth = script.truth_at(frame.position_s)
        signals = _look(finder, reader, frame)
        result.errors += _errors(signals, truth)
        empty_since = None if truth.present else frame.position_s if empty_since is None else empty_since
        taken = seen.take(signals)
        known = exact.take(replace(signals, faces=tuple(filter(None, [signals_of(truth)]))))
        result.gestures += taken.gestures
        if taken.sample is not None and known.sample is not None:
            result.scores.append(taken.sample.score)
            result.truths.append(known.sample.score)
            result.empty.append(empty_since is not None and frame.position_s - empty_since >= EMPTY_FOR_S)
    result.gestures += seen.finish()
    return result


def by_confidence(pairs: Sequence[tuple[float, float]]) -> list[dict[str, float]]:
    """Return, from the least to the most confident group, mean confidence and mean error of (confidence, error)."""
    ordered = np.array(sorted(pairs), np.float64).reshape(-1, 2)
    groups = [group.mean(axis=0) for group in np.array_split(ordered, GROUPS) if len(group)]
    return [{"confidence": round(float(sure), 3), "error": round(float(error), 3)} for sure, error in groups]


def _frames(spec: VirtualSpec) -> Iterator[Frame]:
    source = VirtualSource(spec)
    source.open()
    try:
        while (frame := source.read(1.0)) is not None:
            yield replace(frame, captured_at=START + timedelta(seconds=frame.position_s), monotonic_s=frame.position_s)
    except SourceEnded:
        return
    finally:
        source.close()


def _look(finder: FaceFinder, reader: FaceReader, frame: Frame) -> FrameSignals:
    looked = finder.look(frame)
    faces = reader.read([(crop, Mode.FULL) for crop in looked.faces])
    for face in faces:
        if face.face_score is not None and face.box_shift is not None:
            finder.learn(Hint(ORIGIN, frame.seq, frame.monotonic_s, face.track_id, face.face_score, face.box_shift))
    kept = tuple(face for crop, face in zip(looked.faces, faces, strict=True) if reader.believed(crop, face))
    return FrameSignals(ORIGIN, Mode.FULL, frame.seq, frame.captured_at, frame.monotonic_s, looked.brightness, kept)


def _errors(signals: FrameSignals, truth: FaceTruth) -> list[tuple[float, float]]:
    faces: list[FaceSignals] = [face for face in signals.faces[:1] if truth.present]
    return [
        (face.yaw_deg - truth.state.yaw_deg, face.pitch_deg - truth.state.pitch_deg)
        for face in faces
        if face.yaw_deg is not None and face.pitch_deg is not None
    ]


def _row(scene: Scene, watched: dict[str, Watched]) -> dict[str, Any]:
    total = watched[scene.name]
    measured = _mean(total.scores)
    errors = np.abs(np.array(total.errors).reshape(-1, 2))
    return {
        "expected": scene.expected,
        "measured": _rounded(measured),
        "from_truth": _rounded(_mean(total.truths)),
        "met": _met(scene, total, measured, watched),
        "scored_share": round(float(np.mean([score.value is not None for score in total.scores])), 3),
        "confidence": _rounded(_mean_of([score.confidence for score in total.scores if score.value is not None])),
        "error": _rounded(_mean_of([error for _, error in _pairs(total)])),
        "yaw_error_deg": _rounded(_mean_of(errors[:, 0].tolist())),
        "pitch_error_deg": _rounded(_mean_of(errors[:, 1].tolist())),
        "gestures": {kind: n for kind in GestureKind if (n := sum(g.kind == kind for g in total.gestures))},
    }


def _met(scene: Scene, total: Watched, measured: float | None, watched: dict[str, Watched]) -> bool:
    if scene.nobody:
        alone = [score.value for score, empty in zip(total.scores, total.empty, strict=True) if empty]
        return bool(alone) and all(value is None for value in alone)
    if measured is None:
        return False
    if scene.beside is not None:
        beside = _mean(watched[scene.beside].scores) if scene.beside in watched else None
        return beside is not None and abs(measured - beside) <= BESIDE
    return (scene.lowest is None or measured >= scene.lowest) and (scene.highest is None or measured <= scene.highest)


def _pairs(total: Watched) -> list[tuple[float, float]]:
    """Return confidence and error of each second that has a score both ways."""
    return [
        (seen.confidence, abs(seen.value - known.value))
        for seen, known in zip(total.scores, total.truths, strict=True)
        if seen.value is not None and known.value is not None
    ]


def _mean(scores: Sequence[Score]) -> float | None:
    return _mean_of([score.value for score in scores if score.value is not None])


def _mean_of(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def falling(groups: Sequence[dict[str, float]]) -> bool:
    """Return whether the error falls from each group of ``by_confidence`` to the next."""
    return all(before["error"] >= after["error"] for before, after in pairwise(groups))
