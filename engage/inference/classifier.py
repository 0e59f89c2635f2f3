"""The classifier of the product: crops in, calibrated expression probabilities and all other signals out.

::

    classifier = load()                       # the product's own weights
    probabilities = classifier.predict(crops)  # (N, 48, 48) uint8 -> (N, 8) float32, FER+ order
    signals = classifier.signals(crops)        # the same, and head pose, gaze, lids, mouth, framing, in one pass
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray

from engage.core.signals import SignalArrays
from engage.core.types import EMOTIONS, Image
from engage.errors import ModelError
from engage.inference.answers import CHUNK, SIGNALS, require_crops, signal_arrays
from engage.inference.card import REMEDY, Card, default_folder, load_card, read_weights
from engage.inference.network import FaceNet, build_resnet18

ARCHITECTURES: Mapping[str, Callable[[], FaceNet]] = {
    "resnet18": build_resnet18,
    "resnet18-signals": partial(build_resnet18, signals=True),
    "resnet18-w16": partial(build_resnet18, width=16),
}
"""The last is for tests and trials: a sixteenth of the weights, 11 MB a checkpoint instead of 180."""


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
        require_crops(crops)
        probabilities = np.empty((len(crops), len(EMOTIONS)), np.float32)
        with torch.inference_mode():
            for start in range(0, len(crops), CHUNK):
                logits = self.network(self._prepare(crops[start : start + CHUNK]))
                probabilities[start : start + CHUNK] = (logits / self.card.temperature).softmax(dim=1).cpu().numpy()
        return probabilities

    @property
    def reads_signals(self) -> bool:
        """Return whether the weights at hand have the signals head; without it ``signals`` must not be called."""
        return self.network.signals is not None

    def signals(self, crops: Image, expression: bool = True) -> SignalArrays:
        """Return all signals of ``crops`` in one pass over the trunk.

        Args:
            crops: ``(N, 48, 48)`` uint8 gray; ``N`` may be 0.
            expression: False leaves the expression head out; it is not evaluated then.

        Raises:
            ValueError: another shape or dtype.
            ModelError: the weights have no signals head.
        """
        require_crops(crops)
        head = self.network.signals
        if head is None:
            raise ModelError(f"The model {self.name} reads expressions alone; choose one with a signals head.")
        read = np.empty((len(crops), len(SIGNALS)), np.float32)
        probabilities = np.empty((len(crops), len(EMOTIONS)), np.float32) if expression else None
        with torch.inference_mode():
            for start in range(0, len(crops), CHUNK):
                rows = slice(start, start + CHUNK)
                maps = self.network.maps(self._prepare(crops[rows]))
                read[rows] = head(maps).cpu().numpy()
                if probabilities is not None:
                    logits = self.network.name(maps) / self.card.temperature
                    probabilities[rows] = logits.softmax(dim=1).cpu().numpy()
        return signal_arrays(read, probabilities)

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


def _computable(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
