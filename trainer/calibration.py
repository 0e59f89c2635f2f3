"""Temperature and the "unknown" threshold, both chosen on the validation split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ANSWERED_SHARE = 0.97
"""Share of the images on which people agree that should get an answer rather than "unknown"."""

FOLDS = 5


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature of least cross-entropy (Guo et al. 2017, arXiv 1706.04599), between 0.25 and 4.

    The loss is smooth with one minimum in log temperature, so a golden-section search finds it.

    Args:
        logits: ``(N, 8)``.
        labels: ``(N,)`` class numbers.
    """
    low, high = np.log(0.25), np.log(4.0)
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if cross_entropy(logits, labels, np.exp(left)) < cross_entropy(logits, labels, np.exp(right)):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def cross_fitted(logits: NDArray[np.float32], labels: NDArray[np.int64], folds: int = FOLDS) -> NDArray[np.float32]:
    """Return ``(N, 8)`` probabilities, each at a temperature fitted without its own fold.

    What a calibration error should be measured on where there is one split only: fitted and measured on the same images
    it would flatter itself. Every ``folds``-th image belongs to a fold.
    """
    found = np.empty_like(logits, dtype=np.float32)
    fold = np.arange(len(labels)) % min(folds, len(labels))
    for number in range(fold.max() + 1):
        left_out = fold == number
        rest = ~left_out if (~left_out).any() else left_out
        found[left_out] = softmax(logits[left_out], fit_temperature(logits[rest], labels[rest]))
    return found


def softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return ``(N, 8)`` probabilities of ``(N, 8)`` logits at ``temperature``."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float) -> float:
    """Return the mean negative log probability of ``labels`` under ``softmax(logits / temperature)``."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(scaled).sum(axis=1))
    return float((log_sum - scaled[np.arange(len(labels)), labels]).mean())


def choose_unknown_below(probabilities: NDArray[np.float32]) -> float:
    """Return the largest threshold, in hundredths, that still answers 97 % of these images people agree on.

    Args:
        probabilities: ``(N, 8)``, calibrated, of images with a majority.
    """
    top = probabilities.max(axis=1)
    kept = [step for step in range(101) if (top >= step / 100).mean() >= ANSWERED_SHARE]
    return max(kept) / 100
