"""What stands in one step of a joint run: FER+ pictures, drawn faces in their surroundings, pieces without a face."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.augment import Moves, finish, uniform
from trainer.joint_data import JointData
from trainer.recipe import Augmentation, Regularisation
from trainer.regularise import mix
from trainer.signals import Targets, follow

AUGMENTATION = Augmentation(rotate_deg=15.0, scale=0.15, shift=0.12, erase=0.35, coarse=0.1, grain=0.1)
MIXUP = Regularisation(mixup_alpha=0.3, mixup_share=0.3)
"""Of the expressions, and the only one that a joint run does; a mixed picture teaches no signals."""


@dataclass(frozen=True, slots=True)
class JointRecipe:
    """Everything that decides a joint run besides the data. ``budget_s`` works as in ``trainer.recipe``."""

    train_split: str = "FER2013Train"
    valid_split: str = "FER2013Valid"
    epochs: int = 8
    budget_s: float | None = None
    dropout: float = 0.3
    """Before the expression head; the signals head has its own."""
    pictures: int = 100
    """FER+ pictures per step."""
    drawings: int = 16
    pieces: int = 6
    """Pieces without a face per step."""
    frozen: tuple[str, ...] = ("conv1", "bn1", "layer1")
    """Parts of the trunk that stay as they are: edges need no second teacher, and a step takes a third less time."""
    lr: float = 1.2e-3
    warmup: float = 0.03
    hold: float = 0.3
    """Share of the run until which the learning rate stays at its peak; then it falls by half a cosine."""
    weight_decay: float = 0.15
    ema: float = 0.999
    signal_weight: float = 1.0
    """Of the signals' loss beside the expression's."""
    still: float = 0.3
    """Share of the pictures that are mirrored at most: resampling a picture of 48 pixels blurs its irises away."""
    wide: float = 0.2
    """Share of the other FER+ pictures that are moved as far as a face moves between two looks."""
    augmentation: Augmentation = AUGMENTATION
    regularisation: Regularisation = MIXUP
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """One step: ``images`` ``(M, 1, 48, 48)`` 0-1, FER+ pictures first; their ``votes`` ``(N, 8)``; what all show."""

    images: Tensor
    votes: Tensor
    targets: Targets


def compose(data: JointData, chosen: Tensor, recipe: JointRecipe, progress: float, rng: torch.Generator) -> Batch:
    """Return what stands in one step at ``progress`` 0-1: the FER+ pictures ``chosen``, and others."""
    size = data.images.shape[-1]
    reflect = bool(torch.rand(1, generator=rng, device=rng.device) < 0.5)
    near = _moves(len(chosen), recipe, recipe.wide, rng)
    pictures = near.cut(data.images[chosen].float() / 255, size, reflect=reflect)
    drawn = torch.randint(len(data.patches), (recipe.drawings + recipe.pieces,), generator=rng, device=rng.device)
    far = _moves(recipe.drawings, recipe, 1.0, rng)
    patches = data.patches[drawn].float() / 255
    drawings = far.cut(patches[: recipe.drawings], size, context=2.0)
    half = recipe.pieces // 2
    beside = _beside(half, rng)
    closer = data.images[chosen[: recipe.pieces - half]].float() / 255
    pieces = torch.cat(
        [
            beside.cut(patches[recipe.drawings : recipe.drawings + half], size, context=2.0),
            _parts(recipe.pieces - half, rng).cut(closer, size),
        ]
    )
    images = finish(torch.cat([pictures, drawings, pieces]), recipe.augmentation, rng)
    plain = images[: len(chosen)]
    mixed, votes = mix(plain, data.votes[chosen], recipe.regularisation, progress, rng)
    targets = Targets.join(
        [
            follow(near, data.targets[chosen]) if mixed is plain else Targets.unknown(len(chosen), images.device),
            follow(far, data.drawn[drawn[: recipe.drawings]]),
            Targets.nothing(recipe.pieces, images.device),
        ]
    )
    return Batch(torch.cat([mixed, images[len(chosen) :]]), votes, targets)


def _moves(n: int, recipe: JointRecipe, wide: float, rng: torch.Generator) -> Moves:
    """Return random moves; those of a share ``wide`` reach as far as a face goes between two looks."""
    settings = recipe.augmentation
    chance = torch.rand(n, generator=rng, device=rng.device) < wide
    moved = (torch.rand(n, generator=rng, device=rng.device) >= recipe.still).float()
    scale = torch.where(chance, math.log(1.45), math.log1p(settings.scale)) * moved
    shift = torch.where(chance, 0.33, settings.shift) * moved
    mirror = 1 - 2 * (torch.rand(n, generator=rng, device=rng.device) < settings.flip).float()
    return Moves(
        uniform(n, math.radians(settings.rotate_deg), rng) * moved,
        torch.exp(uniform(n, 1.0, rng) * scale),
        mirror,
        uniform(n, 2.0, rng) * shift,
        uniform(n, 2.0, rng) * shift,
    )


def _beside(n: int, rng: torch.Generator) -> Moves:
    """Return moves that leave the face: its middle ends up outside the cut, or at its edge."""
    turn = torch.rand(n, generator=rng, device=rng.device) * 2 * math.pi
    far = 1.5 + torch.rand(n, generator=rng, device=rng.device)
    zoom = torch.exp(uniform(n, 0.35, rng) - 0.15)
    return Moves(uniform(n, 0.3, rng), zoom, torch.ones_like(turn), far * turn.cos(), far * turn.sin())


def _parts(n: int, rng: torch.Generator) -> Moves:
    """Return moves that see a fifth of a face at most: skin, hair, an eye."""
    zoom = 0.12 + 0.2 * torch.rand(n, generator=rng, device=rng.device)
    return Moves(uniform(n, 3.0, rng), zoom, torch.ones_like(zoom), uniform(n, 0.8, rng), uniform(n, 0.8, rng))
