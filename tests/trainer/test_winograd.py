"""The quick way through the network gives what the network gives, and teaches it the same."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor

from engage.inference.network import FaceNet, build_resnet18
from trainer import winograd


@pytest.fixture
def network() -> FaceNet:
    torch.manual_seed(1)
    return build_resnet18(width=16, signals=True)


@pytest.fixture
def images() -> Tensor:
    return torch.randn((5, 1, 48, 48), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("training", [False, True])
def test_it_gives_the_networks_own_maps_and_logits(network: FaceNet, images: Tensor, training: bool) -> None:
    network.train(training)
    for quick, own in zip(winograd.maps(network, images), network.maps(images), strict=True):
        assert quick.shape == own.shape
        torch.testing.assert_close(quick, own, rtol=1e-3, atol=1e-4 * own.abs().max().item())
    torch.testing.assert_close(winograd.logits(network, images), network(images), rtol=1e-3, atol=1e-3)


def test_it_teaches_the_network_the_same(network: FaceNet, images: Tensor) -> None:
    other = deepcopy(network)
    network(images).square().mean().backward()
    winograd.logits(other, images).square().mean().backward()
    for (name, own), quick in zip(network.named_parameters(), other.parameters(), strict=True):
        if own.grad is None:
            assert quick.grad is None, name
        else:
            assert quick.grad is not None, name
            assert (quick.grad - own.grad).norm() <= 0.02 * own.grad.norm() + 1e-6, name
    for (name, own), quick in zip(network.named_buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(quick, own, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("side", [3, 6, 12, 24])
def test_one_convolution(side: int) -> None:
    conv = torch.nn.Conv2d(4, 8, 3, padding=1, bias=False)
    here = torch.randn((side, side, 3, 4), generator=torch.Generator().manual_seed(side))
    own = conv(here.permute(2, 3, 0, 1)).permute(2, 3, 0, 1)
    torch.testing.assert_close(winograd._conv(here, conv), own, rtol=1e-3, atol=1e-4)
