"""Several teachers' averaged answers as targets for one network (Hinton et al. 2015, arXiv 1503.02531)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engage.inference.classifier import Classifier
from trainer.data import Split
from trainer.errors import TrainerError
from trainer.evaluate import predict
from trainer.recipe import Recipe


@dataclass(frozen=True, slots=True)
class TaughtSplit(Split):
    """A split whose soft targets are partly the teachers': ``taught`` is ``(M, 8)`` for the images of ``soft``."""

    taught: NDArray[np.float32]
    weight: float
    """Of the teachers, 0-1; the rest is the annotators'."""

    def soft(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the images fit for training and the blend of both targets, rows of sum 1."""
        images, votes = Split(self.name, self.images, self.votes).soft()
        return images, np.float32(1 - self.weight) * votes + np.float32(self.weight) * self.taught


def taught(split: Split, teachers: Sequence[Classifier], recipe: Recipe, weight: float) -> TaughtSplit:
    """Return ``split`` with the mean of the teachers' calibrated answers, mirror images included, in its targets.

    Raises TrainerError where there is no teacher, a teacher has learnt from the split that the pupil is selected on
    (its answers would carry that split into the pupil), or the recipe wants one class per image.
    """
    if not teachers:
        raise TrainerError("there is nobody to learn from; give one --teacher MODEL or more")
    for teacher in teachers:
        if recipe.valid_split in teacher.card.trained_on:
            raise TrainerError(
                f"{teacher.name} has learnt from {recipe.valid_split}, so its pupil could not be measured on it; give "
                "another --teacher"
            )
    if recipe.targets != "soft":
        raise TrainerError("a pupil learns soft targets; leave targets=soft in the recipe")
    images = split.soft()[0]
    answers = np.stack([predict(teacher, images, tta=True) for teacher in teachers]).mean(axis=0)
    return TaughtSplit(split.name, split.images, split.votes, answers.astype(np.float32), weight)
