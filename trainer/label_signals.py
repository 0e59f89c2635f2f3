"""Asks the teachers what a face shows: MediaPipe's FaceLandmarker for head, eyes and mouth, YuNet for the framing.

Neither is truth: the figures that follow are agreement with them. MediaPipe is asked for by name where it is used; it
wants packages that the product must not have, so ``make labels`` runs this in an environment of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.types import Box, Image
from engage.vision.crops import shift_between
from trainer.errors import TrainerError

BLENDSHAPES = 52
ENLARGED_PX, BORDER_PX = 160, 48
"""A 48-pixel picture is enlarged and given a border of its own edge; both detectors then find a face in 19 of 20."""
CHUNK = 256


@dataclass(frozen=True, slots=True)
class RawLabels:
    """What the teachers answered for ``N`` pictures; rows without an answer hold zeros.

    ``found`` is ``(N,)`` bool, ``rotation`` ``(N, 3, 3)`` float32 from head to camera axes (x to the image's right, y
    up, z to the camera), ``blendshapes`` ``(N, 52)`` float32 0-1 in MediaPipe's order, ``framed`` ``(N,)`` bool and
    ``shift`` ``(N, 3)`` float32 as ``engage.vision.crops.shift_between`` gives it.
    """

    found: NDArray[np.bool_]
    rotation: NDArray[np.float32]
    blendshapes: NDArray[np.float32]
    framed: NDArray[np.bool_]
    shift: NDArray[np.float32]

    @classmethod
    def empty(cls, count: int) -> RawLabels:
        """Return labels of ``count`` pictures without an answer."""
        return cls(
            np.zeros(count, np.bool_),
            np.zeros((count, 3, 3), np.float32),
            np.zeros((count, BLENDSHAPES), np.float32),
            np.zeros(count, np.bool_),
            np.zeros((count, 3), np.float32),
        )

    def place(self, start: int, part: RawLabels) -> None:
        """Write ``part`` into the rows from ``start`` on."""
        for name in self.__slots__:
            getattr(self, name)[start : start + len(part.found)] = getattr(part, name)

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, as a .npz file holds them."""
        return {f"{prefix}.{name}": getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: Any, prefix: str) -> RawLabels:
        """Return the labels that ``to_arrays`` wrote; TrainerError where they are not there."""
        try:
            return cls(*(arrays[f"{prefix}.{name}"] for name in cls.__slots__))
        except KeyError as error:
            raise TrainerError(f"no labels of {prefix}: {error.args[0]}; run trainer label-signals again") from None


@dataclass(frozen=True, slots=True)
class Teachers:
    """The model files: MediaPipe's ``face_landmarker.task`` and YuNet's ONNX file."""

    landmarker: Path
    yunet: Path


def label(images: Image, teachers: Teachers, on_progress: Callable[[int], None] = lambda done: None) -> RawLabels:
    """Return what the teachers say of ``images`` ``(N, 48, 48)`` uint8, using every core.

    Raises:
        TrainerError: MediaPipe is not installed, or a model file is missing.
    """
    for file in (teachers.landmarker, teachers.yunet):
        if not file.is_file():
            raise TrainerError(f"no model file {file}; give its place")
    labels = RawLabels.empty(len(images))
    parts = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    with ProcessPoolExecutor(os.cpu_count(), initializer=_hire, initargs=(teachers,)) as pool:
        for index, part in enumerate(pool.map(_ask, parts)):
            labels.place(index * CHUNK, part)
            on_progress(min((index + 1) * CHUNK, len(images)))
    return labels


_asked: Callable[[Image], RawLabels]


def _hire(teachers: Teachers) -> None:
    global _asked  # one set of models per process of the pool
    _asked = _asker(teachers)


def _ask(images: Image) -> RawLabels:
    return _asked(images)


def _asker(teachers: Teachers) -> Callable[[Image], RawLabels]:
    landmarker, mediapipe = _landmarker(teachers.landmarker)
    side = ENLARGED_PX + 2 * BORDER_PX
    detector = cv2.FaceDetectorYN.create(str(teachers.yunet), "", (side, side), 0.5)

    def asked(images: Image) -> RawLabels:
        labels = RawLabels.empty(len(images))
        for row, picture in enumerate(_enlarged(images)):
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
            answer = landmarker.detect(image)
            if answer.face_landmarks:
                labels.found[row] = True
                rotation = np.asarray(answer.facial_transformation_matrixes[0], np.float64)[:3, :3]
                labels.rotation[row] = rotation / np.linalg.norm(rotation, axis=0)
                labels.blendshapes[row] = [shape.score for shape in answer.face_blendshapes[0]]
            box = _likeliest(detector.detect(picture)[1])
            if box is not None:
                labels.framed[row] = True
                labels.shift[row] = shift_between(Box(BORDER_PX, BORDER_PX, ENLARGED_PX, ENLARGED_PX), box)
        return labels

    return asked


def _landmarker(file: Path) -> tuple[Any, Any]:
    try:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise TrainerError(f"label-signals needs MediaPipe ({error}); run it by 'make labels'") from error
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(file)),
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    return vision.FaceLandmarker.create_from_options(options), mediapipe


def _enlarged(images: Image) -> Iterator[Image]:
    for image in images:
        large = cv2.resize(image, (ENLARGED_PX, ENLARGED_PX), interpolation=cv2.INTER_CUBIC)
        edged = cv2.copyMakeBorder(large, BORDER_PX, BORDER_PX, BORDER_PX, BORDER_PX, cv2.BORDER_REPLICATE)
        yield np.asarray(cv2.cvtColor(edged, cv2.COLOR_GRAY2RGB), np.uint8)


def _likeliest(faces: NDArray[Any] | None) -> Box | None:
    if faces is None or len(faces) == 0:
        return None
    x, y, w, h = faces[faces[:, 14].argmax(), :4].tolist()
    return Box(x, y, w, h) if w > 0 and h > 0 else None
