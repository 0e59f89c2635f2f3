"""From frames to samples: one student's signals gathered into at most one sample a second. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engage.core.lids import eyes_open, gazes, lids_closed
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import Mode, Sample

LONGEST_GAP_S = 2.0
"""A frame stands for the time since the one before it, but never for more than this: past it, there was no data."""
FIRST_FRAME_S = 0.5
"""What a frame stands for that has none before it."""
MOUTH_OPEN_ABOVE = 0.5


@dataclass(frozen=True, slots=True)
class _Look:
    """One frame's reading and the time it stands for."""

    duration_s: float
    brightness: float
    face: FaceSignals | None


class SampleBuilder:
    """Gathers the frames of one student in one session.

    A sample is closed by the first frame of a new second, which is its newest; no clock ever closes one.
    """

    def __init__(self, session_id: int, student_id: int) -> None:
        self._session_id = session_id
        self._student_id = student_id
        self._looks: list[_Look] = []
        self._previous: datetime | None = None
        self._closed_second: int | None = None

    def resume(self, last: Sample) -> None:
        """Go on after ``last``, a stored sample: its second is closed and never comes again."""
        self._previous, self._closed_second = last.captured_at, last.second

    def add(self, frame: FrameSignals, face: FaceSignals | None) -> Sample | None:
        """Take one frame with the student's face in it, or None; return the sample that it closes, if it does."""
        self._looks.append(_Look(self._duration(frame.captured_at), frame.brightness, face))
        self._previous = frame.captured_at
        second = math.floor(frame.captured_at.timestamp())
        if self._closed_second is not None and second <= self._closed_second:
            return None
        looks, self._looks, self._closed_second = self._looks, [], second
        return self._close(looks, frame, second)

    def _duration(self, captured_at: datetime) -> float:
        if self._previous is None:
            return FIRST_FRAME_S
        elapsed = (captured_at - self._previous).total_seconds()
        return elapsed if 0.0 <= elapsed <= LONGEST_GAP_S else FIRST_FRAME_S

    def _close(self, looks: Sequence[_Look], frame: FrameSignals, second: int) -> Sample:
        total = sum(look.duration_s for look in looks)
        faces = [(look.face, look.duration_s) for look in looks if look.face is not None]
        yaw, yaw_spread = _mean_and_spread([(face.yaw_deg, w) for face, w in faces])
        pitch, pitch_spread = _mean_and_spread([(face.pitch_deg, w) for face, w in faces])
        gazing = [(face, w) for face, w in faces if gazes(face)]
        gaze_x, gaze_x_spread = _mean_and_spread([(face.gaze_x, w) for face, w in gazing])
        gaze_y, gaze_y_spread = _mean_and_spread([(face.gaze_y, w) for face, w in gazing])
        return Sample(
            session_id=self._session_id,
            student_id=self._student_id,
            second=second,
            captured_at=frame.captured_at,
            frames=len(looks),
            duration_s=total,
            face_share=min(1.0, sum(w for _, w in faces) / total) if total > 0 else float(frame.faces != ()),
            confidence=_mean([(face.confidence, w) for face, w in faces]),
            brightness=_mean([(look.brightness, look.duration_s) for look in looks]) or frame.brightness,
            expression=_mean_expression(faces),
            yaw_deg=yaw,
            yaw_spread_deg=yaw_spread,
            pitch_deg=pitch,
            pitch_spread_deg=pitch_spread,
            roll_deg=_mean([(face.roll_deg, w) for face, w in faces]),
            gaze_x=gaze_x,
            gaze_x_spread=gaze_x_spread,
            gaze_y=gaze_y,
            gaze_y_spread=gaze_y_spread,
            lids_closed_share=_mean([(lids_closed(face), w) for face, w in faces]),
            mouth_open_share=_mean([(_mouth_open(face), w) for face, w in faces]),
            eyes_open=_mean([(eyes_open(face), w) for face, w in faces]),
            mode=Mode(frame.mode),
        )


def _mouth_open(face: FaceSignals) -> float | None:
    return None if face.mouth_open is None else float(face.mouth_open > MOUTH_OPEN_ABOVE)


def _mean(pairs: Sequence[tuple[float | None, float]]) -> float | None:
    return _mean_and_spread(pairs)[0]


def _mean_and_spread(pairs: Sequence[tuple[float | None, float]]) -> tuple[float | None, float | None]:
    """Return the time-weighted mean and standard deviation, or None twice where nothing was read."""
    known = [(value, weight) for value, weight in pairs if value is not None]
    total = sum(weight for _, weight in known)
    if total <= 0:
        return None, None
    mean = sum(value * weight for value, weight in known) / total
    values = [value for value, _ in known]
    mean = min(max(mean, min(values)), max(values))  # rounding must not carry a share past 1
    return mean, math.sqrt(sum(weight * (value - mean) ** 2 for value, weight in known) / total)


def _mean_expression(faces: Sequence[tuple[FaceSignals, float]]) -> tuple[float, ...] | None:
    known = [(face.expression, w) for face, w in faces if face.expression is not None]
    total = sum(w for _, w in known)
    if total <= 0:
        return None
    return tuple(sum(p[k] * w for p, w in known) / total for k in range(len(known[0][0])))
