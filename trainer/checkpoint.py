"""A training run as one file that holds its own recipe."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer.errors import TrainerError
from trainer.recipe import Recipe

CHECKPOINT_FILE = "checkpoint.pt"
HISTORY_FILE = "history.json"


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch's figures; accuracy 0-1 is that of the averaged weights on the majority set, at the final size."""

    epoch: int
    step: int
    progress: float
    elapsed_s: float
    size_px: int
    train_loss: float
    valid_loss: float
    valid_accuracy: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything a run needs to go on, and an export needs to know."""

    recipe: Recipe
    step: int
    elapsed_s: float
    history: tuple[EpochRecord, ...]
    network: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    teachers: tuple[str, ...] = ()
    """Models whose answers were learnt from, for the card."""

    def save(self, folder: Path) -> None:
        """Write ``checkpoint.pt`` and ``history.json`` so that a crash leaves the old or the new one, never half.

        Raises TrainerError when the folder cannot be written or the disk is full.
        """
        values = {
            "recipe": self.recipe.to_dict(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "history": [asdict(record) for record in self.history],
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
        }
        write_whole(values, folder / CHECKPOINT_FILE)
        with _writing(folder):
            (folder / HISTORY_FILE).write_text(json.dumps(values["history"], indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Return the checkpoint of the file ``path``; raises TrainerError if it is missing or damaged."""
        try:
            values = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise TrainerError(f"no checkpoint at {path}; train first: trainer train --data DIR --out RUN") from None
        except Exception as error:
            raise TrainerError(f"the checkpoint {path} is damaged or none of ours; delete it and train anew") from error
        return cls(
            recipe=Recipe.from_dict(values["recipe"]),
            step=values["step"],
            elapsed_s=values["elapsed_s"],
            history=tuple(EpochRecord(**record) for record in values["history"]),
            network=values["network"],
            average=values["average"],
            optimizer=values["optimizer"],
        )


def write_whole(values: dict[str, Any], path: Path) -> None:
    """Write ``values`` as ``torch.save`` does, so that a crash leaves the old file or the new one, never half.

    Raises TrainerError, with advice, when the folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f"{path.name}.new")
    with _writing(path.parent):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                torch.save(values, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what a disk can answer into one line with advice."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        full = getattr(error, "errno", None) == errno.ENOSPC or "write" in str(error)
        advice = "free some space, then resume" if full else "choose another --out"
        raise TrainerError(f"cannot write the checkpoint to {folder}: {error}; {advice}".replace("\n", " ")) from error
