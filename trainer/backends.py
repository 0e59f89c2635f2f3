"""What each backend and precision costs in accuracy and calibration: the same weights, the same images."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engage.capture.virtual.probe import drawn_crops
from engage.core.types import Image
from engage.errors import ModelError
from engage.inference.backed import BackedClassifier
from engage.inference.backends.registry import REFERENCE, build, offers
from engage.inference.backends.source import Precision, open_source
from engage.inference.card import default_folder
from trainer.data import Split
from trainer.errors import DataError, TrainerError
from trainer.evaluate import CHUNK, measure


@dataclass(frozen=True, slots=True)
class Row:
    """One backend and precision; shares 0-1. ``problem`` says why there are no figures, or is ""."""

    offer: str
    n: int = 0
    accuracy: float = 0.0
    macro_recall: float = 0.0
    ece: float = 0.0
    same_answer: float = 0.0
    """Share of the images named as PyTorch in float32 names them."""
    mean_difference: float = 0.0
    """Mean over the images of the largest difference of a probability from PyTorch's, and the largest of all."""
    largest_difference: float = 0.0
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def compare_backends(
    folder: Path | None,
    split: Split,
    *,
    images: int | None = None,
    precisions: Sequence[str] = tuple(Precision),
    threads: int = 1,
    on_row: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Return the figures of the model ``folder`` (the product's without one) by all backends that are installed.

    Only those of ``precisions``, and the reference.

    Measured under the majority rule on the first ``images`` images of ``split``, or on all. Raises TrainerError where
    the model has learnt from the split, DataError where no image has a majority.
    """
    crops, labels = split.majority()
    crops, labels = crops[:images], labels[:images]
    if len(crops) == 0:
        raise DataError(f"no image of {split.name} has a majority for one of the eight emotions; nothing to measure")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="engage-graphs-") as cache:
        source = open_source(folder or default_folder(), Path(cache), drawn_crops, threads)
        if split.name in source.card.trained_on:
            raise TrainerError(f"{source.card.name} was trained on {split.name}; give another --split")
        wanted: NDArray[np.float32] | None = None
        for offer in (one for one in offers() if one == REFERENCE or one.precision in precisions):
            try:
                found = _predict(BackedClassifier.of(build(offer, source), source), crops)
            except ModelError as error:
                rows.append(Row(str(offer), problem=str(error)))
            else:
                wanted = found if offer == REFERENCE else wanted
                rows.append(_row(str(offer), found, labels, wanted))
            on_row(rows[-1])
    return rows


def _predict(classifier: BackedClassifier, crops: Image) -> NDArray[np.float32]:
    parts = [classifier.predict(crops[start : start + CHUNK]) for start in range(0, len(crops), CHUNK)]
    return np.concatenate(parts)


def _row(offer: str, found: NDArray[np.float32], labels: NDArray[np.int64], wanted: NDArray[np.float32] | None) -> Row:
    assert wanted is not None  # the reference comes first  # noqa: S101
    figures, apart = measure(found, labels, (offer, "", "", False)), np.abs(found - wanted).max(axis=1)
    return Row(
        offer,
        len(labels),
        round(figures.accuracy, 4),
        round(figures.macro_recall, 4),
        round(figures.ece, 4),
        round(float((found.argmax(axis=1) == wanted.argmax(axis=1)).mean()), 4),
        round(float(apart.mean()), 4),
        round(float(apart.max()), 4),
    )
