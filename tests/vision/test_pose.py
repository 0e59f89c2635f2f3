"""Head pose from landmarks: signs, symmetry, and how near it comes to the truth of virtual students."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engage.capture.virtual.drawing import render
from engage.capture.virtual.person import Person
from engage.capture.virtual.state import FaceState
from engage.core.types import Box
from engage.vision.detectors.yunet import YuNet
from engage.vision.pose import pose_from_landmarks

LEVEL = np.array([[-31, -32], [31, -32], [0, 5], [-25, 32], [25, 32]], np.float32)
BOX = Box(-45, 5 - 0.59 * 120, 90, 120)


def moved(index: int, dx: float, dy: float) -> NDArray[np.float32]:
    points = LEVEL.copy()
    points[index] += (dx, dy)
    return points


def test_a_level_face_is_at_the_camera() -> None:
    pose = pose_from_landmarks(LEVEL, BOX)
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx((0, 0, 0), abs=1e-4)


def test_the_nose_leads_the_head() -> None:
    assert pose_from_landmarks(moved(2, 12, 0), BOX).yaw_deg == pytest.approx(17.5, abs=1)
    assert pose_from_landmarks(moved(2, 0, -12), BOX).pitch_deg == pytest.approx(20, abs=1)


def test_a_head_tilted_to_its_own_right_rolls_clockwise() -> None:
    # The subject's right is the picture's left: the right eye sinks, the left eye rises.
    angle = np.deg2rad(20)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    tilted = (LEVEL @ turn.T).astype(np.float32)
    assert tilted[0, 1] > tilted[1, 1]
    assert pose_from_landmarks(tilted, BOX).roll_deg == pytest.approx(22, abs=0.1)


def test_a_mirrored_face_has_mirrored_yaw_and_roll_and_the_same_pitch() -> None:
    points = (LEVEL + np.random.default_rng(3).normal(0, 4, (5, 2))).astype(np.float32)
    mirrored = (points[[1, 0, 2, 4, 3]] * (-1, 1)).astype(np.float32)
    one, other = pose_from_landmarks(points, BOX), pose_from_landmarks(mirrored, BOX)
    assert other.yaw_deg == pytest.approx(-one.yaw_deg, abs=1e-3)
    assert other.roll_deg == pytest.approx(-one.roll_deg, abs=1e-3)
    assert other.pitch_deg == pytest.approx(one.pitch_deg, abs=1e-3)


def test_place_and_size_in_the_picture_do_not_matter() -> None:
    points = moved(2, 9, -7)
    near = pose_from_landmarks(points, BOX)
    far = pose_from_landmarks(
        (points / 8 + 300).astype(np.float32), Box(BOX.x / 8 + 300, BOX.y / 8 + 300, BOX.w / 8, BOX.h / 8)
    )
    assert (far.yaw_deg, far.pitch_deg, far.roll_deg) == pytest.approx(
        (near.yaw_deg, near.pitch_deg, near.roll_deg), abs=0.01
    )


@pytest.mark.parametrize(
    "landmarks", [np.zeros((5, 2), np.float32), np.full((5, 2), np.nan, np.float32), np.zeros((4, 2), np.float32)]
)
def test_what_is_no_face_is_refused(landmarks: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="landmarks"):
        pose_from_landmarks(landmarks, BOX)


def test_the_pose_of_virtual_students_is_near_the_truth(shared_dir: Path) -> None:
    detector = YuNet(shared_dir / "models" / "yunet_n_640_640.onnx")
    rng = np.random.default_rng(5)
    truth, read = [], []
    for seed in range(24):
        yaw, pitch, roll = rng.uniform(-35, 35), rng.uniform(-25, 20), rng.uniform(-15, 15)
        state = FaceState(yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)
        faces = detector.detect(render(Person.from_seed(seed), state, (480, 360)))
        if faces and faces[0].landmarks is not None:
            pose = pose_from_landmarks(faces[0].landmarks, faces[0].box)
            truth.append((yaw, pitch, roll))
            read.append((pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
    assert len(truth) >= 22
    error = np.abs(np.array(read) - np.array(truth)).mean(axis=0)
    assert error[0] < 6 and error[1] < 9 and error[2] < 8, error
    correlation = [np.corrcoef(np.array(read)[:, axis], np.array(truth)[:, axis])[0, 1] for axis in range(3)]
    assert correlation[0] > 0.9 and min(correlation) > 0.6, correlation
