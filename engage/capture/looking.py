"""From a frame to the face crops that may leave a capture worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engage.core.protocols import FaceDetector
from engage.core.types import Box, Face, FaceCrop, Frame, HeadPose, Image, Mode, TrackedFace
from engage.vision.crops import brightness, crop_faces
from engage.vision.pose import pose_from_landmarks
from engage.vision.tracking import Tracker

Faces = Literal["primary", "all"]

NO_PIXELS: Image = np.empty((0, 0), np.uint8)
"""The crop of a face that may only be counted."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What one frame shows: its crops, and the brightness 0-1 of the student's face, else of the frame."""

    faces: tuple[FaceCrop, ...]
    brightness: float


class FaceFinder:
    """Detects, follows and crops the faces of one source. Used by one thread, frames in order.

    ``faces="primary"`` gives one student's face only, the one followed so far, else the largest: whoever else is in
    the picture has not consented, so no crop of them is made. ``"all"`` gives every face, for recordings. The primary
    face is given up with its track, after the tracker's memory.
    """

    def __init__(self, detector: FaceDetector, faces: Faces = "primary", memory_s: float = 2.0) -> None:
        self._detector = detector
        self._faces = faces
        self._memory_s = memory_s
        self._tracker = Tracker(memory_s)
        self._primary: int | None = None
        self._primary_seen_s = 0.0

    def look(self, frame: Frame, mode: Mode = Mode.FULL) -> Looked:
        """Return the crops that may leave the worker under ``mode``.

        Under ``presence`` they hold the box and no pixels (``(0, 0)``) and no pose.
        """
        tracked = self._tracker.update(self._detector.detect(frame.image), frame.position_s)
        if self._faces == "primary":
            tracked = self._choose(tracked, frame.position_s)
        boxes = [found.face.box for found in tracked]
        light = brightness(frame.image, boxes[0] if self._faces == "primary" and boxes else None)
        if mode is Mode.PRESENCE:
            return Looked(tuple(_counted(found) for found in tracked), light)
        crops = crop_faces(frame.image, boxes)
        return Looked(tuple(_cropped(found, crop) for found, crop in zip(tracked, crops, strict=True)), light)

    def reset(self) -> None:
        """Forget all tracks: what comes next is another picture."""
        self._tracker.reset()
        self._primary = None

    def _choose(self, tracked: Sequence[TrackedFace], now_s: float) -> list[TrackedFace]:
        followed = [found for found in tracked if found.track_id == self._primary]
        if not followed and tracked and now_s - self._primary_seen_s > (self._memory_s if self._primary else -1):
            followed = [max(tracked, key=lambda found: _area(found.face.box))]
        if followed:
            self._primary = followed[0].track_id
            self._primary_seen_s = now_s
        return followed


def _counted(found: TrackedFace) -> FaceCrop:
    return FaceCrop(found.track_id, NO_PIXELS, found.face.box, found.face.confidence)


def _cropped(found: TrackedFace, crop: Image) -> FaceCrop:
    return FaceCrop(found.track_id, crop, found.face.box, found.face.confidence, _pose(found.face))


def _pose(face: Face) -> HeadPose | None:
    return None if face.landmarks is None else pose_from_landmarks(face.landmarks)


def _area(box: Box) -> float:
    return box.w * box.h
