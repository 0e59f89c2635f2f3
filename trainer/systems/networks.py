"""The paper's networks besides ResNet18: a plain CNN, a CNN read row by row by an LSTM, a ResNet18 with dense layers.

All are ``FaceNet``s, a trunk that gives features and an expression head, so that one training loop serves all.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from engage.inference.network import FEATURES, WIDTH, FaceNet, build_resnet18

CHANNELS = (32, 64, 128)
DENSE = (256, 128)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """Return two 3 x 3 convolutions and a halving max-pool."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


def _convolutions() -> nn.Sequential:
    """Return three blocks: ``(N, 1, 48, 48)`` to ``(N, 128, 6, 6)``."""
    return nn.Sequential(*(_block(*pair) for pair in zip((1, *CHANNELS[:-1]), CHANNELS, strict=True)))


def build_cnn(*, outputs: int, dropout: float) -> FaceNet:
    """Return an untrained plain CNN: six convolutions, a dense layer of 256 features, 1.5 million parameters."""
    trunk = nn.Sequential(
        _convolutions(),
        nn.AdaptiveAvgPool2d(6),
        nn.Flatten(),
        nn.Linear(CHANNELS[-1] * 36, 256),
        nn.ReLU(True),
    )
    return FaceNet(trunk, outputs=outputs, dropout=dropout, length=256)


class RowReader(nn.Module):
    """A CNN whose map is read from top to bottom by an LSTM, one row of the face after the other."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(_convolutions(), nn.AdaptiveAvgPool2d(6))
        self.lstm = nn.LSTM(CHANNELS[-1] * 6, hidden, batch_first=True, bidirectional=True)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(N, 2 * hidden)`` features: the mean of the LSTM's outputs over the six rows."""
        rows = self.convolutions(images).permute(0, 2, 1, 3).flatten(2)
        return cast(Tensor, self.lstm(rows)[0].mean(dim=1))


def build_cnn_lstm(*, outputs: int, dropout: float) -> FaceNet:
    """Return an untrained CNN + LSTM with 256 features."""
    return FaceNet(RowReader(128), outputs=outputs, dropout=dropout, length=256)


def build_dense_resnet18(*, outputs: int, dropout: float, width: int = WIDTH) -> FaceNet:
    """Return an untrained ResNet18 with dense layers of 256 and 128 before the head: the paper's denser one."""
    layers: list[nn.Module] = []
    for inputs, size in zip((FEATURES * width // WIDTH, *DENSE[:-1]), DENSE, strict=True):
        layers += [nn.Linear(inputs, size), nn.BatchNorm1d(size), nn.ReLU(True), nn.Dropout(dropout)]
    trunk = nn.Sequential(build_resnet18(outputs=outputs, width=width).trunk, *layers)
    return FaceNet(trunk, outputs=outputs, dropout=dropout, length=DENSE[-1])
