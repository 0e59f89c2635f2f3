"""Drawn faces with exact truth: what the virtual class gives to the training of the signals head.

Each face comes with its surroundings, twice as wide as its crop, so that crops can be moved, and cut beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.capture.virtual.drawing import render
from engage.capture.virtual.geometry import rotation
from engage.capture.virtual.person import Person
from engage.capture.virtual.rig import actions, brow_height, eye_opening, mouth_opening, smile
from engage.capture.virtual.state import FaceState
from engage.core.types import CROP_SIZE_PX, EMOTIONS, Box, Image
from engage.vision.crops import crop_square, cut_squares

FIRST_SEED = 1_000_000
"""People of the training; tests and demos count from 0."""
SIZES = ((320, 240), (426, 240), (480, 360))
CONTEXT = 2
"""Side of the patch, in sides of the crop in its middle."""
FACES_PER_PERSON = 32
"""The room and the skull of a person are worked out once."""


@dataclass(frozen=True, slots=True)
class VirtualFaces:
    """``patches`` is ``(N, 96, 96)`` uint8 with the crop in the middle, ``rotation`` ``(N, 3, 3)`` from head to camera
    axes (x to the image's right, y down, z to the camera), ``values`` ``(N, 7)``: gaze_x and gaze_y in degrees, both
    lids (left first), mouth, smile, brow.
    """

    patches: NDArray[np.uint8]
    rotation: NDArray[np.float32]
    values: NDArray[np.float32]

    @property
    def crops(self) -> Image:
        """Return the ``(N, 48, 48)`` crops in the middle."""
        edge = (CONTEXT - 1) * CROP_SIZE_PX // 2
        return self.patches[:, edge : edge + CROP_SIZE_PX, edge : edge + CROP_SIZE_PX]


def draw_faces(
    count: int, yunet: Path, *, first_seed: int = FIRST_SEED, on_progress: Callable[[int], None] = lambda done: None
) -> VirtualFaces:
    """Return up to ``count`` faces, 32 of each person, cropped as YuNet frames them; those it misses are left out."""
    people = range(first_seed, first_seed + -(-count // FACES_PER_PERSON))
    parts: list[VirtualFaces] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(_draw, people, [yunet] * len(people)):
            parts.append(part)
            on_progress(len(parts) * FACES_PER_PERSON)
    return VirtualFaces(*(np.concatenate([getattr(part, name) for part in parts]) for name in VirtualFaces.__slots__))


def random_state(rng: np.random.Generator) -> FaceState:
    """Return a face that could be met in a class: every signal over its range, one lid closed or both now and then."""
    mixed = rng.dirichlet(np.full(len(EMOTIONS), 0.35)) if rng.random() < 0.7 else np.eye(len(EMOTIONS))[0]
    lids = rng.random() < 0.25
    left = rng.uniform(0, 0.15) if lids else rng.uniform(0.35, 1.0) if rng.random() < 0.4 else 1.0
    right = float(np.clip(left + rng.normal(0, 0.05), 0, 1)) if rng.random() < 0.9 else rng.uniform(0, 1)
    return FaceState(
        expression=tuple(mixed.tolist()),
        yaw_deg=float(np.clip(rng.normal(0, 20), -55, 55)),
        pitch_deg=float(np.clip(rng.normal(-4, 13), -38, 30)),
        roll_deg=float(np.clip(rng.normal(0, 9), -30, 30)),
        gaze_x=float(np.clip(rng.normal(0, 13), -32, 32)),
        gaze_y=float(np.clip(rng.normal(-2, 9), -25, 20)),
        left_eye_open=float(left),
        right_eye_open=float(right),
        mouth_open=float(rng.uniform(0, 1)) if rng.random() < 0.35 else 0.0,
        brow=float(np.clip(rng.normal(0, 0.3), -1, 1)),
        x=float(rng.uniform(-0.15, 0.15)),
        y=float(rng.uniform(-0.05, 0.08)),
        scale=float(np.exp(rng.uniform(np.log(0.55), np.log(1.4)))),
        light=float(rng.uniform(0.25, 1.1)),
    )


def _draw(seed: int, yunet: Path) -> VirtualFaces:
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, 0x51])
    person, size = Person.from_seed(seed), SIZES[int(rng.integers(len(SIZES)))]
    detector = cv2.FaceDetectorYN.create(str(yunet), "", size, 0.6)
    patches, turns, values = [], [], []
    for number in range(FACES_PER_PERSON):
        state = random_state(rng)
        image = render(person, state, size, number)
        faces = detector.detect(image)[1]
        if faces is None:
            continue
        x, y, w, h = faces[faces[:, 14].argmax(), :4].tolist()
        patches.append(_surroundings(image, crop_square(Box(x, y, w, h))))
        turns.append(rotation(state.yaw_deg, state.pitch_deg, state.roll_deg))
        values.append(_values(state))
    return VirtualFaces(
        np.array(patches, np.uint8).reshape(-1, CONTEXT * CROP_SIZE_PX, CONTEXT * CROP_SIZE_PX),
        np.array(turns, np.float32).reshape(-1, 3, 3),
        np.array(values, np.float32).reshape(-1, 7),
    )


def _surroundings(image: Image, square: Box) -> Image:
    """Return the square and as much around it, cut as four squares, since crops are cut in one place only."""
    half = square.w / 2
    corners = [(square.x + dx, square.y + dy) for dy in (-half, half) for dx in (-half, half)]
    a, b, c, d = cut_squares(image, [Box(x, y, square.w, square.h) for x, y in corners])
    return np.vstack([np.hstack([a, b]), np.hstack([c, d])])


def _values(state: FaceState) -> tuple[float, ...]:
    act = actions(state)
    left, right = (min(1.0, max(0.0, eye_opening(act, lid))) for lid in (state.left_eye_open, state.right_eye_open))
    return (state.gaze_x, state.gaze_y, left, right, mouth_opening(act), smile(act), brow_height(act))
