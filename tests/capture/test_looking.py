"""Which faces leave a capture worker, and how much of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from engage.capture.decoding import WHOLE, Need, decode
from engage.capture.looking import Detectors, FaceFinder
from engage.core.types import Box, Face, FaceCrop, Frame, Hint, Image, Mode, Origin
from engage.vision.crops import crop_square
from engage.vision.following import FollowRules
from engage.vision.regions import REGION_PX, region_about

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


class Near(Detector):
    """Finds a face in the middle of every region, as high as a region shows it, or nothing."""

    def __init__(self, finds: bool = True) -> None:
        super().__init__([])
        self.finds = finds

    def detect(self, image: Image) -> list[Face]:
        side = REGION_PX * LARGE.h / region_about(LARGE).side
        middle = (REGION_PX - side) / 2
        return [Face(Box(middle + side / 8, middle, side * 0.75, side), 0.8)] if self.finds else []


def answer(crop: FaceCrop, seq: int, shift: tuple[float, float, float] = (0.0, 0.0, 0.0), score: float = 0.95) -> Hint:
    return Hint(Origin(0, 0, 0), seq, seq * 0.2, crop.track_id, score, shift)


def following(whole: int, near: Near | None = None) -> FaceFinder:
    """Return a finder whose detector may look ``whole`` times at the whole frame."""
    rules = FollowRules(confirm_every_s=1.0, whole_every_s=100.0)
    return FaceFinder(Detectors(Detector([[LARGE]] * whole), near), following=rules)


def test_a_face_is_cut_where_the_network_saw_it_and_not_detected_again() -> None:
    finder = following(1)
    (first,) = finder.look(frame(0)).faces
    finder.learn(answer(first, 0))
    (second,) = finder.look(frame(1)).faces
    finder.learn(answer(second, 1, (0.1, 0.0, 0.0)))
    (third,) = finder.look(frame(2)).faces
    assert [crop.detected for crop in (first, second, third)] == [True, False, False]
    assert first.box == second.box and first.pose is None
    assert third.box.x - LARGE.x == pytest.approx(0.1 * crop_square(LARGE).w)
    assert finder.places(0.4) == {1: third.box}
    assert (finder.counts.looks, finder.counts.detected_looks, finder.counts.whole) == (3, 1, 1)


def test_a_confirmation_looks_near_the_face_first_and_at_the_whole_frame_where_it_is_not_found() -> None:
    for near, counts in ((Near(), (1, 1)), (Near(finds=False), (2, 1)), (None, (2, 0))):
        finder = following(2, near)
        for seq in range(6):
            (crop,) = finder.look(frame(seq)).faces
            finder.learn(answer(crop, seq))
        assert crop.detected
        assert (finder.counts.whole, finder.counts.near) == counts
        assert finder.counts.detected_looks == 2


def test_a_followed_crop_that_is_off_is_cut_again_and_answers_are_about_that_one() -> None:
    finder = following(1)
    (first,) = finder.look(frame(0)).faces
    assert finder.again(frame(0), first, (0.3, 0.0, 0.0)) is None, "a detected box needs no second cut"
    finder.learn(answer(first, 0))
    (second,) = finder.look(frame(1)).faces
    assert finder.again(frame(1), second, (0.05, 0.0, 0.0)) is None
    again = finder.again(frame(1), second, (0.3, 0.0, 0.0))
    assert again is not None and again.box.x - second.box.x == pytest.approx(0.3 * crop_square(LARGE).w)
    finder.learn(answer(again, 1))
    assert finder.places(0.4) == {1: again.box}


NEAR_CAMERA = Box(80, 20, 150, 200)
"""A face whose crop is 201 pixels wide: still sampled from twice its 48 where the frame is decoded at a half."""


def pictured(seq: int, need: Need) -> Frame:
    """Return a frame with one gradient across it, decoded as far as ``need`` says."""
    ramp = np.tile(np.linspace(0, 250, 320).astype(np.uint8), (240, 1))
    data = cv2.imencode(".jpg", cv2.merge([ramp] * 3), [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    image = decode(data, need)
    assert image is not None
    return Frame(image, seq, MOMENT, seq * 0.2, seq * 0.2, 1 / need.reduced)


def near_camera() -> FaceFinder:
    rules = FollowRules(confirm_every_s=1.0, whole_every_s=100.0)
    return FaceFinder(Detectors(Detector([[NEAR_CAMERA]] * 2)), following=rules)


def test_what_is_only_followed_needs_less_of_a_frame_and_shows_the_same() -> None:
    finder = near_camera()
    assert finder.need(0.0) == WHOLE
    (first,) = finder.look(pictured(0, WHOLE)).faces
    finder.learn(answer(first, 0))
    need = finder.need(0.2)
    assert need == Need(2, gray=True)
    small = pictured(1, need)
    looked = finder.look(small)
    (second,) = looked.faces
    assert small.image.shape == (120, 160) and not second.detected and second.box == first.box
    assert np.abs(second.pixels.astype(int) - first.pixels).max() <= 4
    assert looked.brightness == pytest.approx(finder.look(pictured(2, WHOLE)).brightness, abs=0.02)


def test_the_detector_gets_no_frame_that_was_decoded_small() -> None:
    finder = near_camera()
    (first,) = finder.look(pictured(0, WHOLE)).faces
    finder.learn(answer(first, 0))
    late = replace(pictured(1, finder.need(0.2)), position_s=1.5)
    assert [face.detected for face in finder.look(late).faces] in ([], [False])
    assert finder.need(1.6) == WHOLE
    assert finder.look(replace(pictured(2, WHOLE), position_s=1.7)).faces[0].detected


def test_a_small_face_needs_every_pixel_but_no_colour() -> None:
    finder = following(1)
    (first,) = finder.look(frame(0)).faces
    finder.learn(answer(first, 0))
    assert finder.need(0.2) == Need(1, gray=True)
