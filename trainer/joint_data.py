"""What a joint run learns from, as tensors in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainer.data import Split, clean_votes
from trainer.errors import TrainerError
from trainer.labels_file import load_drawings, load_labels
from trainer.signals import Targets, from_drawings, from_teachers


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
