"""The one network of the product: a ResNet18 trunk for small gray faces with an expression head.

ResNet18 is torchvision's (He et al. 2015, arXiv 1512.03385) with the stem replaced for small inputs: 3x3, stride 1, one
channel, the max-pool kept. At 48 x 48 that is 11.2 million parameters and about 313 million multiply-adds.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from engage.core.types import EMOTIONS
from engage.inference.torchvision_shim import ensure_torchvision

FEATURES = 512
"""Length of the trunk's feature vector, for every head that joins it."""


class FaceNet(nn.Module):
    """A trunk shared by all heads, and the heads.

    ``forward`` gives the expression logits, always, so that adding a head changes no caller. A further head reads
    ``features`` and is one more attribute beside ``expression``; its weights are its own keys of the state dict, so old
    weights still load.
    """

    def __init__(self, trunk: nn.Module, *, outputs: int, dropout: float) -> None:
        super().__init__()
        self.trunk = trunk
        self.dropout = nn.Dropout(dropout)
        self.expression = nn.Linear(FEATURES, outputs)

    def features(self, images: Tensor) -> Tensor:
        """Return ``(N, 512)`` features of normalised gray images ``(N, 1, H, W)``."""
        return cast(Tensor, self.trunk(images))

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(N, 8)`` expression logits in FER+ order of normalised gray images ``(N, 1, H, W)``."""
        return cast(Tensor, self.expression(self.dropout(self.features(images))))


def build_resnet18(*, outputs: int = len(EMOTIONS), dropout: float = 0.0) -> FaceNet:
    """Return an untrained network in channels-last memory format; ``dropout`` acts before the expression head.

    Blocks start with their batch norms at one, torchvision's default: with zero-initialised residuals (arXiv
    1706.02677, section 5.1) the loss on FER+ stood at that of the class shares for the first 275 steps.
    """
    ensure_torchvision()
    from torchvision.models import resnet18

    trunk = resnet18(weights=None)
    trunk.conv1 = nn.Conv2d(1, 64, kernel_size=3, stride=1, padding=1, bias=False)
    nn.init.kaiming_normal_(trunk.conv1.weight, mode="fan_out", nonlinearity="relu")
    trunk.fc = nn.Identity()
    network = FaceNet(trunk, outputs=outputs, dropout=dropout)
    return cast(FaceNet, network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
