"""How weights move: the learning rate's cycle, which weights decay, the optimizer, and the average over steps."""

from __future__ import annotations

import math
from typing import Any

import torch

from engage.inference.network import FaceNet
from trainer.recipe import Recipe


def learning_rate(recipe: Recipe, progress: float) -> float:
    """Return the learning rate at ``progress`` 0-1: half a cosine up from 1/5 of the peak, half a cosine down to 0.

    One cycle after Smith and Topin 2017, arXiv 1708.07120.
    """
    if progress < recipe.warmup:
        rise = (1 - math.cos(math.pi * progress / recipe.warmup)) / 2
        return recipe.lr * (0.2 + 0.8 * rise)
    return recipe.lr * (1 + math.cos(math.pi * (progress - recipe.warmup) / (1 - recipe.warmup))) / 2


def decay_groups(network: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return an optimizer's groups of the weights that are trained: matrices decay; biases and norms do not."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    return [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]


def optimizer_of(network: FaceNet, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimizer that a recipe asks for, over the weights that are trained."""
    groups = decay_groups(network, recipe.weight_decay)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=True)


@torch.no_grad()
def update_average(average: FaceNet, network: FaceNet, decay: float) -> None:
    """Move the averaged weights, and the batch norms' statistics, towards those of ``network``."""
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
