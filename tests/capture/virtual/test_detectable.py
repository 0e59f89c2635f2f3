"""Detectors take drawn students for faces, exactly one each, and their landmarks follow the head."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engage.capture.virtual.drawing import render
from engage.capture.virtual.person import Person
from engage.capture.virtual.state import FaceState, emotion
from engage.vision.detectors.haar import Haar

SEEDS = range(100, 116)
MOODS = ("neutral", "happiness", "sadness")


@pytest.fixture
def yunet(shared_dir: Path) -> cv2.FaceDetectorYN:
    model = shared_dir / "models" / "yunet_n_640_640.onnx"
    if not model.is_file():
        pytest.skip(f"no YuNet at {model}")
    return cv2.FaceDetectorYN.create(str(model), "", (320, 240), 0.6)


def landmarks(detector: cv2.FaceDetectorYN, seed: int, state: FaceState) -> np.ndarray:
    found = detector.detect(render(Person.from_seed(seed), state, noise=seed))[1]
    assert found is not None and len(found) == 1, f"seed {seed}: {0 if found is None else len(found)} faces"
    return found[0, 4:14].reshape(5, 2)


def test_haar_finds_frontal_faces() -> None:
    haar = Haar()
    pictures = [
        render(Person.from_seed(seed), FaceState(expression=emotion(mood)), noise=seed)
        for seed in SEEDS
        for mood in MOODS
    ]
    found = sum(bool(haar.detect(picture)) for picture in pictures)
    assert found >= 0.85 * len(pictures)


def test_haar_finds_nobody_in_an_empty_room() -> None:
    haar = Haar()
    rooms = [render(Person.from_seed(seed), FaceState(present=False), noise=seed) for seed in SEEDS]
    assert sum(bool(haar.detect(room)) for room in rooms) <= 1


def test_yunet_finds_exactly_one_face_in_every_expression(yunet: cv2.FaceDetectorYN) -> None:
    for seed in SEEDS:
        for mood in ("neutral", "happiness", "surprise", "anger", "fear"):
            landmarks(yunet, seed, FaceState(expression=emotion(mood)))


def test_yunet_finds_turned_lowered_and_dimmed_faces(yunet: cv2.FaceDetectorYN) -> None:
    for seed in SEEDS:
        for state in (FaceState(yaw_deg=30), FaceState(yaw_deg=-30), FaceState(pitch_deg=-25), FaceState(light=0.13)):
            landmarks(yunet, seed, state)


def test_yunet_finds_nobody_in_an_empty_room(yunet: cv2.FaceDetectorYN) -> None:
    for seed in SEEDS:
        assert yunet.detect(render(Person.from_seed(seed), FaceState(present=False), noise=seed))[1] is None


def test_landmarks_follow_yaw_and_pitch(yunet: cv2.FaceDetectorYN) -> None:
    def nose(state: FaceState) -> tuple[float, float]:
        points = [landmarks(yunet, seed, state) for seed in SEEDS]
        across = [(p[2, 0] - (p[0, 0] + p[1, 0]) / 2) / np.linalg.norm(p[1] - p[0]) for p in points]
        down = [(p[2, 1] - p[:2, 1].mean()) / (p[3:, 1].mean() - p[:2, 1].mean()) for p in points]
        return float(np.mean(across)), float(np.mean(down))

    turned = [nose(FaceState(yaw_deg=yaw))[0] for yaw in (-30, -15, 0, 15, 30)]
    lowered = [nose(FaceState(pitch_deg=pitch))[1] for pitch in (20, 0, -20)]
    assert turned == sorted(turned) and turned[0] < -0.2 and turned[-1] > 0.2
    assert lowered == sorted(lowered) and lowered[-1] - lowered[0] > 0.1
