"""The pictures that go with a model, or with a comparison: learning curves, confusion matrices, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def draw_balance(splits: Sequence[tuple[str, Mapping[str, int]]], path: Path) -> None:
    """Write a PNG with the images per class of each ``(split, counts)``, on a logarithmic scale.

    Raises TrainerError when the file cannot be written.
    """
    plt = _pyplot()
    figure, row = plt.subplots(1, len(splits), figsize=(4.6 * len(splits), 3.2), dpi=110, layout="constrained")
    for axes, (title, counts) in zip(np.atleast_1d(row), splits, strict=True):
        bars = axes.barh(list(counts), [max(count, 0.5) for count in counts.values()], color=ACCENT)
        axes.bar_label(bars, [f"{count:,}" for count in counts.values()], padding=3, fontsize=8, color=INK)
        axes.set_xscale("log")
        axes.set_xlim(0.5, 6 * max(counts.values()))
        axes.invert_yaxis()
        axes.set_title(f"{title}: {sum(counts.values()):,} images with a majority", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path, metadata={"Software": None})
    except OSError as error:
        raise TrainerError(f"cannot write {path}: {error}; give another --figure") from error
    finally:
        plt.close(figure)


def draw_table(headings: Sequence[str], rows: Sequence[Sequence[str]], path: Path) -> None:
    """Write a PNG of a table, the first column to the left and the others to the right."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(10.5, 0.3 * len(rows) + 0.7), dpi=110, layout="constrained")
    axes.axis("off")
    widths = [0.24, *(0.76 / (len(headings) - 1),) * (len(headings) - 1)]
    table = axes.table([list(row) for row in rows], colLabels=list(headings), colWidths=widths, loc="center")
    table.auto_set_font_size(False)
    table.set_fontsize(8.5)
    table.scale(1, 1.35)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#cbd5e1")
        cell.get_text().set_ha("left" if column == 0 else "right")
        cell.get_text().set_color(INK)
        if row == 0:
            cell.set_facecolor("#f1f5f9")
            cell.get_text().set_weight("bold")
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def draw_confusions(matrices: Sequence[tuple[str, Sequence[Sequence[int]]]], path: Path) -> None:
    """Write a PNG of several confusion matrices ``(title, (8, 8))`` side by side, shaded by share of the row."""
    plt = _pyplot()
    columns = min(4, len(matrices))
    lines = -(-len(matrices) // columns)
    size = (3.1 * columns, 3.3 * lines + 0.4)
    figure, grid = plt.subplots(lines, columns, figsize=size, dpi=90, layout="constrained", squeeze=False)
    for axes in grid.flat[len(matrices) :]:
        axes.axis("off")
    short = [name[:3] for name in EMOTIONS]
    for axes, (title, confusion) in zip(grid.flat, matrices, strict=False):
        counts = np.asarray(confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*counts.shape):
            shade = "white" if shares[row, column] > 0.5 else INK
            axes.text(
                column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", fontsize=6, color=shade
            )
        axes.set_xticks(range(len(short)), short, fontsize=6)
        axes.set_yticks(range(len(short)), short, fontsize=6)
        axes.set_title(title, fontsize=8)
    figure.get_layout_engine().set(h_pad=0.12)
    figure.supxlabel("answer", fontsize=8)
    figure.supylabel("majority of the annotators, % of the row", fontsize=8)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def draw_curves(curves: Sequence[tuple[str, Sequence[EpochRecord]]], path: Path) -> None:
    """Write a PNG of training loss (left) and validation accuracy (right) over the epochs of several networks."""
    plt = _pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), dpi=100, layout="constrained")
    for title, history in curves:
        epochs = [record.epoch for record in history]
        left.plot(epochs, [record.train_loss for record in history], marker="o", markersize=2.5, label=title)
        right.plot(epochs, [100 * record.valid_accuracy for record in history], marker="o", markersize=2.5)
    left.set_ylabel("training loss")
    right.set_ylabel("validation accuracy, %")
    left.legend(fontsize=7, frameon=False)
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.spines[["top", "right"]].set_visible(False)
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
