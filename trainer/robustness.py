"""How well a classifier reads faces that are dark, blurred, turned, covered or cut badly, or cut by our detectors.

Every condition changes the 48 x 48 pictures of a split and leaves their labels: what a webcam does to a face. The last
ones put the pictures before a detector of the product and read the crop it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.protocols import FaceDetector
from engage.core.types import CROP_SIZE_PX, Image
from engage.inference.classifier import Classifier
from engage.vision.crops import crop_faces
from trainer.data import Split
from trainer.errors import DataError
from trainer.evaluate import calibration_error, measure, predict

SEED = 7
ZOOM, FRAME_PX = 3, 240
"""How a picture is shown to a detector, see ``detector_crops``."""

Change = Callable[[Image], Image]


@dataclass(frozen=True, slots=True)
class Condition:
    """What was measured under one condition; shares are 0-1."""

    name: str
    n: int
    accuracy: float
    macro_recall: float
    ece: float
    answered: float
    """Share with a top probability of at least the card's ``unknown_below``."""
    accuracy_answered: float | None
    """Accuracy on those, or None where there is none."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DetectorCheck:
    """Crops of a detector against the tight pictures they were found in."""

    detector: str
    found: float
    """Share of the pictures in which the detector saw a face."""
    accuracy_tight: float
    """On the found ones, as published."""
    accuracy_detected: float
    agreement: float
    """Share of the found ones with the same answer."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_conditions(
    classifier: Classifier, split: Split, on_condition: Callable[[Condition], None] = lambda condition: None
) -> tuple[Condition, ...]:
    """Return the figures of ``classifier`` on ``split`` under every condition of CONDITIONS, unchanged pictures first.

    Raises DataError where no image of the split has a majority.
    """
    images, labels = split.majority()
    if len(images) == 0:
        raise DataError(f"no image of {split.name} has a majority for one of the eight emotions; nothing to measure")
    found = []
    for name, change in CONDITIONS.items():
        probabilities = predict(classifier, np.stack([change(image) for image in images]))
        condition = _figures(name, probabilities, labels, classifier.card.unknown_below)
        found.append(condition)
        on_condition(condition)
    return tuple(found)


def _figures(
    name: str, probabilities: NDArray[np.float32], labels: NDArray[np.int64], unknown_below: float
) -> Condition:
    figures = measure(probabilities, labels, ("", "", "", False))
    answered = probabilities.max(axis=1) >= unknown_below
    right = probabilities.argmax(axis=1) == labels
    return Condition(
        name=name,
        n=len(labels),
        accuracy=figures.accuracy,
        macro_recall=figures.macro_recall,
        ece=calibration_error(probabilities, labels),
        answered=float(answered.mean()),
        accuracy_answered=float(right[answered].mean()) if answered.any() else None,
    )


def check_detector(classifier: Classifier, split: Split, detector: FaceDetector) -> DetectorCheck:
    """Return how the answers for a detector's crops compare with those for the tight pictures of ``split``.

    Raises DataError where no image has a majority or the detector finds no face in any.
    """
    images, labels = split.majority()
    crops, seen = detector_crops(images, detector)
    if not seen.any():
        raise DataError(f"{detector.name} finds no face in the {len(images)} images of {split.name}")
    tight = predict(classifier, images[seen]).argmax(axis=1)
    cut = predict(classifier, crops[seen]).argmax(axis=1)
    return DetectorCheck(
        detector=detector.name,
        found=float(seen.mean()),
        accuracy_tight=float((tight == labels[seen]).mean()),
        accuracy_detected=float((cut == labels[seen]).mean()),
        agreement=float((tight == cut).mean()),
    )


