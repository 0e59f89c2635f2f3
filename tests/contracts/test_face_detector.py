"""The contract of FaceDetector, over every implementation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from engage.capture.virtual.drawing import render
from engage.capture.virtual.person import Person
from engage.capture.virtual.state import FaceState
from engage.core.protocols import FaceDetector
from engage.core.types import Box, Face, Image
from engage.vision.boxes import overlap
from engage.vision.detectors.haar import Haar
from engage.vision.detectors.options import DetectorOptions
from engage.vision.detectors.yunet import YuNet

Make = Callable[[DetectorOptions], FaceDetector]


@pytest.fixture(params=["haar", "yunet"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "haar":
        return Haar
    model = request.getfixturevalue("shared_dir") / "models" / "yunet_n_640_640.onnx"
    return lambda options: YuNet(model, options)


@pytest.fixture
def detector(make: Make) -> FaceDetector:
    return make(DetectorOptions())


def portrait(size: tuple[int, int] = (320, 240), x: float = 0.0, seed: int = 5) -> Image:
    """Return one student before a webcam; ``x`` moves the head, in heights of the picture."""
    return render(Person.from_seed(seed), FaceState(x=x), size)


def centre(face: Face) -> tuple[float, float]:
    return face.box.x + face.box.w / 2, face.box.y + face.box.h / 2


def test_it_is_a_face_detector_with_a_name(detector: FaceDetector) -> None:
    assert isinstance(detector, FaceDetector)
    assert detector.name in ("haar", "yunet")


@pytest.mark.parametrize("size", [(160, 120), (320, 240), (640, 480), (1280, 960), (4000, 3000)])
def test_a_face_is_found_in_pixels_of_a_picture_of_any_size(detector: FaceDetector, size: tuple[int, int]) -> None:
    picture = np.asarray(cv2.resize(portrait(), size, interpolation=cv2.INTER_LINEAR), np.uint8)
    (face,) = detector.detect(picture)
    x, y = centre(face)
    assert abs(x / size[0] - 0.5) < 0.05
    assert 0.3 < y / size[1] < 0.65
    assert 0.3 < face.box.h / size[1] < 0.65
    assert 0.65 < face.box.w / face.box.h < 0.95
    assert 0.6 <= face.confidence <= 1


def test_faces_come_most_confident_first_and_where_they_are(detector: FaceDetector) -> None:
    two = np.hstack([portrait(seed=5), portrait(seed=9)])
    faces = detector.detect(two)
    assert sorted(round(centre(face)[0] / 320 - 0.5) for face in faces) == [0, 1]
    assert [face.confidence for face in faces] == sorted((face.confidence for face in faces), reverse=True)


def test_landmarks_lie_in_the_face_or_are_none(detector: FaceDetector) -> None:
    (face,) = detector.detect(portrait((640, 480)))
    if detector.name == "haar":
        assert face.landmarks is None
        return
    assert face.landmarks is not None
    assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float32
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    inside = (face.landmarks > (face.box.x, face.box.y)) & (
        face.landmarks < (face.box.x + face.box.w, face.box.y + face.box.h)
    )
    assert inside.all()


def test_gray_is_as_good_as_colour(detector: FaceDetector) -> None:
    colour = portrait()
    gray = np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), np.uint8)
    (one,), (other,) = detector.detect(colour), detector.detect(gray)
    assert overlap(one.box, other.box) > 0.8


def test_the_picture_is_left_as_it_was_and_need_not_be_contiguous(detector: FaceDetector) -> None:
    wide = np.repeat(portrait(), 2, axis=1)
    view = wide[:, ::2]
    assert not view.flags.c_contiguous
    before = wide.copy()
    faces = detector.detect(view)
    again = detector.detect(np.ascontiguousarray(view))
    assert [face.box for face in faces] == [face.box for face in again]
    assert np.array_equal(wide, before)


def test_a_read_only_picture_can_be_read(detector: FaceDetector) -> None:
    picture = portrait()
    picture.flags.writeable = False
    assert len(detector.detect(picture)) == 1


def test_sizes_may_change_from_frame_to_frame(detector: FaceDetector) -> None:
    for size in ((320, 240), (240, 320), (640, 360), (320, 240)):
        assert len(detector.detect(portrait(size))) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (10, 10, 3), (2, 300), (32, 300), (300, 2, 3), (31, 33)])
def test_small_pictures_hold_no_face(detector: FaceDetector, shape: tuple[int, ...]) -> None:
    picture, rng = np.full(shape, 128, np.uint8), np.random.default_rng(1)
    for rows in range(48, 448, 16):  # what an earlier picture left in memory is no face of this one
        detector.detect(rng.integers(0, 256, (rows, 300, 3), np.uint8))
        assert detector.detect(picture) == []


@pytest.mark.parametrize("value", [0, 127, 255])
def test_an_even_picture_holds_no_face(detector: FaceDetector, value: int) -> None:
    assert detector.detect(np.full((480, 640, 3), value, np.uint8)) == []


def test_noise_holds_no_face(detector: FaceDetector) -> None:
    rng = np.random.default_rng(11)
    for shape in ((240, 320), (480, 640, 3)):
        assert detector.detect(rng.integers(0, 256, shape, np.uint8)) == []


def test_faces_below_the_thresholds_are_left_out(make: Make) -> None:
    picture = portrait()
    height = make(DetectorOptions()).detect(picture)[0].box.h
    assert make(DetectorOptions(min_face_px=height * 1.2)).detect(picture) == []
    assert make(DetectorOptions(min_confidence=0.9999)).detect(picture) == []


def test_a_face_at_the_edge_does_no_harm(detector: FaceDetector) -> None:
    for x in (-0.6, -0.5, 0.5, 0.6):
        for face in detector.detect(portrait(x=x)):
            assert isinstance(face.box, Box)
            assert face.box.w > 0 and face.box.h > 0


@pytest.mark.parametrize(
    "picture",
    [
        np.empty((0, 0), np.uint8),
        np.empty((0, 40, 3), np.uint8),
        np.empty((40, 0, 3), np.uint8),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((40, 40), np.float32),
        np.zeros((40,), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(detector: FaceDetector, picture: Image) -> None:
    with pytest.raises(ValueError, match="picture"):
        detector.detect(picture)


def test_both_detectors_frame_a_face_alike(shared_dir: Path) -> None:
    yunet, haar = YuNet(shared_dir / "models" / "yunet_n_640_640.onnx"), Haar()
    shares = []
    for seed in range(12):
        picture = portrait((480, 360), seed=seed)
        for face in haar.detect(picture)[:1]:
            shares.append(overlap(face.box, yunet.detect(picture)[0].box))
    assert len(shares) >= 9
    assert np.median(shares) > 0.75
