"""From a frame to the face crops that may leave a capture worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engage.core.protocols import FaceDetector
from engage.core.types import Face, FaceCrop, Frame, HeadPose, Image, Mode, TrackedFace
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

    ``faces="primary"`` gives one student's face only, the tracker's primary one: whoever else is in the picture has
    not consented, so no crop of them is made. ``"all"`` gives every face, for recordings.
    """

    def __init__(self, detector: FaceDetector, faces: Faces = "primary", memory_s: float = 2.0) -> None:
        self._detector = detector
        self._faces = faces
        self._tracker = Tracker(memory_s)

    def look(self, frame: Frame, mode: Mode = Mode.FULL) -> Looked:
        """Return the crops that may leave the worker under ``mode``.

        Under ``presence`` they hold the box and no pixels (``(0, 0)``) and no pose.
        """
        tracked = self._tracker.update(self._detector.detect(frame.image), frame.position_s)
        if self._faces == "primary":
            tracked = [found for found in tracked if found.track_id == self._tracker.primary()]
        boxes = [found.face.box for found in tracked]
        light = brightness(frame.image, boxes[0] if self._faces == "primary" and boxes else None)
        if mode is Mode.PRESENCE:
            return Looked(tuple(_counted(found) for found in tracked), light)
        crops = crop_faces(frame.image, boxes)
        return Looked(tuple(_cropped(found, crop) for found, crop in zip(tracked, crops, strict=True)), light)

    def reset(self) -> None:
        """Forget all tracks: what comes next is another picture."""
        self._tracker.reset()


def _counted(found: TrackedFace) -> FaceCrop:
    return FaceCrop(found.track_id, NO_PIXELS, found.face.box, found.face.confidence)


def _cropped(found: TrackedFace, crop: Image) -> FaceCrop:
    return FaceCrop(found.track_id, crop, found.face.box, found.face.confidence, _pose(found.face))


def _pose(face: Face) -> HeadPose | None:
    return None if face.landmarks is None else pose_from_landmarks(face.landmarks, face.box)
