"""A run that goes on from a finished model: what may be started from, and how the recipe and the weights come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from engage.inference.classifier import load
from trainer.errors import TrainerError
from trainer.recipe import Recipe


def start_from(folder: Path, recipe: Recipe) -> tuple[Recipe, Mapping[str, Tensor]]:
    """Return ``recipe`` with the model of ``folder`` named as its start, and the model's weights.

    Raises TrainerError where the model is of another architecture or input, has learnt from the validation split, or
    has had teachers: what learns from votes alone starts from what learnt from votes alone.
    """
    model = load(folder)
    card = model.card
    if (card.architecture, card.mean, card.std) != (recipe.architecture, recipe.mean, recipe.std):
        raise TrainerError(f"{folder} is no {recipe.architecture} or has another input; choose another --from")
    if recipe.valid_split in card.trained_on:
        raise TrainerError(f"{folder} has learnt from {recipe.valid_split}, which this run is measured on")
    if card.teachers:
        raise TrainerError(f"{folder} has learnt from {', '.join(card.teachers)} too; start from one of votes alone")
    return replace(recipe, start=model.name), model.network.state_dict()
