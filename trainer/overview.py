"""What a path holds, in words: a data set and its class balance, a training run, or a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engage.core.types import EMOTIONS
from engage.inference.card import CARD_FILE, load_card
from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint
from trainer.csv_pair import USAGES
from trainer.data import Split, load_split
from trainer.errors import DataError, TrainerError


@dataclass(frozen=True, slots=True)
class Balance:
    """How many images a split has, and of which class."""

    split: str
    images: int
    usable: int
    """With a vote distribution to learn from."""
    agreed: int
    """With a majority for one class."""
    per_class: dict[str, int]
    """Of those with a majority."""
    votes: dict[str, float]
    """Share of each class in the vote distributions."""

    @classmethod
    def of(cls, split: Split) -> Balance:
        """Return the balance of ``split``."""
        _, targets = split.soft()
        labels = split.majority()[1]
        counts = np.bincount(labels, minlength=len(EMOTIONS))
        shares = targets.mean(axis=0) if len(targets) else np.zeros(len(EMOTIONS))
        return cls(
            split=split.name,
            images=len(split.images),
            usable=len(targets),
            agreed=len(labels),
            per_class=dict(zip(EMOTIONS, counts.tolist(), strict=True)),
            votes={name: round(float(share), 4) for name, share in zip(EMOTIONS, shares, strict=True)},
        )


def describe(path: Path) -> dict[str, Any]:
    """Return what ``path`` is, as plain values with the key ``kind``: "model", "run" or "data".

    Raises TrainerError for a path that is none of them, and what reading it raises.
    """
    if (path / CARD_FILE).is_file():
        return {"kind": "model", **_model(path)}
    if (path / CHECKPOINT_FILE).is_file():
        return {"kind": "run", **_run(path)}
    balances = data_balances(path)
    return {"kind": "data", "splits": balances}


def data_balances(data: Path) -> list[Balance]:
    """Return the balance of every split that ``data`` holds; raises TrainerError where it holds none."""
    found, reason = [], ""
    for split in USAGES:
        try:
            found.append(Balance.of(load_split(data, split)))
        except DataError as error:
            reason = reason or str(error)
            if "no split" not in str(error) and "no picture" not in str(error):
                raise
    if not found:
        raise TrainerError(f"{data} is neither a model, nor a run, nor data: {reason}")
    return found


def _model(folder: Path) -> dict[str, Any]:
    card = load_card(folder)
    return {
        "name": card.name,
        "version": card.version,
        "architecture": card.architecture,
        "sha256": card.sha256,
        "trained_on": list(card.trained_on),
        "selected_on": list(card.selected_on),
        "temperature": card.temperature,
        "unknown_below": card.unknown_below,
        "figures": dict(card.figures),
    }


def _run(folder: Path) -> dict[str, Any]:
    checkpoint = Checkpoint.load(folder / CHECKPOINT_FILE)
    best = max(checkpoint.history, key=lambda record: record.valid_accuracy, default=None)
    last = checkpoint.history[-1] if checkpoint.history else None
    return {
        "recipe": checkpoint.recipe.to_dict(),
        "step": checkpoint.step,
        "minutes": round(checkpoint.elapsed_s / 60, 1),
        "progress": round(last.progress, 4) if last else 0.0,
        "last": {"epoch": last.epoch, "valid_accuracy": last.valid_accuracy} if last else None,
        "best": {"epoch": best.epoch, "valid_accuracy": best.valid_accuracy} if best else None,
    }
