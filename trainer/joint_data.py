"""What a joint run learns from, as tensors in memory, and the file that keeps the teachers' answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer.data import Split, clean_votes
from trainer.errors import TrainerError
from trainer.label_signals import RawLabels
from trainer.signals import Targets, from_drawings, from_teachers
from trainer.virtual_faces import VirtualFaces

DRAWN = "drawn"
"""Prefix of the drawn faces in a labels file; splits have their own name."""


@dataclass(frozen=True, slots=True)
class JointData:
    """``images`` ``(N, 1, 48, 48)`` uint8, ``votes`` ``(N, 8)`` shares of sum 1 (0 where people named no emotion),
    ``targets`` of the images; ``patches`` ``(V, 1, 96, 96)`` uint8 and ``drawn`` their targets; the majority set of the
    validation split to watch.
    """

    images: Tensor
    votes: Tensor
    targets: Targets
    patches: Tensor
    drawn: Targets
    valid_images: Tensor
    valid_labels: Tensor

    def to(self, device: torch.device) -> JointData:
        """Return the same on ``device``."""
        return JointData(*(getattr(self, name).to(device) for name in self.__slots__))


def gather(train: Split, valid: Split, labels: Path) -> JointData:
    """Return the data of a joint run from two splits and the labels file of ``trainer label-signals``.

    Raises TrainerError where the file is missing, damaged or belongs to other pictures.
    """
    raw, faces = load_labels(labels, train.name), load_drawings(labels)
    if len(raw.found) != len(train.images):
        raise TrainerError(
            f"{labels} labels {len(raw.found)} pictures, {train.name} has {len(train.images)}; label them again"
        )
    kept = clean_votes(train.votes)
    no_face = kept.argmax(axis=1) == train.votes.shape[1] - 1
    valid_images, valid_labels = valid.majority()
    return JointData(
        torch.from_numpy(train.images).unsqueeze(1),
        torch.from_numpy(train.shares()),
        from_teachers(raw, no_face & (kept.sum(axis=1) > 0)),
        torch.from_numpy(faces.patches).unsqueeze(1),
        from_drawings(faces),
        torch.from_numpy(valid_images).unsqueeze(1),
        torch.from_numpy(valid_labels),
    )


def save_labels(path: Path, labels: dict[str, RawLabels], faces: VirtualFaces) -> None:
    """Write the teachers' answers by split, and the drawn faces, as one .npz file."""
    arrays = {f"{DRAWN}.{name}": getattr(faces, name) for name in VirtualFaces.__slots__}
    for split, raw in labels.items():
        arrays |= raw.to_arrays(split)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def load_labels(path: Path, split: str) -> RawLabels:
    """Return the teachers' answers for ``split``; TrainerError where there are none."""
    with _opened(path) as arrays:
        return RawLabels.from_arrays(arrays, split)


def load_drawings(path: Path) -> VirtualFaces:
    """Return the drawn faces; TrainerError where there are none."""
    with _opened(path) as arrays:
        try:
            return VirtualFaces(*(arrays[f"{DRAWN}.{name}"] for name in VirtualFaces.__slots__))
        except KeyError:
            raise TrainerError(f"{path} holds no drawn faces; run trainer label-signals again") from None


def _opened(path: Path) -> np.lib.npyio.NpzFile:
    try:
        return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise TrainerError(f"no labels at {path}; make them: trainer label-signals") from None
    except (OSError, ValueError) as error:
        raise TrainerError(f"{path} is no labels file ({error}); run trainer label-signals again") from None
