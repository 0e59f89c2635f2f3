"""The network of a run, read from its checkpoint, and its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engage.core.types import Image
from engage.inference.network import FaceNet
from trainer.architectures import build_network
from trainer.augment import resize
from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint
from trainer.recipe import Recipe
from trainer.train import normalise, pick_device

CHUNK = 256


def trained(folder: Path) -> tuple[FaceNet, Recipe]:
    """Return the averaged network of the run in ``folder``, ready to answer, and its recipe."""
    checkpoint = Checkpoint.load(folder / CHECKPOINT_FILE)
    network = build_network(checkpoint.recipe)
    network.load_state_dict(checkpoint.average)
    return network.to(pick_device()).eval().requires_grad_(False), checkpoint.recipe


def network_logits(network: FaceNet, recipe: Recipe, images: Image) -> NDArray[np.float32]:
    """Return ``(N, 8)`` logits for ``(N, 48, 48)`` uint8 images, at the recipe's final size."""
    return _over(network, recipe, images, network)


def network_features(network: FaceNet, recipe: Recipe, images: Image) -> NDArray[np.float32]:
    """Return ``(N, F)`` features of the trunk for ``(N, 48, 48)`` uint8 images."""
    return _over(network, recipe, images, network.features)


@torch.inference_mode()
def _over(network: FaceNet, recipe: Recipe, images: Image, answer: Any) -> NDArray[np.float32]:
    device, side_px = network.expression.weight.device, recipe.sizes[-1][1]
    parts = []
    for start in range(0, len(images), CHUNK):
        chunk = torch.from_numpy(np.ascontiguousarray(images[start : start + CHUNK])).to(device).unsqueeze(1)
        parts.append(answer(normalise(resize(chunk.float() / 255, side_px), recipe)).cpu())
    return np.asarray(torch.cat(parts).numpy(), np.float32)
