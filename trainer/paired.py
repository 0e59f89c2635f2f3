"""Two models on the same images: which is right where the other is wrong, and whether that could be chance."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pairing:
    """McNemar's test of two models on ``n`` images."""

    n: int
    only_first: int
    """Images that the first model alone gets right."""
    only_second: int
    difference: float
    """Accuracy of the first less that of the second, -1 to 1."""
    interval: tuple[float, float]
    """95 % confidence interval of the difference (normal approximation for paired shares)."""
    p: float
    """Chance of a difference at least this large between models that are equally good."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "interval": list(self.interval)}

    def __str__(self) -> str:
        """Return one line for people."""
        low, high = (f"{100 * bound:+.2f}" for bound in self.interval)
        return (
            f"{100 * self.difference:+.2f} points ({low} to {high}), p = {self.p:.3f}: "
            f"{self.only_first} images right alone against {self.only_second}"
        )


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Pairing:
    """Return the exact two-sided McNemar test (1947) of two models' right answers on the same ``(N,)`` images.

    Raises ValueError for sets of different or no length.
    """
    if len(first) != len(second) or len(first) == 0:
        raise ValueError(f"paired answers must be for the same images, got {len(first)} and {len(second)}")
    n = len(first)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    apart = only_first + only_second
    tail = sum(math.comb(apart, k) for k in range(min(only_first, only_second) + 1))
    p = min(1.0, 2 * tail / 2**apart)
    difference = (only_first - only_second) / n
    reach = 1.96 * math.sqrt(max(apart - (only_first - only_second) ** 2 / n, 0.0)) / n
    return Pairing(n, only_first, only_second, difference, (difference - reach, difference + reach), p)
