"""Augmentation of a whole batch at once, in torch: on two CPU cores 1 % of the time of a training step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainer.recipe import Augmentation


@dataclass(frozen=True, slots=True)
class Moves:
    """How each of ``N`` pictures is cut anew: about its middle by ``angle`` (radians), ``zoom`` (above 1 shows more),
    ``mirror`` (1 or -1), then ``dx, dy`` in half sides.
    """

    angle: Tensor
    zoom: Tensor
    mirror: Tensor
    dx: Tensor
    dy: Tensor

    def cut(self, images: Tensor, size_px: int, *, context: float = 1.0, reflect: bool = False) -> Tensor:
        """Return ``(N, 1, size_px, size_px)`` cuts, 0-1; ``context`` is the pictures' side in sides of their crop.

        Bicubic: irises and lids are two pixels high in a face of 48 pixels, and bilinear resampling blurs them away.
        """
        cos, sin = self.angle.cos() * self.zoom, self.angle.sin() * self.zoom
        rows = [cos * self.mirror, -sin, self.dx, sin * self.mirror, cos, self.dy]
        matrix = torch.stack(rows, dim=1).view(-1, 2, 3) / context
        grid = functional.affine_grid(matrix, [len(images), 1, size_px, size_px], align_corners=False)
        padding = "reflection" if reflect else "border"
        cuts = functional.grid_sample(images, grid, mode="bicubic", padding_mode=padding, align_corners=False)
        return cuts.clamp_(0, 1)


def augment(images: Tensor, size_px: int, settings: Augmentation, rng: torch.Generator) -> Tensor:
    """Return changed copies of ``images``, resampled once to ``size_px``.

    Args:
        images: ``(N, 1, H, H)`` float, 0-1.
        size_px: side of the result.
        settings: how far an image may be changed.
        rng: source of all randomness, on the images' device.

    Returns:
        ``(N, 1, size_px, size_px)`` float, 0-1.
    """
    return finish(_warp(images, size_px, settings, rng), settings, rng)


def finish(images: Tensor, settings: Augmentation, rng: torch.Generator) -> Tensor:
    """Return ``images`` ``(N, 1, H, H)`` as worse cameras see them and partly painted over, each pixel in its place."""
    for step in (_relight, _coarsen, _grain, _erase):
        images = step(images, settings, rng)
    return images


def resize(images: Tensor, size_px: int) -> Tensor:
    """Return ``images`` ``(N, 1, H, W)`` bilinearly resampled to ``size_px``, or themselves if they have that size."""
    if images.shape[-1] == images.shape[-2] == size_px:
        return images
    return functional.interpolate(images, size=(size_px, size_px), mode="bilinear", antialias=True)


def uniform(n: int, reach: float, rng: torch.Generator) -> Tensor:
    """Return ``n`` numbers spread evenly over -``reach`` to ``reach``, on the device of ``rng``."""
    return (torch.rand(n, generator=rng, device=rng.device) * 2 - 1) * reach


def _warp(images: Tensor, size_px: int, settings: Augmentation, rng: torch.Generator) -> Tensor:
    n = len(images)
    angle = uniform(n, math.radians(settings.rotate_deg), rng)
    zoom = torch.exp(uniform(n, math.log1p(settings.scale), rng))
    mirror = 1 - 2 * (torch.rand(n, generator=rng, device=rng.device) < settings.flip).to(zoom.dtype)
    dx, dy = uniform(n, 2 * settings.shift, rng), uniform(n, 2 * settings.shift, rng)
    return Moves(angle, zoom, mirror, dx, dy).cut(images, size_px)


def _relight(images: Tensor, settings: Augmentation, rng: torch.Generator) -> Tensor:
    n = len(images)
    gain = torch.exp(uniform(n, math.log1p(settings.contrast), rng)).view(n, 1, 1, 1)
    lift = uniform(n, settings.brightness, rng).view(n, 1, 1, 1)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((images - mean) * gain + mean + lift).clamp_(0, 1)


def _coarsen(images: Tensor, settings: Augmentation, rng: torch.Generator) -> Tensor:
    if not settings.coarse:
        return images
    side = int(torch.randint(images.shape[-1] // 3, images.shape[-1] * 2 // 3, (), generator=rng, device=rng.device))
    chosen = torch.rand(len(images), generator=rng, device=rng.device) < settings.coarse
    return torch.where(chosen.view(-1, 1, 1, 1), resize(resize(images, side), images.shape[-1]), images)


def _grain(images: Tensor, settings: Augmentation, rng: torch.Generator) -> Tensor:
    if not settings.grain:
        return images
    chosen = torch.rand(len(images), generator=rng, device=rng.device) < settings.grain
    level = torch.rand(len(images), generator=rng, device=rng.device) * settings.grain_max * chosen
    grain = torch.randn(images.shape, generator=rng, device=rng.device)
    return (images + grain * level.view(-1, 1, 1, 1)).clamp_(0, 1)


def _erase(images: Tensor, settings: Augmentation, rng: torch.Generator) -> Tensor:
    n, px = len(images), images.shape[-1]
    area = torch.rand(n, generator=rng, device=rng.device) * (settings.erase_max_area - 0.02) + 0.02
    stretch = torch.exp(uniform(n, math.log(2.0), rng))
    half_w, half_h = (area * stretch).sqrt() / 2, (area / stretch).sqrt() / 2
    x, y = torch.rand(2, n, generator=rng, device=rng.device)
    axis = (torch.arange(px, device=images.device) + 0.5) / px
    inside = ((axis - x[:, None]).abs() < half_w[:, None])[:, None, :] & ((axis - y[:, None]).abs() < half_h[:, None])[
        :, :, None
    ]
    chosen = torch.rand(n, generator=rng, device=rng.device) < settings.erase
    noise = torch.rand(images.shape, generator=rng, device=rng.device)
    return torch.where((inside & chosen[:, None, None])[:, None], noise, images)
