"""How far the eyes are open, against the student's own usual (DESIGN.md section 5). Pure.

PERCLOS counts closed lids alone; lids that droop, or eyes lowered for minutes, it does not see. On the labelled webcam
pictures of Kamath et al. (WACV 2016) the whole score ranks engaged above disengaged with an area under the curve of .94
without this and .97 with it where MediaPipe reads the face, .77 and .83 where the network of 2026-11-22 22:13 does.
"""

from __future__ import annotations

from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals
from engage.core.types import Sample

CLOSED_BELOW = 0.2
"""Lids count as closed where they are at least 80 % closed (PERCLOS P80, Wierwille et al. 1994)."""
HEAD_DOWN_BELOW_DEG = -20.0
SIGHT_DOWN_BELOW_DEG = -28.0
"""Lids are not read while the head is down or the sight is lowered: then open eyes look closed."""


def wider_lid(face: FaceSignals) -> float | None:
    """Return how far the wider eye is open, 0-1, or None where lids are not, or must not be, read."""
    if face.left_eye_open is None or face.right_eye_open is None:
        return None
    widest = max(face.left_eye_open, face.right_eye_open)
    if face.pitch_deg is not None:
        # Eyes that are shut look nowhere: their gaze says nothing.
        gaze_y = face.gaze_y if face.gaze_y is not None and widest > CLOSED_BELOW else 0.0
        if face.pitch_deg < HEAD_DOWN_BELOW_DEG or face.pitch_deg + gaze_y < SIGHT_DOWN_BELOW_DEG:
            return None
    return widest


def lids_closed(face: FaceSignals) -> float | None:
    """Return 1 for closed lids, 0 for open ones, or None where they are not read."""
    widest = wider_lid(face)
    return None if widest is None else float(widest <= CLOSED_BELOW)


def gazes(face: FaceSignals) -> bool:
    """Return whether the gaze says anything: of eyes that are shut the network reads one far down (-13 degrees)."""
    lids = [lid for lid in (face.left_eye_open, face.right_eye_open) if lid is not None]
    return not lids or max(lids) > CLOSED_BELOW


def eyes_open(face: FaceSignals) -> float | None:
    """Return the mean openness of both eyes, 0-1, or None where it is not read."""
    if face.left_eye_open is None or face.right_eye_open is None:
        return None
    return min(max((face.left_eye_open + face.right_eye_open) / 2, 0.0), 1.0)


def lids_term(openness: float, settings: ScoringSettings) -> float:
    """Return 1 for eyes as open as usual (``openness`` 1), linear to ``drowsy_alertness`` at ``lids_low`` and below."""
    span = settings.lids_open - settings.lids_low
    return max(
        settings.drowsy_alertness,
        1.0 - (1.0 - settings.drowsy_alertness) * max(settings.lids_open - openness, 0.0) / span,
    )


class Lids:
    """Follows how open one student's eyes are; what is usual is learnt from the first minute of reading.

    What is usual lies between ``lids_usual_least`` and 1, so that eyes differ from face to face, and yet who begins
    half asleep does not make that the norm.
    """

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings
        self._learned_s = 0.0
        self._mean = 1.0

    def update(self, sample: Sample, noting: bool) -> float | None:
        """Return the lids' term of this second, or None where it is not read.

        ``noting`` says that the sight is lowered and may be on a notebook: lids then follow the sight.
        """
        head_down = sample.pitch_deg is not None and sample.pitch_deg < HEAD_DOWN_BELOW_DEG
        if sample.eyes_open is None or noting or head_down:
            return None
        if self._learned_s < self._settings.baseline_learning_s and sample.duration_s > 0:
            self._learned_s += sample.duration_s
            self._mean += (sample.eyes_open - self._mean) * sample.duration_s / self._learned_s
        usual = min(max(self._mean, self._settings.lids_usual_least), 1.0)
        return lids_term(sample.eyes_open / usual, self._settings)
