"""What a head is covered with: skin, hair, beard and cloth over texture coordinates, and the relief they stand out by.

Textures are made once per person. Rows run from the crown to the chin, columns from the subject's right side over the
face to the left (see ``geometry.Surface``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.capture.virtual.geometry import DEPTH, LONGITUDE, Floats, axis_scales, relief, smoothstep
from engage.capture.virtual.person import Beard, Colour, HairStyle, Person

RELIEF_SIZE = (160, 224)
_SHADED_RELIEF = 0.85
"""Share of the relief that light and shadow show: all of it looks carved."""
COLOUR_SIZE = (288, 448)
"""Rows and columns of the relief and of the colours."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a hair style is cut. Lengths in head units, ``y`` as in the face's frontal view."""

    top: float
    """Thickness at the crown."""
    side: float
    hairline: float
    """Height of the hairline over the nose."""
    temple: float = -0.35
    nape: float = 0.95
    ears: float = -0.16
    """Height of the hair's edge over the ears; 1 or more covers them."""
    curl: float = 0.0
    density: float = 1.0


CUTS = {
    HairStyle.BUZZ: Cut(0.035, 0.02, -0.98, curl=0.3, density=0.72),
    HairStyle.CROP: Cut(0.15, 0.05, -0.88),
    HairStyle.SIDE_PART: Cut(0.19, 0.06, -0.90),
    HairStyle.CURLS: Cut(0.24, 0.15, -0.84, curl=1.0),
    HairStyle.AFRO: Cut(0.36, 0.40, -0.94, temple=-0.3, ears=0.1, curl=1.0),
    HairStyle.FRINGE_BOB: Cut(0.15, 0.17, -0.50, temple=-0.30, ears=1.3, nape=1.4),
    HairStyle.BOB: Cut(0.15, 0.19, -0.93, temple=-0.55, ears=1.3, nape=1.4),
    HairStyle.LONG: Cut(0.14, 0.14, -0.96, temple=-0.60, ears=1.5, nape=1.5),
    HairStyle.WAVY: Cut(0.19, 0.20, -0.92, temple=-0.55, ears=1.5, nape=1.5, curl=0.35),
    HairStyle.BUN: Cut(0.10, 0.05, -0.97),
    HairStyle.PONYTAIL: Cut(0.10, 0.05, -0.95),
    HairStyle.RECEDING: Cut(0.04, 0.06, -1.20, density=0.8),
    HairStyle.BALD: Cut(0.0, 0.0, -3.0),
    HairStyle.HEADSCARF: Cut(0.12, 0.12, -0.80),
}


@dataclass(frozen=True, slots=True)
class Texture:
    """A covering: axis scales and normals ``(V, U, 3)`` in head axes, colours ``(V', U', 3)`` BGR.

    A covering that is open at the face has four channels, the last its presence, and a ``lining``: how much of its far
    side there is at each of ``V'`` rows, 0-255.
    """

    scales: Floats
    normals: Floats
    colours: NDArray[np.uint8]
    gloss: float = 0.0
    """Strength of the highlights; dark skin shows them most."""
    lining: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))

    @property
    def lined(self) -> bool:
        """Whether the covering is open."""
        return self.lining.size > 0


@dataclass(frozen=True, slots=True)
class Head:
    """The skin of a head and, unless the hair is too short to stand out, the shell of hair or cloth over it."""

    skin: Texture
    hair: Texture | None


@dataclass(frozen=True, slots=True)
class Grid:
    """Where each texel lies: longitude (radians), latitude sine ``q``, frontal ``x`` and ``y``, ``front`` 0-1."""

    longitude: Floats
    q: Floats
    x: Floats
    y: Floats
    front: Floats


def _grid(person: Person, size: tuple[int, int]) -> Grid:
    rows, cols = size
    lat = (np.linspace(-0.5, 0.5, rows) * np.pi).astype(np.float32)[:, None]
    lon = (np.linspace(-1.0, 1.0, cols) * LONGITUDE).astype(np.float32)[None, :]
    q = np.sin(lat)
    wide, _ = axis_scales(person.shape, q)
    x = person.shape.width * wide * np.cos(lat) * np.sin(lon)
    y = np.broadcast_to(person.shape.height * q, x.shape).astype(np.float32)
    front = smoothstep(0.0, 0.35, np.cos(lon) * np.ones_like(x))
    return Grid(np.broadcast_to(lon, x.shape), np.broadcast_to(q, x.shape), x, y, front)


