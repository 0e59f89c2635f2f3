"""ResNet18 for training on a CPU, by Winograd's convolutions (Lavin and Gray 2015, arXiv 1509.09308).

Equal to the network itself up to rounding: 3x3 convolutions of a 6x6 tile take 64 multiplications a channel pair
instead of 324. Maps stand as ``(H, W, N, C)``: so both transforms are plain matrix products and nothing is copied into
place. A step takes three fifths of the time on two cores with AVX2; GPUs have the like in cuDNN, and CPUs with AMX are
faster still in bf16. Reads from top to bottom: ``maps`` → ``_block`` → ``_conv``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engage.inference.network import FaceNet, Maps

TAPS = 3
POINTS = {5: (0, 1, -1, 2), 8: (0, 1, -1, 2, -2, 0.5, -0.5)}
"""Where the tiles' polynomials are evaluated, besides infinity, by the side of a tile with its border."""


@dataclass(frozen=True, slots=True)
class Transforms:
    """Matrices for maps of one side: ``into`` ``(P * T, side)``, ``out`` ``(side, P * T)`` for ``T`` tiles of ``P``
    points in a row, ``kernel`` ``(P * P, 9)``.
    """

    into: Tensor
    out: Tensor
    kernel: Tensor
    points: int
    tiles: int


def logits(network: FaceNet, images: Tensor) -> Tensor:
    """Return what ``network`` returns of normalised gray images ``(N, 1, 48, 48)``, with the same gradients."""
    return network.name(maps(network, images))


def maps(network: FaceNet, images: Tensor) -> Maps:
    """Return what ``network.maps`` returns of normalised gray images ``(N, 1, 48, 48)``, with the same gradients."""
    trunk: Any = network.trunk
    low = trunk.maxpool(trunk.relu(trunk.bn1(trunk.conv1(images))))
    here = low.permute(2, 3, 0, 1).contiguous()
    found = []
    for stage in (trunk.layer1, trunk.layer2, trunk.layer3, trunk.layer4):
        for block in stage:
            here = _block(here, block)
        found.append(here.permute(2, 3, 0, 1))
    _, fine, middle, coarse = found
    return fine, middle, coarse


def _block(here: Tensor, block: Any) -> Tensor:
    """Return what torchvision's BasicBlock makes of ``(H, W, N, C)``."""
    inner = torch.relu(_norm(_conv(here, block.conv1), block.bn1))
    inner = _norm(_conv(inner, block.conv2), block.bn2)
    if block.downsample is not None:
        thin, norm = block.downsample
        here = _norm(here[::2, ::2] @ thin.weight.flatten(1).t(), norm)
    return torch.relu(inner + here)


def _norm(here: Tensor, norm: nn.BatchNorm2d) -> Tensor:
    """Return the batch norm of ``(H, W, N, C)``, which as ``(H, C, W, N)`` is a channels-last picture to torch."""
    normed: Tensor = norm(here.permute(0, 3, 1, 2))
    return normed.permute(0, 2, 3, 1)


def _conv(here: Tensor, conv: nn.Conv2d) -> Tensor:
    """Return the 3x3 convolution, with a border of zeros, of ``(H, W, N, C)``."""
    if conv.stride[0] != 1:
        return _strided(here, conv)
    side, _, n, channels = here.shape
    kept = conv.out_channels
    by = transforms(side)
    rows = by.points * by.tiles
    kernel = by.kernel @ conv.weight.permute(2, 3, 1, 0).reshape(TAPS**2, channels * kept)
    kernel = kernel.view(by.points, 1, by.points, channels, kept).expand(-1, by.tiles, -1, -1, -1)
    tiles = (by.into @ here.reshape(side, -1)).view(rows, side, n * channels)
    tiles = torch.matmul(by.into, tiles).view(-1, by.tiles * n, channels)
    tiles = torch.bmm(tiles, kernel.reshape(-1, channels, kept))
    tiles = torch.matmul(by.out, tiles.view(rows, rows, n * kept))
    return (by.out @ tiles.view(rows, -1)).view(side, side, n, kept)


def _strided(here: Tensor, conv: nn.Conv2d) -> Tensor:
    """Return the 3x3 convolution at every second place: the nine places under its taps side by side, one product."""
    padded = nn.functional.pad(here, (0, 0, 0, 0, 1, 0, 1, 0))
    ends = here.shape[0] - 1, here.shape[1] - 1
    places = [padded[y : y + ends[0] : 2, x : x + ends[1] : 2] for y in range(TAPS) for x in range(TAPS)]
    return torch.cat(places, dim=-1) @ conv.weight.permute(2, 3, 1, 0).flatten(0, 2)


@cache
def transforms(side: int) -> Transforms:
    """Return the matrices for square maps of ``side``, in tiles of six, or of three where six do not fit."""
    tile = 6 if side % 6 == 0 else 3
    points, count = tile + TAPS - 1, side // tile
    into, kernel, out = _tile(tile)
    first, last = np.zeros((points, count, side + 2)), np.zeros((count, tile, points, count))
    for index in range(count):
        first[:, index, index * tile : index * tile + points] = into
        last[index, :, :, index] = out
    return Transforms(
        _float(first[:, :, 1:-1].reshape(points * count, side)),
        _float(last.reshape(side, points * count)),
        _float(np.kron(kernel, kernel)),
        points,
        count,
    )


def _tile(tile: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the transforms into and of the kernel, ``(P, P)`` and ``(P, 3)``, and out, ``(tile, P)``, of one row.

    Toom-Cook's multiplication of polynomials, transposed; rows are scaled so that both factors are of like size.
    """
    points = tile + TAPS - 1
    into = np.linalg.inv(_evaluation(points, points)).T
    kernel = _evaluation(points, TAPS)
    scale = np.sqrt(np.abs(into).max(axis=1) / np.abs(kernel).max(axis=1))[:, None]
    return into / scale, kernel * scale, _evaluation(points, tile).T


def _evaluation(points: int, length: int) -> np.ndarray[Any, Any]:
    """Return the matrix that evaluates polynomials of ``length`` coefficients at the points and at infinity."""
    powers = np.array(POINTS[points], float)[:, None] ** np.arange(length)
    return np.vstack([powers, np.eye(length)[-1]])


def _float(values: np.ndarray[Any, Any]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
