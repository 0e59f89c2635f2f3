"""The figures of a classifier on one split, under FER+'s majority rule (DESIGN.md section 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engage.core.types import EMOTIONS, Image
from engage.inference.classifier import Classifier
from trainer.data import Split
from trainer.errors import DataError, TrainerError
from trainer.paired import Pairing, mcnemar

BINS = 15
CHUNK = 256


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, of which checkpoint, on what. Shares are 0-1; rows of ``confusion`` are the true classes."""

    checkpoint: str
    sha256: str
    split: str
    tta: bool
    n: int
    accuracy: float
    macro_f1: float
    macro_recall: float
    recall: dict[str, float | None]
    """Per class; None where the split has no image of it."""
    ece: float
    confusion: list[list[int]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def evaluate(
    classifier: Classifier, split: Split, *, tta: bool = False, on_progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Return the figures of ``classifier`` on the images of ``split`` on which the annotators agree.

    Args:
        classifier: what to measure.
        split: measured under the majority rule.
        tta: average the answers for each image and its mirror image.
        on_progress: told (images done, images in all).

    Raises:
        TrainerError: the classifier's card names the split among those it has learnt from.
        DataError: no image of the split has a majority.
    """
    refuse_learnt(classifier, split.name)
    images, labels = split.majority()
    if len(images) == 0:
        raise DataError(f"no image of {split.name} has a majority for one of the eight emotions; nothing to measure")
    probabilities = predict(classifier, images, tta=tta, on_progress=on_progress)
    return measure(probabilities, labels, (classifier.name, classifier.card.sha256, split.name, tta))


def refuse_learnt(classifier: Classifier, split: str) -> None:
    """Raise TrainerError where the classifier's card names ``split`` among those it has learnt from."""
    if split in classifier.card.trained_on:
        raise TrainerError(
            f"{classifier.name} was trained on {split}, so a figure on it means nothing; give another --split"
        )


def compare_models(first: Classifier, second: Classifier, split: Split, *, tta: bool = False) -> Pairing:
    """Return McNemar's paired comparison of two classifiers on the images of ``split`` with a majority.

    Raises TrainerError where either has learnt from the split, DataError where no image has a majority.
    """
    for classifier in (first, second):
        refuse_learnt(classifier, split.name)
    images, labels = split.majority()
    if len(images) == 0:
        raise DataError(f"no image of {split.name} has a majority for one of the eight emotions; nothing to measure")
    right = [predict(classifier, images, tta=tta).argmax(axis=1) == labels for classifier in (first, second)]
    return mcnemar(right[0], right[1])


def predict(
    classifier: Classifier,
    images: Image,
    *,
    tta: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Return ``(N, 8)`` probabilities for ``(N, 48, 48)`` uint8 images, averaged over mirror images with ``tta``."""
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK]
        part = classifier.predict(chunk)
        if tta:
            part = (part + classifier.predict(np.ascontiguousarray(chunk[:, :, ::-1]))) * np.float32(0.5)
        parts.append(part)
        if on_progress:
            on_progress(start + len(chunk), len(images))
    return np.concatenate(parts)


def measure(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], of: tuple[str, str, str, bool]
) -> Evaluation:
    """Return all figures of ``(N, 8)`` probabilities against ``(N,)`` labels.

    ``of`` is (checkpoint, sha256, split, tta). Macro figures are means over the classes that have an image.
    """
    answers = probabilities.argmax(axis=1)
    confusion = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    hits, truths, said = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    there = truths > 0
    recall = hits / np.maximum(truths, 1)
    f1 = 2 * hits / np.maximum(truths + said, 1)
    checkpoint, sha256, split, tta = of
    return Evaluation(
        checkpoint=checkpoint,
        sha256=sha256,
        split=split,
        tta=tta,
        n=len(labels),
        accuracy=float(hits.sum() / len(labels)),
        macro_f1=float(f1[there].mean()),
        macro_recall=float(recall[there].mean()),
        recall={
            name: float(value) if known else None for name, value, known in zip(EMOTIONS, recall, there, strict=True)
        },
        ece=calibration_error(probabilities, labels),
        confusion=confusion.tolist(),
    )


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.int64], bins: int = BINS) -> float:
    """Return the expected calibration error over ``bins`` bins of equal mass (Nguyen and O'Connor 2015, 1508.05154).

    The images are sorted by their top probability and cut into equal parts; the error is the mean over images of the
    distance between a part's mean top probability and its share of right answers.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(part) * abs(confidence[part].mean() - right[part].mean()) for part in parts]
    return float(sum(gaps) / len(labels))
