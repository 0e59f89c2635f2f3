"""From a frame to the face crops that may leave a capture worker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from engage.capture.decoding import WHOLE, Need
from engage.core.protocols import FaceDetector, HandReader
from engage.core.types import Box, Face, FaceCrop, Frame, HeadPose, Hint, Image, Mode
from engage.vision.crops import Shift, brightness, crop_faces, crop_square
from engage.vision.following import Follower, FollowRules, Look, Sighting
from engage.vision.pose import pose_from_landmarks
from engage.vision.regions import detect_in, is_worth_while, region_about
from engage.vision.tracking import Tracker

Faces = Literal["primary", "all"]

SUFFICIENT_PX = 72
"""Side of a face's square in a picture decoded smaller, at least: its 48 x 48 crop is sampled from more than itself."""
NO_PIXELS: Image = np.empty((0, 0), np.uint8)
"""The crop of a face that may only be counted."""


@dataclass(frozen=True, slots=True)
class Detectors:
    """What finds faces: in the whole frame, and, where there is one, in a region (see ``vision.regions``)."""

    whole: FaceDetector
    near: FaceDetector | None = None
    longest_px: int = 320
    """Longer side to which the first scales its frames, to know when a region is cheaper."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What one frame shows: its crops, and the brightness 0-1 of the student's face, else of the frame."""

    faces: tuple[FaceCrop, ...]
    brightness: float


@dataclass(slots=True)
class LookCounts:
    """How often frames were looked at, and how often a detector ran for that."""

    looks: int = 0
    whole: int = 0
    near: int = 0
    detected_looks: int = 0
    """Looks with any detection."""


class FaceFinder:
    """Detects, follows and crops the faces of one source. Used by one thread, frames in order.

    ``faces="primary"`` gives one student's face only, the tracker's primary one: whoever else is in the picture has
    not consented, so no crop of them is made. ``"all"`` gives every face, for recordings. Without ``following`` every
    look detects.
    """

    def __init__(
        self,
        detectors: Detectors | FaceDetector,
        faces: Faces = "primary",
        memory_s: float = 2.0,
        following: FollowRules | None = None,
        *,
        hands: HandReader | None = None,
    ) -> None:
        self.counts = LookCounts()
        self._detectors = detectors if isinstance(detectors, Detectors) else Detectors(detectors)
        self._faces = faces
        self._hands = hands
        rules = replace(following or FollowRules(enabled=False), only_primary=faces == "primary")
        self._follower = Follower(Tracker(memory_s), rules)

    def learn(self, hint: Hint) -> None:
        """Take in where the network saw the face of an earlier crop."""
        self._follower.learn(hint)

    def need(self, position_s: float) -> Need:
        """Return how much of a frame at ``position_s`` will be looked at: all of it where the detector is due."""
        if self._hands is not None or self._follower.due(position_s) is not Look.FOLLOW:
            return WHOLE
        side = min((crop_square(box).w for box in self._follower.places(position_s).values()), default=np.inf)
        return next((Need(by, gray=True) for by in (8, 4, 2) if side >= by * SUFFICIENT_PX), Need(1, gray=True))

    def look(self, frame: Frame, mode: Mode = Mode.FULL) -> Looked:
        """Return the crops that may leave the worker under ``mode``.

        Under ``presence`` they hold the box and no pixels (``(0, 0)``) and no pose.
        """
        sightings = self._sight(frame)
        self.counts.looks += 1
        boxes = [sighting.found.face.box for sighting in sightings]
        seen = [_in_picture(box, frame.scale) for box in boxes]
        light = brightness(frame.image, seen[0] if self._faces == "primary" and seen else None)
        if mode is Mode.PRESENCE:
            return Looked(tuple(_counted(sighting) for sighting in sightings), light)
        self._follower.cut(frame.seq, frame.position_s, frame.monotonic_s, sightings)
        crops = crop_faces(frame.image, seen)
        faces = [_cropped(seen, crop) for seen, crop in zip(sightings, crops, strict=True)]
        if self._hands is not None and self._faces == "primary":  # whose hands they are is known of one student alone
            faces = [replace(face, hands=self._hands.read(frame.image, face.box)) for face in faces]
        return Looked(tuple(faces), light)

    def again(self, frame: Frame, crop: FaceCrop, shift: Shift) -> FaceCrop | None:
        """Return the face of a followed crop cut again, where the network sees it ``shift`` away; None where near.

        Answers are then about the new crop.
        """
        box = self._follower.recut(frame.seq, crop.track_id, shift)
        if box is None:
            return None
        return replace(crop, box=box, pixels=crop_faces(frame.image, [_in_picture(box, frame.scale)])[0])

    def places(self, at_s: float) -> dict[int, Box]:
        """Return where each followed face is at ``at_s``, by the newest word on it."""
        return self._follower.places(at_s)

    def reset(self) -> None:
        """Forget all tracks: what comes next is another picture."""
        self._follower.reset()

    def _sight(self, frame: Frame) -> list[Sighting]:
        at_s, look = frame.position_s, self._follower.due(frame.position_s)
        if look is Look.FOLLOW or frame.scale < 1:  # the detector gets the next frame whole
            return self._follower.followed(at_s)
        self.counts.detected_looks += 1
        near = self._near(frame) if look is Look.NEAR else None
        if near is not None:
            return near
        self.counts.whole += 1
        return self._follower.detected(self._detectors.whole.detect(frame.image), at_s)

    def _near(self, frame: Frame) -> list[Sighting] | None:
        """Return the faces in the followed face's region; None where it is not found, or the whole is as cheap."""
        place = self._follower.place(frame.position_s)
        if place is None or self._detectors.near is None:
            return None
        region = region_about(place)
        if not is_worth_while(region, frame.image, self._detectors.longest_px):
            return None
        self.counts.near += 1
        faces = detect_in(self._detectors.near, frame.image, region)
        return self._follower.detected_near(faces, frame.position_s)


def _in_picture(box: Box, scale: float) -> Box:
    return box if scale == 1 else Box(box.x * scale, box.y * scale, box.w * scale, box.h * scale)


def _counted(sighting: Sighting) -> FaceCrop:
    found = sighting.found
    return FaceCrop(found.track_id, NO_PIXELS, found.face.box, found.face.confidence)


def _cropped(sighting: Sighting, crop: Image) -> FaceCrop:
    found = sighting.found
    return FaceCrop(
        found.track_id, crop, found.face.box, found.face.confidence, _pose(found.face), detected=sighting.detected
    )


def _pose(face: Face) -> HeadPose | None:
    return None if face.landmarks is None else pose_from_landmarks(face.landmarks, face.box)
