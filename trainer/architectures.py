"""Networks by the name a recipe gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

import torch

from engage.core.types import EMOTIONS
from engage.inference.network import FaceNet, build_resnet18
from trainer.errors import TrainerError
from trainer.recipe import Recipe
from trainer.systems.networks import build_cnn, build_cnn_lstm, build_dense_resnet18

BUILDERS: Mapping[str, Callable[..., FaceNet]] = {
    "resnet18": build_resnet18,
    "resnet18-dense": build_dense_resnet18,
    "cnn": build_cnn,
    "cnn-lstm": build_cnn_lstm,
}
STEP = 16
"""Widths are multiples of it: with 4 channels oneDNN's backward pass overwrote memory that was not its own (PyTorch
2.13, AVX2)."""


def build_network(recipe: Recipe) -> FaceNet:
    """Return the untrained network of ``recipe``, in channels-last memory format.

    ``resnet18-wN`` and ``resnet18-dense-wN`` have N channels in their first stage instead of 64, N a multiple of 16.
    Raises TrainerError for a name that is none.
    """
    wide = re.fullmatch(r"(resnet18|resnet18-dense)-w([1-9]\d{0,2})", recipe.architecture)
    name, size = (wide[1], {"width": int(wide[2])}) if wide else (recipe.architecture, {})
    if name not in BUILDERS or size.get("width", STEP) % STEP:
        known = ", ".join((*BUILDERS, f"resnet18-wN (N channels, in steps of {STEP})"))
        raise TrainerError(f"no architecture '{recipe.architecture}'; there are {known}")
    network = BUILDERS[name](outputs=len(EMOTIONS), dropout=recipe.dropout, **size)
    return cast(FaceNet, network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
