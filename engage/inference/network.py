"""The one network of the product: a ResNet18 trunk for small gray faces with an expression head and a signals head.

ResNet18 is torchvision's (He et al. 2015, arXiv 1512.03385) with the stem replaced for small inputs: 3x3, stride 1, one
channel, the max-pool kept. At 48 x 48 that is 11.2 million parameters and about 313 million multiply-adds; the signals
head adds a million parameters, 1.6 million multiply-adds and 1 to 3 % of the time.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from engage.core.types import CROP_SIZE_PX, EMOTIONS
from engage.inference.answers import SIGNALS, UNITS
from engage.inference.torchvision_shim import ensure_torchvision

WIDTH = 64
"""Channels of the first stage of the product's network."""
FEATURES = 512
"""Length of the trunk's feature vector at that width, for every head that joins it."""

Maps = tuple[Tensor, Tensor, Tensor]
"""The trunk's last three stages at 48 x 48: ``(N, 128, 12, 12)``, ``(N, 256, 6, 6)``, ``(N, 512, 3, 3)``."""


class SignalsHead(nn.Module):
    """Reads where things are, which the trunk's pooled features have lost: each stage's map, thinned and laid flat.

    Lids and irises are two pixels high at 48 x 48, so the finest map is read too.
    """

    def __init__(self, *, width: int = WIDTH, hidden: int = 160, dropout: float = 0.1) -> None:
        super().__init__()
        side = CROP_SIZE_PX // 4
        self.fine = _thinned(2 * width, 24)
        self.middle = _thinned(4 * width, 48)
        self.coarse = _thinned(8 * width, 96)
        flat = 24 * side**2 + 48 * (side // 2) ** 2 + 96 * (side // 4) ** 2
        self.hidden = nn.Linear(flat, hidden)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(hidden, len(SIGNALS))
        # Not in the state dict, so never on the meta device on which load() builds.
        self.register_buffer("units", torch.tensor(UNITS, device="cpu"), persistent=False)

    def forward(self, maps: Maps) -> Tensor:
        """Return ``(N, 14)`` signals in the order and units of SIGNALS; they are not limited to their range."""
        fine, middle, coarse = maps
        flat = [self.fine(fine).flatten(1), self.middle(middle).flatten(1), self.coarse(coarse).flatten(1)]
        hidden = torch.relu(self.hidden(torch.cat(flat, dim=1)))
        return cast(Tensor, self.answer(self.dropout(hidden)) * self.units)


def _thinned(channels: int, kept: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, kept, kernel_size=1, bias=False), nn.BatchNorm2d(kept), nn.ReLU())


class FaceNet(nn.Module):
    """A trunk shared by all heads, and the heads.

    ``forward`` gives the expression logits, always, so that adding a head changes no caller. ``signals`` is the second
    head, or None in a network that knows expressions alone; its weights are their own keys of the state dict, so old
    weights still load.
    """

    def __init__(
        self,
        trunk: nn.Module,
        *,
        outputs: int,
        dropout: float,
        signals: SignalsHead | None = None,
        length: int = FEATURES,
    ) -> None:
        """Join heads to ``trunk``, whose feature vectors have ``length`` numbers."""
        super().__init__()
        self.trunk = trunk
        self.dropout = nn.Dropout(dropout)
        self.expression = nn.Linear(length, outputs)
        self.signals = signals

    def features(self, images: Tensor) -> Tensor:
        """Return ``(N, 512)`` features of normalised gray images ``(N, 1, H, W)``."""
        return cast(Tensor, self.trunk(images))

    def maps(self, images: Tensor) -> Maps:
        """Return the maps of the trunk's last three stages of normalised gray images ``(N, 1, 48, 48)``."""
        trunk = self.trunk
        low = trunk.layer1(trunk.maxpool(trunk.relu(trunk.bn1(trunk.conv1(images)))))  # type: ignore[operator]
        fine = trunk.layer2(low)  # type: ignore[operator]
        middle = trunk.layer3(fine)  # type: ignore[operator]
        return fine, middle, trunk.layer4(middle)  # type: ignore[operator]

    def name(self, maps: Maps) -> Tensor:
        """Return ``(N, 8)`` expression logits from ``maps``."""
        return cast(Tensor, self.expression(self.dropout(maps[-1].mean(dim=(2, 3)))))

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(N, 8)`` expression logits in FER+ order of normalised gray images ``(N, 1, H, W)``."""
        return cast(Tensor, self.expression(self.dropout(self.features(images))))


def build_resnet18(
    *, outputs: int = len(EMOTIONS), dropout: float = 0.0, signals: bool = False, width: int = WIDTH
) -> FaceNet:
    """Return an untrained network in channels-last memory format; ``dropout`` acts before the expression head.

    ``width`` is the number of channels of the first stage; the others have twice, four and eight times as many.
    Blocks start with their batch norms at one, torchvision's default: with zero-initialised residuals (arXiv
    1706.02677, section 5.1) the loss on FER+ stood at that of the class shares for the first 275 steps.
    """
    ensure_torchvision()
    from torchvision.models import resnet18

    trunk = resnet18(weights=None)
    trunk.conv1 = nn.Conv2d(1, 64, kernel_size=3, stride=1, padding=1, bias=False)
    nn.init.kaiming_normal_(trunk.conv1.weight, mode="fan_out", nonlinearity="relu")
    trunk.fc = nn.Identity()
    if width != WIDTH:
        _widen(trunk, width)
    head = SignalsHead(width=width) if signals else None
    network = FaceNet(trunk, outputs=outputs, dropout=dropout, signals=head, length=FEATURES * width // WIDTH)
    return cast(FaceNet, network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


def _widen(trunk: Any, width: int) -> None:
    """Give torchvision's ResNet18 another width; torchvision itself knows widths of bottlenecks only."""
    from torchvision.models.resnet import BasicBlock

    trunk.inplanes = width
    trunk.conv1 = nn.Conv2d(1, width, kernel_size=3, stride=1, padding=1, bias=False)
    trunk.bn1 = nn.BatchNorm2d(width)
    for stage in range(4):
        layer = trunk._make_layer(BasicBlock, width * 2**stage, 2, stride=1 if stage == 0 else 2)
        setattr(trunk, f"layer{stage + 1}", layer)
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
