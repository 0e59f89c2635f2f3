"""The pictures that go with a model: its learning curve and its confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engage.core.types import EMOTIONS
from trainer.checkpoint import EpochRecord
from trainer.errors import TrainerError

INK, ACCENT = "#334155", "#0d9488"


def draw_learning_curve(history: Sequence[EpochRecord], path: Path) -> None:
    """Write a PNG of training loss and validation accuracy over the epochs, with the input size below."""
    plt = _pyplot()
    figure, left = plt.subplots(figsize=(7, 4), dpi=130, layout="constrained")
    epochs = [record.epoch for record in history]
    left.plot(epochs, [record.train_loss for record in history], color=INK, marker="o", markersize=3)
    left.set_xlabel("epoch (input side in pixels)")
    left.set_ylabel("training loss, soft targets", color=INK)
    left.set_xticks(epochs, [f"{record.epoch}\n({record.size_px})" for record in history], fontsize=7)
    right = left.twinx()
    right.plot(epochs, [100 * record.valid_accuracy for record in history], color=ACCENT, marker="o", markersize=3)
    right.set_ylabel("validation accuracy of the averaged weights, %", color=ACCENT)
    left.spines["top"].set_visible(False)
    right.spines["top"].set_visible(False)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def draw_confusion(confusion: Sequence[Sequence[int]], title: str, path: Path) -> None:
    """Write a PNG of a confusion matrix ``(8, 8)``, rows = true classes, shaded by share of the row."""
    plt = _pyplot()
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(6.4, 5.6), dpi=130, layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        shade = "white" if shares[row, column] > 0.5 else INK
        text = f"{counts[row, column]}\n{shares[row, column]:.0%}"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=shade)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=40, ha="right")
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_xlabel("answer")
    axes.set_ylabel("majority of the annotators")
    axes.set_title(title, fontsize=10)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def _pyplot() -> Any:  # a module
    try:
        import matplotlib as mpl
    except ImportError:
        raise TrainerError("figures need matplotlib: pip install 'engage[train]'") from None
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt
