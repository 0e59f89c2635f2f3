"""The classifier of the running system: any backend, with the card that says how to use it; PyTorch need not be there.

::

    classifier = BackedClassifier.of(build(offer, source), source)
    signals = classifier.signals(crops)     # as engage.inference.classifier's, which is the reference
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engage.core.protocols import InferenceBackend
from engage.core.signals import SignalArrays
from engage.core.types import CROP_SIZE_PX, EMOTIONS, Image
from engage.errors import ModelError
from engage.inference.answers import CHUNK, SIGNALS, require_crops, signal_arrays
from engage.inference.backends.source import Source
from engage.inference.card import Card


@dataclass(frozen=True, slots=True)
class ExpressionHead:
    """The expression head: calibrated probabilities from pooled features."""

    weight: NDArray[np.float32]
    """``(8, F)``."""
    bias: NDArray[np.float32]
    temperature: float

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``(N, 8)`` probabilities of ``(N, F)`` features."""
        logits = (features @ self.weight.T + self.bias) / np.float32(self.temperature)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True)
class BackedClassifier:
    """A backend with its card and the expression head (see SignalReader)."""

    card: Card
    backend: InferenceBackend
    head: ExpressionHead
    reads_signals: bool

    @classmethod
    def of(cls, backend: InferenceBackend, source: Source) -> BackedClassifier:
        """Return the classifier of ``source`` on ``backend``; raises ModelError as ``Source.weights`` does."""
        weights = source.weights()
        head = ExpressionHead(weights["expression.weight"], weights["expression.bias"], source.card.temperature)
        return cls(source.card, backend, head, "signals.answer.weight" in weights)

    @property
    def name(self) -> str:
        """The model's name and version, as evaluations report it."""
        return f"{self.card.name} {self.card.version}"

    def predict(self, crops: Image) -> NDArray[np.float32]:
        """Return expression probabilities; as ``Classifier.predict``."""
        require_crops(crops)
        found = [self.head(self.backend.run(part)[0]) for part in _parts(crops)]
        return np.concatenate(found) if found else np.empty((0, len(EMOTIONS)), np.float32)

    def signals(self, crops: Image, expression: bool = True) -> SignalArrays:
        """Return all signals in one pass; with ``expression=False`` the expression head is not evaluated."""
        require_crops(crops)
        if not self.reads_signals:
            raise ModelError(f"The model {self.name} reads expressions alone; choose one with a signals head.")
        read = np.empty((len(crops), len(SIGNALS)), np.float32)
        probabilities = np.empty((len(crops), len(EMOTIONS)), np.float32) if expression else None
        for number, part in enumerate(_parts(crops)):
            rows = slice(number * CHUNK, number * CHUNK + len(part))
            features, read[rows] = self.backend.run(part)
            if probabilities is not None:
                probabilities[rows] = self.head(features)
        return signal_arrays(read, probabilities)

    def warm_up(self, sizes: Sequence[int] = (1, 2, 4)) -> None:
        """Have the backend meet these batch sizes: the first of each size takes several times as long."""
        for size in sizes:
            self.backend.run(np.zeros((size, CROP_SIZE_PX, CROP_SIZE_PX), np.uint8))


def _parts(crops: Image) -> list[Image]:
    return [crops[start : start + CHUNK] for start in range(0, len(crops), CHUNK)]