def detector_crops(images: Image, detector: FaceDetector) -> tuple[Image, NDArray[np.bool_]]:
    """Return ``(N, 48, 48)`` crops of the most confident face in each picture, and where there was one.

    A picture is shown three times as large in the middle of a frame of 240 x 240 whose surroundings repeat the
    picture's edge, since a detector never sees a face without its surroundings.
    """
    crops, seen = images.copy(), np.zeros(len(images), np.bool_)
    edge = (FRAME_PX - ZOOM * CROP_SIZE_PX) // 2
    for index, image in enumerate(images):
        large = cv2.resize(image, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
        frame = np.asarray(cv2.copyMakeBorder(large, edge, edge, edge, edge, cv2.BORDER_REPLICATE), np.uint8)
        faces = detector.detect(frame)
        if faces:
            crops[index], seen[index] = crop_faces(frame, [faces[0].box])[0], True
    return crops, seen


def _scaled(gain: float, lift: float = 0.0) -> Change:
    return lambda image: np.clip(image * gain + lift, 0, 255).astype(np.uint8)


def _blurred(sigma_px: float) -> Change:
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


def _compressed(quality: int) -> Change:
    def compress(image: Image) -> Image:
        written = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(written, cv2.IMREAD_GRAYSCALE), np.uint8)

    return compress


def _noisy(spread: float) -> Change:
    def add(image: Image) -> Image:
        rng = np.random.default_rng([SEED, int(image.sum())])  # the same picture always gets the same noise
        return np.clip(image + rng.normal(0, spread, image.shape), 0, 255).astype(np.uint8)

    return add


def _barred(image: Image) -> Image:
    """Return the face with a dark bar over the eyes, as a raised arm or a lock of hair covers them."""
    changed = image.copy()
    changed[14:22, 4:44] = 30
    return changed


def _masked(image: Image) -> Image:
    """Return the face with mouth and nose under a light mask."""
    changed = image.copy()
    outline = np.array([(7, 27), (24, 24), (41, 27), (37, 42), (24, 47), (11, 42)], np.int32)
    cv2.fillPoly(changed, [outline], 200)
    return changed


def _moved(turn_deg: float = 0.0, dx: float = 0.0, dy: float = 0.0, zoom: float = 1.0) -> Change:
    """Return a change that turns (clockwise in the picture), shifts (shares of the side) and enlarges a face."""
    middle = (CROP_SIZE_PX - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), -turn_deg, zoom)
    matrix[:, 2] += np.array([dx, dy]) * CROP_SIZE_PX
    size = (CROP_SIZE_PX, CROP_SIZE_PX)
    return lambda image: np.asarray(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


CONDITIONS: Mapping[str, Change] = {
    "as published": lambda image: image,
    "dark (a quarter of the light)": _scaled(0.25),
    "bright (overexposed)": _scaled(1.5, 40),
    "blurred (1.5 px)": _blurred(1.5),
    "JPEG quality 10": _compressed(10),
    "noise (20 of 255)": _noisy(20),
    "bar over the eyes": _barred,
    "mask over mouth and nose": _masked,
    "rolled 20° one way": _moved(20),
    "rolled 20° the other way": _moved(-20),
    "crop shifted by 8 %": _moved(dx=0.08, dy=-0.08),
    "crop 15 % too wide": _moved(zoom=1 / 1.15),
    "crop 15 % too tight": _moved(zoom=1.15),
}
"""Shifts and scales are about twice the quartiles of our detectors' boxes on FER+ (see ``engage.vision.crops``)."""


def to_markdown(title: str, conditions: tuple[Condition, ...], checks: tuple[DetectorCheck, ...]) -> str:
    """Return both tables as Markdown under ``title``."""
    lines = [
        f"# {title}",
        "",
        "| condition | accuracy | macro recall | calibration error | answered | right of these |",
    ]
    lines.append("|---|---|---|---|---|---|")
    for found in conditions:
        right = "–" if found.accuracy_answered is None else f"{found.accuracy_answered:.1%}"
        lines.append(
            f"| {found.name} | {found.accuracy:.1%} | {found.macro_recall:.1%} | {found.ece:.3f} | "
            f"{found.answered:.1%} | {right} |"
        )
    if checks:
        lines += ["", "Crops of our own detectors, on the pictures in which they find a face:", ""]
        lines += [
            "| detector | found | accuracy, tight picture | accuracy, its crop | same answer |",
            "|---|---|---|---|---|",
        ]
    lines += [
        f"| {check.detector} | {check.found:.1%} | {check.accuracy_tight:.1%} | {check.accuracy_detected:.1%} | "
        f"{check.agreement:.1%} |"
        for check in checks
    ]
    return "\n".join(lines) + "\n"
