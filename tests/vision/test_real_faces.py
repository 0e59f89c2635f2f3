"""Detectors and tracks on the shared pictures and clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from engage.core.types import Image
from engage.vision.detectors.options import DetectorOptions
from engage.vision.detectors.yunet import YuNet
from engage.vision.tracking import Tracker


@pytest.fixture
def yunet(shared_dir: Path) -> YuNet:
    return YuNet(shared_dir / "models" / "yunet_n_640_640.onnx")


def frames(clip: Path) -> Iterator[Image]:
    capture = cv2.VideoCapture(str(clip))
    try:
        while True:
            there, picture = capture.read()
            if not there:
                return
            yield np.asarray(picture, np.uint8)
    finally:
        capture.release()


def test_five_faces_are_five(yunet: YuNet, shared_dir: Path) -> None:
    picture = np.asarray(cv2.imread(str(shared_dir / "media" / "five-faces.jpg")), np.uint8)
    assert len(yunet.detect(picture)) == 5


def test_a_classroom_of_four_has_four_faces_in_every_frame_and_four_tracks(yunet: YuNet, shared_dir: Path) -> None:
    tracker = Tracker()
    ids: set[int] = set()
    for number, picture in enumerate(frames(shared_dir / "media" / "classroom.gif")):
        tracked = tracker.update(yunet.detect(picture), number / 5)
        assert len(tracked) == 4
        ids.update(face.track_id for face in tracked)
    assert ids == {1, 2, 3, 4}


def test_two_heads_that_turn_keep_their_ids(yunet: YuNet, shared_dir: Path) -> None:
    tracker = Tracker()
    ids: set[int] = set()
    clip = shared_dir / "media" / "head-pose-face-detection-female-and-male.gif"
    for number, picture in enumerate(frames(clip)):
        ids.update(face.track_id for face in tracker.update(yunet.detect(picture), number / 5))
    assert ids == {1, 2}


def test_an_empty_room_has_no_face(yunet: YuNet, shared_dir: Path) -> None:
    for picture in list(frames(shared_dir / "media" / "no-face.mp4"))[::20]:
        assert yunet.detect(picture) == []


def test_a_second_look_sharpens_the_landmarks_of_small_faces(shared_dir: Path) -> None:
    model = shared_dir / "models" / "yunet_n_640_640.onnx"
    once, twice = YuNet(model, DetectorOptions(second_looks=0)), YuNet(model)
    picture = np.asarray(cv2.imread(str(shared_dir / "media" / "one-face.jpg")), np.uint8)
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 15, 1)
    tilted = np.asarray(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)

    def tilt_deg(detector: YuNet) -> float:
        before, after = detector.detect(picture)[0].landmarks, detector.detect(tilted)[0].landmarks
        assert before is not None and after is not None
        angles = [np.degrees(np.arctan2(-(p[1] - p[0])[1], (p[1] - p[0])[0])) for p in (before, after)]
        return float(angles[1] - angles[0])

    assert abs(tilt_deg(twice) - 15) < abs(tilt_deg(once) - 15)
