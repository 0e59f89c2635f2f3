"""The records that cross the seams of the system: frozen, slotted, free of behaviour.

Order, signs and units are those of DESIGN.md section 8: probabilities in FER+ order, angles in degrees (yaw and
``gaze_x`` > 0 towards the subject's own left, pitch and ``gaze_y`` > 0 upwards, roll > 0 clockwise as the subject
feels it), openness 0-1, boxes in pixels of the frame with the origin at the top left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
"""The eight FER+ classes (Barsoum et al. 2016), in the order of every probability vector."""

CROP_SIZE_PX = 48
"""Side of the square gray crop that the network reads."""

Image = NDArray[np.uint8]
"""``(H, W, 3)`` BGR or ``(H, W)`` gray, 0-255."""


class Mode(StrEnum):
    """What may be inferred about a student (DESIGN.md section 6)."""

    FULL = "full"
    ATTENTION = "attention"
    PRESENCE = "presence"


class Reason(StrEnum):
    """Why there is no score. No data is never a zero."""

    AWAY = "away"
    NO_CAMERA = "no camera"
    TOO_DARK = "too dark"
    PAUSED = "paused"
    NO_CONSENT = "no consent"
    UNSURE = "unsure"
    PRESENCE_ONLY = "presence only"


class SourceState(StrEnum):
    """Where a source stands, as told by its capture worker."""

    LIVE = "live"
    LOST = "lost"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels of the frame; ``x, y`` is its top left corner."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of one source, stamped at capture.

    ``captured_at`` is aware UTC (for a file played as fast as possible: the file's start plus ``position_s``),
    ``monotonic_s`` the capturing machine's monotonic clock (for ages), ``position_s`` the time since the source's
    first frame.
    """

    image: Image
    seq: int
    captured_at: datetime
    monotonic_s: float
    position_s: float
    scale: float = 1.0
    """Pixels of ``image`` per pixel of the source, along each side: below 1 where it was decoded smaller. Boxes are
    always in pixels of the source."""


@dataclass(frozen=True, slots=True)
class PushedFrame:
    """A picture that a browser pushed, on its way to its capture worker: JPEG or WebP, not decoded.

    ``captured_at`` and ``monotonic_s`` are stamped where it arrived. ``seq`` grows by one from frame to frame, so that
    the reader can tell how many were replaced by newer ones on the way.
    """

    origin: Origin
    seq: int
    captured_at: datetime
    monotonic_s: float
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Face:
    """A detection: box, confidence 0-1 and, where the detector gives them, five landmarks.

    ``landmarks`` is ``(5, 2)`` float32 in pixels: the subject's right eye, left eye, nose tip, right and left mouth
    corner (YuNet's order), or None.
    """

    box: Box
    confidence: float
    landmarks: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face with the id that stays with it from frame to frame of one source."""

    track_id: int
    face: Face


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where the head points, in degrees; 0, 0, 0 is at the camera."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose picture it is: rows of the session, the source and the student (0 outside a session)."""

    session_id: int
    source_id: int
    student_id: int


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """What leaves a capture worker for one face: 48 x 48 gray pixels and where they came from."""

    track_id: int
    pixels: Image
    box: Box
    confidence: float
    """The detector's; of a followed face, the one it was last detected with."""
    pose: HeadPose | None = None
    detected: bool = True
    """False where the box comes from following, so that only the network can say whether it holds a face."""
    hands: tuple[str, ...] = ()
    """What the student's hands do, where an optional HandReader looks for it."""


@dataclass(frozen=True, slots=True)
class FrameFaces:
    """One looked-at frame of one source, with no, one or several crops. It is sent also when no face was found."""

    origin: Origin
    mode: Mode
    seq: int
    captured_at: datetime
    monotonic_s: float
    brightness: float
    """Mean gray of the frame, or of the face where there is one, 0-1."""
    faces: tuple[FaceCrop, ...] = ()


@dataclass(frozen=True, slots=True)
class Hint:
    """Inference's word to a capture worker: where the face of one crop turned out to be, and whether it was one.

    ``seq``, ``monotonic_s`` and ``track_id`` are those of the crop, so that a hint for another run of the worker is
    told apart.
    """

    origin: Origin
    seq: int
    monotonic_s: float
    track_id: int
    face_score: float
    box_shift: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Strain:
    """What inference says once a second of its load, to be passed on with the signals."""

    frames: int
    """Frames that were answered since the last time."""
    dropped: int
    """Frames that were too old or too many since then."""


@dataclass(frozen=True, slots=True)
class RateHint:
    """The collector's word to a capture worker: how many frames a second of its source the system bears now."""

    origin: Origin
    rate_fps: float


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A change of a source's state. ``detail`` is one plain line and never holds a password."""

    origin: Origin
    state: SourceState
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One student, one second, as stored: the only input of the scorer besides gestures (DESIGN.md section 5).

    ``second`` is the Unix second of the newest frame in it. Shares and means are weighted by time. A mean over
    faces is None where no face, or no such signal, was seen.
    """

    session_id: int
    student_id: int
    second: int
    captured_at: datetime
    """Capture of the newest frame."""
    frames: int
    duration_s: float
    """Time the frames stand for; the weight of this sample in a window."""
    face_share: float
    confidence: float | None
    brightness: float
    expression: tuple[float, ...] | None = None
    yaw_deg: float | None = None
    yaw_spread_deg: float | None = None
    pitch_deg: float | None = None
    pitch_spread_deg: float | None = None
    roll_deg: float | None = None
    gaze_x: float | None = None
    gaze_x_spread: float | None = None
    gaze_y: float | None = None
    gaze_y_spread: float | None = None
    lids_closed_share: float | None = None
    mouth_open_share: float | None = None
    eyes_open: float | None = None
    """Mean openness of both eyes, also where lids are not read as closed or not."""
    mode: Mode = Mode.FULL


@dataclass(frozen=True, slots=True)
class Score:
    """An engagement score 0-10 with its confidence 0-1, or None with the reason; ``terms`` explain it."""

    value: float | None
    confidence: float
    reason: Reason | None = None
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoredSample:
    """A sample with the score it led to and the name of the scoring version that made it."""

    sample: Sample
    score: Score
    scoring_version: str


@dataclass(frozen=True, slots=True)
class GestureEvent:
    """A gesture of one student, from ``started_at`` to ``ended_at``, with its strength 0-1."""

    session_id: int
    student_id: int
    kind: str
    started_at: datetime
    ended_at: datetime
    strength: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many messages a channel had to drop so far, and where."""

    channel: str
    count: int
