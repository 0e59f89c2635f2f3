"""Which faces leave a capture worker, and how much of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from engage.capture.looking import FaceFinder
from engage.core.types import Box, Face, Frame, Image, Mode

LARGE, SMALL = Box(20, 20, 60, 80), Box(200, 40, 30, 40)
LANDMARKS = np.array([[35, 50], [65, 50], [50, 65], [38, 80], [62, 80]], np.float32)
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class Detector:
    """Finds the given boxes, one list per frame."""

    name = "given"

    def __init__(self, frames: Sequence[Sequence[Box]], landmarks: np.ndarray | None = None) -> None:
        self.frames = iter(frames)
        self.landmarks = landmarks

    def detect(self, image: Image) -> list[Face]:
        return [Face(box, 0.9, self.landmarks) for box in next(self.frames)]


def frame(seq: int, gray: int = 128) -> Frame:
    return Frame(np.full((240, 320, 3), gray, np.uint8), seq, MOMENT, seq * 0.2, seq * 0.2)


def test_only_the_students_face_leaves_the_worker() -> None:
    finder = FaceFinder(Detector([[SMALL, LARGE]] * 5))
    for seq in range(5):
        (face,) = finder.look(frame(seq)).faces
        assert face.box == LARGE and face.pixels.shape == (48, 48) and face.confidence == 0.9


def test_somebody_else_in_the_picture_is_not_taken_for_the_student() -> None:
    finder = FaceFinder(Detector([[SMALL, LARGE]] * 5 + [[SMALL]] * 5), memory_s=2.0)
    seen = [finder.look(frame(seq)).faces for seq in range(10)]
    assert all(len(faces) == 1 for faces in seen[:5])
    assert all(faces == () for faces in seen[5:])


def test_all_faces_of_a_recording_are_read() -> None:
    finder = FaceFinder(Detector([[SMALL, LARGE]]), "all")
    assert {face.box for face in finder.look(frame(0)).faces} == {SMALL, LARGE}


def test_ids_stay_and_are_not_used_again() -> None:
    finder = FaceFinder(Detector([[LARGE], [LARGE], [LARGE]]))
    first, second = (finder.look(frame(seq)).faces[0].track_id for seq in range(2))
    finder.reset()
    assert first == second != finder.look(frame(0)).faces[0].track_id


def test_presence_lets_no_pixels_and_no_pose_out() -> None:
    finder = FaceFinder(Detector([[LARGE]], LANDMARKS))
    (face,) = finder.look(frame(0), Mode.PRESENCE).faces
    assert face.pixels.size == 0 and face.pose is None and face.box == LARGE


@pytest.mark.parametrize("mode", [Mode.FULL, Mode.ATTENTION])
def test_the_pose_comes_with_landmarks(mode: Mode) -> None:
    (face,) = FaceFinder(Detector([[LARGE]], LANDMARKS)).look(frame(0), mode).faces
    assert face.pose is not None and abs(face.pose.yaw_deg) < 5
    (face,) = FaceFinder(Detector([[LARGE]])).look(frame(0), mode).faces
    assert face.pose is None


def test_brightness_is_that_of_the_students_face_else_of_the_frame() -> None:
    picture = frame(0, 40)
    picture.image[20:100, 20:80] = 200
    finder = FaceFinder(Detector([[LARGE], []]))
    assert finder.look(picture).brightness == pytest.approx(200 / 255, abs=0.01)
    assert finder.look(frame(1, 40)).brightness == pytest.approx(40 / 255, abs=0.01)
