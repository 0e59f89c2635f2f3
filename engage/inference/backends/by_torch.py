"""The network by PyTorch, batch norms folded, channels last: on the processor, or on a graphics card with CUDA."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engage.core.types import Image
from engage.errors import ModelError
from engage.inference.backends.source import Precision, Source
from engage.inference.classifier import load
from engage.inference.network import FaceNet


class TorchBackend:
    """The network itself, frozen (see InferenceBackend)."""

    def __init__(self, source: Source, precision: Precision, device: str = "cpu") -> None:
        """Load the network; raises ModelError as ``load`` does, and where there is no such device."""
        if device == "cuda" and not torch.cuda.is_available():
            raise ModelError("PyTorch finds no graphics card with CUDA; set inference.backend to auto.")
        self.name = f"{'cuda' if device == 'cuda' else 'torch'}-{precision}"
        self._card = source.card
        self._device = torch.device(device)
        self._dtype = torch.bfloat16 if precision is Precision.BF16 else torch.float32
        self._network = folded(load(source.folder, threads=source.threads).network).to(self._device)
        self._network.trunk.to(self._dtype)

    def run(self, crops: Image) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return features and signals of ``crops``."""
        network = self._network
        with torch.inference_mode():
            fine, middle, coarse = (part.float() for part in network.maps(self._prepared(crops)))
            signals = None if network.signals is None else network.signals((fine, middle, coarse))
            features = coarse.mean(dim=(2, 3)).cpu().numpy()
        return features, None if signals is None else signals.cpu().numpy()

    def _prepared(self, crops: Image) -> Tensor:
        images = torch.from_numpy(np.array(crops, order="C")).to(self._device).unsqueeze(1).float() / 255
        images = (images - self._card.mean) / self._card.std
        return images.to(self._dtype).contiguous(memory_format=torch.channels_last)


def folded(network: FaceNet) -> FaceNet:
    """Return a copy of ``network`` whose convolutions do the work of the batch norms behind them."""
    network = deepcopy(network)
    for module in list(network.modules()):
        before: tuple[str, nn.Conv2d] | None = None
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d) and before is not None:
                setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(module, name, nn.Identity())
            before = (name, child) if isinstance(child, nn.Conv2d) else None
    return network.to(memory_format=torch.channels_last).requires_grad_(False)  # type: ignore[call-overload, no-any-return]
