"""What gestures are recognised from: one student's face at one moment, and the last seconds of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from engage.core.gaze import line_of_sight
from engage.core.gestures.kinds import GestureKind, too_slow_for
from engage.core.lids import wider_lid
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals

KEPT_S = 3.0
"""How much of the past is looked at; the frame rate is told from as much."""
LONGEST_GAP_S = 2.0
"""Past this there was no data: what was before is over."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One moment (``at``, Unix seconds). What was not read is None; angles in degrees, shares 0-1."""

    at: float
    seen: bool
    dark: bool = False
    """Too dark to tell whether anybody is there."""
    aside_deg: float | None = None
    """Line of sight beside the student's usual one, > 0 towards their own left."""
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    down_deg: float | None = None
    """How far the head, whatever the eyes do, points below the usual line of sight."""
    lids: float | None = None
    mouth: float | None = None
    size_px: float | None = None


def read(at: float, face: FaceSignals, usual_sight: tuple[float, float], settings: ScoringSettings) -> Reading:
    """Return what ``face`` says, seen from the student's usual line of sight."""
    yaw, pitch = face.yaw_deg, face.pitch_deg
    sight = line_of_sight(face, settings)
    return Reading(
        at=at,
        seen=True,
        aside_deg=None if sight is None else sight[0] - usual_sight[0],
        yaw_deg=yaw,
        pitch_deg=pitch,
        down_deg=None if pitch is None else usual_sight[1] - pitch,
        lids=wider_lid(face),
        mouth=face.mouth_open,
        size_px=(face.box.w * face.box.h) ** 0.5,
    )


class Recent:
    """The readings of the last ``KEPT_S`` seconds, oldest first."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque()

    def add(self, reading: Reading) -> None:
        """Take the newest reading; after a gap of ``LONGEST_GAP_S`` all begins anew."""
        if self._readings and reading.at - self._readings[-1].at > LONGEST_GAP_S:
            self._readings.clear()
        self._readings.append(reading)
        while self._readings[0].at < reading.at - KEPT_S:
            self._readings.popleft()

    def last(self, seconds: float) -> list[Reading]:
        """Return the readings of the last ``seconds``, oldest first."""
        start = self._readings[-1].at - seconds
        return [reading for reading in self._readings if reading.at >= start]

    def rate_fps(self) -> float | None:
        """Return frames a second, or None before there was a second of them."""
        span = self._readings[-1].at - self._readings[0].at if self._readings else 0.0
        return (len(self._readings) - 1) / span if span >= 1.0 else None

    def readable(self, kind: GestureKind) -> bool:
        """Return whether frames come fast enough for ``kind``, as far as can be told already."""
        rate_fps = self.rate_fps()
        return rate_fps is not None and kind not in too_slow_for(rate_fps)