def _noise(rng: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> Floats:
    """Return smooth noise of mean 0 and spread about 1, with ``cells`` knots down and across."""
    small = rng.standard_normal(cells).astype(np.float32)
    return np.asarray(cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def _hair_edge(person: Person, grid: Grid) -> Floats:
    """Return how far inside the hair each texel lies, in head units (negative outside)."""
    cut = CUTS[person.style]
    if person.style is HairStyle.HEADSCARF:
        oval = np.hypot(grid.x / 0.84, (grid.y - 0.22) / 1.10)
        return np.where(grid.front > 0.2, oval - 1.0, 0.5).astype(np.float32)
    angle = np.degrees(np.abs(grid.longitude))
    burn = 0.22 if cut.ears < 1.0 else cut.ears
    knots = [0, 22, 42, 56, 66, 74, 86, 104, 118, 150]
    front = cut.hairline
    heights = [front, front + 0.02, front + 0.10, cut.temple - 0.15, cut.temple + 0.25, burn, cut.ears, cut.ears]
    heights += [max(cut.ears, cut.nape), max(cut.ears, cut.nape)]
    line = np.interp(angle, knots, heights).astype(np.float32)
    near = np.clip(1.0 - angle / 60.0, 0.0, 1.0)
    if person.style in (HairStyle.SIDE_PART, HairStyle.LONG, HairStyle.BOB, HairStyle.WAVY, HairStyle.CROP):
        sweep = np.sin(grid.longitude * 1.6) * person.part
        line += (near * (0.22 * np.maximum(sweep, 0.0) - 0.05 * np.maximum(-sweep, 0.0))).astype(np.float32)
    if person.style is HairStyle.RECEDING:
        line -= (0.25 * np.exp(-(((angle - 34.0) / 16.0) ** 2))).astype(np.float32)
    return np.asarray(line - grid.y, np.float32)


def _skin_scales(person: Person, grid: Grid) -> Floats:
    wide, deep = axis_scales(person.shape, grid.q)
    stand = 1.0 + relief(person.shape, grid.x, grid.y) * grid.front
    return np.stack([wide * stand, np.ones_like(stand), deep * stand], 2).astype(np.float32)


def _hair_scales(person: Person, grid: Grid) -> Floats:
    """Return the scales of the hair's shell, which passes over the face too but is cut open there."""
    cut = CUTS[person.style]
    wide, deep = axis_scales(person.shape, grid.q)
    up = smoothstep(-0.1, 0.9, -grid.q)
    out = cut.side + (cut.top - cut.side) * up
    if cut.curl:
        rng = np.random.default_rng([person.seed, 5])
        lumps = _noise(rng, grid.x.shape, (9, 14)) * (1.0 - grid.q**4)
        out = out * (1.0 + 0.13 * cut.curl * lumps)
    if cut.ears < 1.0 and person.style is not HairStyle.HEADSCARF:
        out = out * (0.15 + 0.85 * smoothstep(-0.45, 0.80, cut.ears - grid.y))
    crown = 1.0 + out * up * 0.8
    return np.stack([wide + out, crown, deep + out], 2).astype(np.float32)


def _normals(person: Person, grid: Grid, scales: Floats) -> Floats:
    wide, deep = axis_scales(person.shape, grid.q)
    smooth = cv2.merge([wide * np.ones_like(grid.x), np.ones_like(grid.x), deep * np.ones_like(grid.x)])
    scales = smooth + (scales - smooth) * np.float32(_SHADED_RELIEF)
    flat = np.sqrt(np.maximum(1.0 - grid.q**2, 1e-4))
    points = np.stack(
        [
            person.shape.width * scales[:, :, 0] * flat * np.sin(grid.longitude),
            person.shape.height * scales[:, :, 1] * grid.q,
            DEPTH * scales[:, :, 2] * flat * np.cos(grid.longitude),
        ],
        2,
    )
    normal = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normal /= np.linalg.norm(normal, axis=2, keepdims=True) + 1e-6
    outward = np.sum(normal * points, 2, keepdims=True)
    normal = np.where(outward < 0, -normal, normal).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(normal, (0, 0), 1.2), np.float32)


def _blend(colours: Floats, tint: Colour, share: Floats) -> Floats:
    return colours + (np.array(tint, np.float32) - colours) * share[:, :, None]


def _spot(grid: Grid, centre: tuple[float, float], size: tuple[float, float]) -> Floats:
    x, y = (np.abs(grid.x) - centre[0]) / size[0], (grid.y - centre[1]) / size[1]
    return np.asarray(np.exp(-(x**2) - y**2) * grid.front, np.float32)


def _skin(person: Person, grid: Grid, rng: np.random.Generator) -> Floats:
    shape = grid.x.shape
    skin = np.ones((*shape, 3), np.float32) * np.array(person.skin, np.float32)
    skin *= 1.0 + 0.012 * _noise(rng, shape, (30, 40))[:, :, None]
    rosy = (person.skin[0] * 0.72, person.skin[1] * 0.70, min(255.0, person.skin[2] * 1.0))
    dusk = (person.skin[0] * 0.48, person.skin[1] * 0.48, person.skin[2] * 0.58)
    skin = _blend(skin, rosy, 0.45 * _spot(grid, (0.55, 0.50), (0.26, 0.22)))
    skin = _blend(skin, rosy, 0.30 * _spot(grid, (0.0, person.shape.nose_length), (0.2, 0.14)))
    skin = _blend(skin, dusk, 0.70 * _spot(grid, (0.41, -0.05), (0.30, 0.15)))
    light = (min(255.0, person.skin[0] * 1.12), min(255.0, person.skin[1] * 1.10), min(255.0, person.skin[2] * 1.06))
    skin = _blend(skin, light, _spot(grid, (0.0, 0.16), (0.11, 0.30)))
    skin = _blend(skin, light, 0.7 * _spot(grid, (0.46, 0.33), (0.26, 0.10)))
    skin = _blend(skin, dusk, 0.16 * _spot(grid, (0.40, 0.13), (0.20, 0.06)))
    skin = _blend(skin, dusk, 0.40 * _spot(grid, (0.0, person.shape.nose_length + 0.125), (0.15, 0.03)))
    if person.freckles > 0.1:
        dots = (rng.random(shape) > 0.985).astype(np.float32)
        dots = cv2.GaussianBlur(dots, (0, 0), 1.1) * 4.0
        cheek = _spot(grid, (0.38, 0.38), (0.34, 0.2))
        skin = _blend(skin, dusk, np.clip(dots * cheek * person.freckles, 0.0, 0.6))
    return skin


def _beard(person: Person, grid: Grid, rng: np.random.Generator) -> Floats:
    """Return the share of beard over skin."""
    x, y = np.abs(grid.x), grid.y
    mouth = person.features.mouth_y
    top = mouth - 0.23 + 0.16 * x * x
    lip = smoothstep(0.0, 0.12, y - top) * (1 - smoothstep(0.20, 0.48, x))
    lip = lip * (1 - smoothstep(mouth - 0.06, mouth + 0.08, y - 0.5 * x * x))
    chin = smoothstep(mouth + 0.16, mouth + 0.26, y) * (1 - smoothstep(0.26, 0.44, x))
    side = smoothstep(0.0, 0.2, y - (1.15 - 1.05 * smoothstep(0.25, 0.95, x)))
    area = {
        Beard.NONE: np.zeros_like(x),
        Beard.STUBBLE: 0.34 * np.maximum(np.maximum(lip, chin), side),
        Beard.MOUSTACHE: 0.7 * lip,
        Beard.GOATEE: 0.75 * np.maximum(lip, chin),
        Beard.FULL: 0.85 * np.maximum(np.maximum(lip * 0.9, chin), side),
    }[person.beard]
    grain = 1.0 + 0.10 * rng.standard_normal(x.shape) + 0.06 * _noise(rng, x.shape, (40, 60))
    forward = np.abs(np.degrees(grid.longitude)) < 100
    return np.asarray(np.clip(area * grain * forward, 0.0, 0.95), np.float32)


def _strands(person: Person, grid: Grid, rng: np.random.Generator) -> Floats:
    """Return the brightness of the hair, about 1."""
    shape = grid.x.shape
    if CUTS[person.style].curl > 0.5:
        return 1.0 + 0.13 * _noise(rng, shape, (30, 44)) + 0.06 * _noise(rng, shape, (70, 100))
    if person.style is HairStyle.HEADSCARF:
        return 1.0 + 0.05 * _noise(rng, shape, (5, 14))
    rows, cols = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    lines = np.repeat(_noise(rng, (1, shape[1]), (1, 110)) + 0.7 * _noise(rng, (1, shape[1]), (1, 40)), shape[0], 0)
    bend = 14.0 * _noise(rng, shape, (4, 6)) + person.part * 26.0 * np.cos(grid.q * 1.5)
    flow = cv2.remap(lines, cols + bend.astype(np.float32), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    shine = np.exp(-(((grid.q + 0.70) / 0.10) ** 2)) * np.cos(grid.longitude * 0.8)
    return np.asarray(1.0 + 0.09 * flow + 0.16 * shine, np.float32)


def _shade_under_hair(person: Person, inside: Floats) -> Floats:
    reach = np.clip(inside + 0.12, 0.0, 1.0) / 0.12
    return np.asarray(0.34 * np.minimum(1.0, reach) * min(1.0, CUTS[person.style].top * 8.0), np.float32)


def _skin_colours(person: Person, grid: Grid) -> NDArray[np.uint8]:
    rng = np.random.default_rng([person.seed, 3])
    colours = _skin(person, grid, rng)
    colours = _blend(colours, person.hair, _beard(person, grid, rng))
    inside = _hair_edge(person, grid)
    dusk = (person.skin[0] * 0.45, person.skin[1] * 0.48, person.skin[2] * 0.58)
    colours = _blend(colours, dusk, _shade_under_hair(person, inside))
    scarf = person.style is HairStyle.HEADSCARF
    ragged = 0.0 if scarf else 0.02
    cover = smoothstep(-0.03, 0.06, inside + ragged * _noise(rng, inside.shape, (3, 120))) * CUTS[person.style].density
    tint = person.cloth_trim if scarf else person.hair
    shown = np.array(tint, np.float32) * (0.75 * _strands(person, grid, rng))[:, :, None]
    colours = colours + (shown - colours) * cover[:, :, None]
    return np.clip(colours, 0, 255).astype(np.uint8)


def _hair_colours(person: Person, grid: Grid) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng([person.seed, 4])
    inside = _hair_edge(person, grid)
    scarf = person.style is HairStyle.HEADSCARF
    ragged = 0.0 if scarf else 0.022 * _noise(rng, inside.shape, (3, 120))
    alpha = smoothstep(0.0, 0.03 if scarf else 0.07, inside + ragged)
    edge = 1.0 - 0.30 * np.exp(-((np.maximum(inside, 0.0) / 0.08) ** 2))
    tint = person.cloth_trim if scarf else person.hair
    hair = np.array(tint, np.float32) * (_strands(person, grid, rng) * edge)[:, :, None]
    beside = replace(grid, longitude=np.full_like(grid.longitude, np.float32(np.deg2rad(92.0))))
    lining = 255 * smoothstep(-0.35, -0.05, _hair_edge(person, beside)[:, 0]) * smoothstep(-1.15, -0.85, -grid.y[:, 0])
    layers = np.concatenate([hair, alpha[:, :, None] * 255], 2)
    return np.clip(layers, 0, 255).astype(np.uint8), lining.astype(np.uint8)


def has_shell(person: Person) -> bool:
    """Return whether the hair stands out from the skull."""
    return CUTS[person.style].top > 0.05


@lru_cache(maxsize=64)
def head_of(person: Person) -> Head:
    """Return the covering of ``person``'s head, made once and kept for the last 64 persons."""
    coarse, fine = _grid(person, RELIEF_SIZE), _grid(person, COLOUR_SIZE)
    scales = _skin_scales(person, coarse)
    gloss = 0.05 + 0.50 * (1.0 - float(np.mean(person.skin)) / 255.0) ** 2
    skin = Texture(scales, _normals(person, coarse, scales), _skin_colours(person, fine), gloss)
    if not has_shell(person):
        return Head(skin, None)
    shell = _hair_scales(person, coarse)
    colours, lining = _hair_colours(person, fine)
    return Head(skin, Texture(shell, _normals(person, coarse, shell), colours, lining=lining))
