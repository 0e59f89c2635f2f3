"""The expression classifier of the product: crops in, calibrated probabilities out.

::

    classifier = load()                       # the product's own weights
    probabilities = classifier.predict(crops)  # (N, 48, 48) uint8 -> (N, 8) float32, FER+ order
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray

import engage
from engage.core.types import CROP_SIZE_PX, EMOTIONS, Image
from engage.errors import ModelError
from engage.inference.card import REMEDY, Card, load_card, read_weights
from engage.inference.network import FaceNet, build_resnet18

DEFAULT_MODEL = "ferplus-resnet18"
ARCHITECTURES: Mapping[str, Callable[[], FaceNet]] = {"resnet18": build_resnet18}
CHUNK = 32
"""Crops per pass: past 32 the speed per crop on a CPU stays level and only memory grows."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network in evaluation state with the card that says how to use it; made by ``load``."""

    card: Card
    network: FaceNet

    @property
    def name(self) -> str:
        """The model's name and version, as evaluations report it."""
        return f"{self.card.name} {self.card.version}"

    def predict(self, crops: Image) -> NDArray[np.float32]:
        """Return expression probabilities, calibrated by the card's temperature.

        Args:
            crops: ``(N, 48, 48)`` uint8 gray; ``N`` may be 0.

        Returns:
            ``(N, 8)`` float32 in FER+ order, rows of sum 1.

        Raises:
            ValueError: another shape or dtype.
        """
        if crops.dtype != np.uint8 or crops.ndim != 3 or crops.shape[1:] != (CROP_SIZE_PX, CROP_SIZE_PX):
            raise ValueError(
                f"crops must be uint8 of shape (N, {CROP_SIZE_PX}, {CROP_SIZE_PX}), got {crops.dtype} {crops.shape}"
            )
        probabilities = np.empty((len(crops), len(EMOTIONS)), np.float32)
        with torch.inference_mode():
            for start in range(0, len(crops), CHUNK):
                logits = self.network(self._prepare(crops[start : start + CHUNK]))
                probabilities[start : start + CHUNK] = (logits / self.card.temperature).softmax(dim=1).cpu().numpy()
        return probabilities

    def _prepare(self, crops: Image) -> torch.Tensor:
        device = self.network.expression.weight.device
        images = torch.from_numpy(np.array(crops, order="C")).to(device).unsqueeze(1).float() / 255
        return ((images - self.card.mean) / self.card.std).contiguous(memory_format=torch.channels_last)


def load(path: Path | str | None = None, *, threads: int = 1) -> Classifier:
    """Return the classifier of the model folder ``path`` (like ``models/NAME``), or the product's own without one.

    Args:
        path: folder with ``card.toml`` and the weights it names.
        threads: CPU threads torch may use, in the whole process.

    Raises:
        ModelError: the card or the weights are missing, damaged, of another schema or do not match.
    """
    folder = default_folder() if path is None else Path(path)
    card = load_card(folder)
    if card.architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ModelError(f"The model {folder} is a '{card.architecture}', this program builds {known}; {REMEDY}.")
    content = read_weights(folder, card)
    torch.set_num_threads(threads)
    with torch.device("meta"):  # no time spent on initial values that are replaced at once
        network = ARCHITECTURES[card.architecture]()
    try:
        state = {name: _computable(tensor) for name, tensor in safetensors.torch.load(content).items()}
        network.load_state_dict(state, assign=True)
    except (safetensors.SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"The weights of {folder} do not fit a '{card.architecture}' ({reason}); {REMEDY}.") from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types lack this form
    return Classifier(card, network.eval().requires_grad_(False))


def default_folder() -> Path:
    """Return where the product's own model lies: beside the package in a checkout, else where it was installed."""
    checkout = Path(engage.__file__).parents[1] / "models" / DEFAULT_MODEL
    installed = Path(sys.prefix) / "share" / "engage" / "models" / DEFAULT_MODEL
    return installed if installed.is_dir() and not checkout.is_dir() else checkout


def _computable(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
