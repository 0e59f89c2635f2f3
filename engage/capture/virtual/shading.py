"""Light on a head: what the camera sees of skin and hair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from engage.capture.virtual.geometry import Floats, View, meet
from engage.capture.virtual.texture import Texture
from engage.core.types import Image

T = TypeVar("T", Floats, Image)
_WARMTH = (1.22, 1.10, 0.94)
"""Shadows on skin are warm: exponents of blue, green and red over the brightness below full light."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A covering as seen: colours ``(H, W, 3)``; ``mask`` of what is seen and ``outline`` with its far side, 0-255."""

    lit: Image
    mask: Image
    outline: Image


def see(size: tuple[int, int], view: View, cover: Texture, glow: Floats, dark: Image | None) -> Sight:
    """Return one covering, ``size`` = (width, height), in the light ``glow``: direction (camera axes) and strength.

    Its shape is found at a quarter of the size, light and the shadows ``dark`` at half. So are colours where the head
    is drawn larger than life (``view.fine``); the outline is always sharp.
    """
    rounds = 4 if cover.lined else 3
    found = meet(view.moved(0, 0, 0.25), cover.scales, (size[0] // 4, size[1] // 4), rounds)
    half = (2 * found.u.shape[1], 2 * found.u.shape[0])
    place = (_resized(found.u, half), _resized(found.v, half))
    shades = _shades(view, cover, glow, place, dark)
    if not view.fine:
        place, shades = (_resized(found.u, size), _resized(found.v, size)), _resized(shades, size)
    colours = _sample(cover.colours, *place)
    edge = _resized(found.depth_in, size) * np.float32(view.unit * 255.0) + np.float32(128.0)
    outline = np.clip(edge, 0.0, 255.0).astype(np.uint8)
    if not cover.lined:
        return Sight(_resized(_product(colours, shades, 128.0), size), outline, outline)
    alpha = _resized(np.asarray(cv2.extractChannel(colours, 3), np.uint8), size)
    plain = np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGRA2BGR), np.uint8)
    rows = cover.lining.shape[0]
    lining = _resized(np.take(cover.lining, np.clip(found.v * rows, 0, rows - 1).astype(np.int32)), size)
    lit = _resized(_product(plain, shades, 128.0), size)
    return Sight(lit, _product(outline, alpha, 255.0), _product(outline, lining, 255.0))


def _product(one: Image, other: Image, full: float) -> Image:
    return np.asarray(cv2.multiply(one, other, scale=1.0 / full), np.uint8)


def _shades(view: View, cover: Texture, glow: Floats, place: tuple[Floats, Floats], dark: Image | None) -> Image:
    """Return the brightness of each channel at the texture coordinates ``place``, 128 for full light."""
    light = cv2.transform(cover.normals, (glow[:3] @ view.turn)[None, :])
    light = np.maximum(light, np.float32(-0.3)) * glow[3] + (np.float32(1.04) - glow[3])
    if cover.gloss > 0.0:
        middle = glow[:3] + np.array([0.0, 0.0, 1.0], np.float32)
        shine = cv2.transform(cover.normals, (middle / np.linalg.norm(middle) @ view.turn)[None, :].astype(np.float32))
        shine = cv2.pow(np.maximum(shine, np.float32(0.0)), 12.0)
        light += shine * np.float32(cover.gloss)
    shade = _sample(light, *place)
    plain = cv2.convertScaleAbs(shade, alpha=128.0)
    if dark is not None:
        plain = cv2.multiply(plain, cv2.bitwise_not(dark), scale=1 / 255.0)
    return np.asarray(cv2.LUT(cv2.merge([plain, plain, plain]), _warm_table()), np.uint8)


def _warm_table() -> Image:
    level = np.arange(256) / 128.0
    below = np.minimum(level, 1.0)
    rows = [128.0 * np.maximum(level, 1.0) * below**power for power in _WARMTH]
    return np.clip(np.stack(rows, 1), 0, 255).astype(np.uint8).reshape(1, 256, 3)


def _resized(layer: T, size: tuple[int, int]) -> T:
    if layer.shape[1::-1] == size:
        return layer
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR), layer.dtype)


def _sample(texture: T, u: Floats, v: Floats) -> T:
    rows, cols = texture.shape[:2]
    column, row = u * np.float32(cols - 1), v * np.float32(rows - 1)
    return np.asarray(cv2.remap(texture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), texture.dtype)
