"""The shape of a head in three dimensions and its way into the picture.

Head axes: x to the image's right (the subject's own left), y down, z towards the camera. The unit is half the width of
the face at the temples (about 7 cm); the origin lies between the ears at the height of the eyes. The head is an
ellipsoid ``(W ax sin t cos p, H sin p, D az cos t cos p)`` whose axes are scaled point by point: jaw, nose, sockets,
cheeks and hair are all such scales.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DEPTH = 1.28
"""Half the depth of the head: the tip of the skull's front lies 9 cm before the ears."""
CAMERA_DISTANCE = 7.0
"""Distance of the camera in head units, about half a metre."""
PIVOT = np.array([0.0, 0.55, -0.25], np.float32)
"""The point about which a head turns: the top of the neck."""
JAW_STRETCH = 0.20
"""How much longer the lower face grows when the jaw drops entirely; a point sinks with the square of its height."""


@dataclass(frozen=True, slots=True)
class HeadShape:
    """What makes one skull unlike another. Lengths in head units."""

    width: float = 1.0
    height: float = 1.5
    jaw: float = 0.0
    """Squareness of the jaw, -1 pointed to 1 square."""
    nose_length: float = 0.62
    nose_width: float = 1.0
    nose_height: float = 0.2
    cheeks: float = 1.0


def smoothstep(low: float, high: float, value: NDArray[Any]) -> Floats:
    """Return 0 below ``low``, 1 above ``high`` and a smooth rise between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def _bump(x: Floats, y: Floats, centre: tuple[float, float], size: tuple[float, float]) -> Floats:
    return np.exp(-(((x - centre[0]) / size[0]) ** 2) - ((y - centre[1]) / size[1]) ** 2)


def relief(shape: HeadShape, x: Floats, y: Floats) -> Floats:
    """Return how far the face stands out at frontal points, as a share of the head's radius."""
    tip = shape.nose_length
    side = np.abs(x)
    rise = smoothstep(-0.35, tip, y)
    ridge = rise * (1.0 - smoothstep(tip + 0.02, tip + 0.17, y))
    width = (0.10 + 0.09 * rise) * shape.nose_width
    out = shape.nose_height * ridge * np.exp(-((x / width) ** 2))
    out += 0.055 * _bump(side, y, (0.15 * shape.nose_width, tip + 0.02), (0.08, 0.09))
    out -= 0.085 * _bump(side, y, (0.40, -0.02), (0.26, 0.17))
    out += 0.025 * _bump(side, y, (0.36, -0.30), (0.30, 0.10))
    out += 0.030 * shape.cheeks * _bump(side, y, (0.56, 0.45), (0.26, 0.24))
    out += 0.024 * _bump(x, y, (0.0, 0.95), (0.42, 0.24))
    out -= 0.022 * _bump(x, y, (0.0, 1.13), (0.26, 0.06))
    out += 0.045 * _bump(x, y, (0.0, 1.24), (0.26, 0.17))
    return np.asarray(out, np.float32)


def axis_scales(shape: HeadShape, q: Floats) -> tuple[Floats, Floats]:
    """Return the scales of width and depth at heights ``q`` (-1 crown, 0 eyes, 1 chin)."""
    low = smoothstep(0.25, 0.95, q)
    wide = 1.04 + (0.08 + 0.12 * shape.jaw) * low - 0.07 * smoothstep(0.05, 0.6, q)
    wide += 0.05 * smoothstep(0.1, 0.6, -q)
    return wide, 1.0 + 0.34 * low


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Floats:
    """Return the (3, 3) matrix that turns head axes into camera axes: yaw after pitch after roll."""
    y, p, r = np.deg2rad([yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float32)


_SHEET_CELLS = 72
_SHEET_REACH = 1.2
"""The face is placed by a net of knots over its frontal view, so far beyond the head's half width."""


@lru_cache(maxsize=256)
def _knots(shape: HeadShape) -> Floats:
    """Return the points ``(72 * 72, 3)`` of a net over the face, row by row from the crown to the chin."""
    axis = np.linspace(-1.0, 1.0, _SHEET_CELLS, dtype=np.float32)
    x, y = np.meshgrid(axis * shape.width * _SHEET_REACH, axis * shape.height)
    q = y / shape.height
    wide, deep = axis_scales(shape, q)
    inner = 1.0 - q * q - (x / (shape.width * wide)) ** 2
    grow = 1.0 + relief(shape, x, y)
    z = DEPTH * deep * np.sqrt(np.maximum(inner, 0.0))
    return np.stack([x * grow, y, z * grow], 2).reshape(-1, 3).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A face laid out in a picture: ``place`` looks frontal points up in a net of pixels ``(72, 72, 2)``."""

    net: Floats
    scale: Floats

    def place(self, points: Floats) -> Floats:
        """Return frontal points ``(N, 2)`` in head units as pixels ``(N, 2)``."""
        knots = (points * self.scale + np.float32((_SHEET_CELLS - 1) / 2.0)).astype(np.float32)
        column, row = knots[:, :1], knots[:, 1:]
        placed = cv2.remap(self.net, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(placed[:, 0, :], np.float32)


@dataclass(frozen=True, slots=True)
class View:
    """A head's place in a picture: turned by ``turn``, its pivot at ``origin`` (px), ``unit`` pixels to a head unit."""

    shape: HeadShape
    turn: Floats
    origin: tuple[float, float]
    unit: float
    jaw: float = 0.0
    fine: bool = False
    """Whether the picture is to be scaled down to half."""

    def moved(self, dx: float, dy: float, zoom: float = 1.0) -> View:
        """Return the same view in pixels shifted by ``dx, dy`` and then enlarged ``zoom`` times."""
        x, y = self.origin
        origin = ((x + dx) * zoom, (y + dy) * zoom)
        return replace(self, origin=origin, unit=self.unit * zoom, fine=self.fine or zoom == 2.0)

    def low_height(self) -> float:
        """Return the half height of the lower face, longer when the jaw drops."""
        return self.shape.height * (1.0 + JAW_STRETCH * self.jaw)

    def project(self, points: Floats) -> Floats:
        """Return head points ``(N, 3)`` as pixels ``(N, 2)``."""
        turned = (points.astype(np.float32) - PIVOT) @ self.turn.T
        near = np.float32(self.unit * CAMERA_DISTANCE) / (np.float32(CAMERA_DISTANCE) - turned[:, 2:])
        return np.asarray(turned[:, :2] * near + np.array(self.origin, np.float32), np.float32)

    def sheet(self) -> Sheet:
        """Return the face laid out in this view."""
        knots = _knots(self.shape)
        if self.jaw > 0.0:
            knots = knots.copy()
            below = np.maximum(knots[:, 1], 0.0)
            knots[:, 1] += below * below * np.float32(JAW_STRETCH * self.jaw / self.shape.height)
        half = (_SHEET_CELLS - 1) / 2.0
        scale = np.array([half / (self.shape.width * _SHEET_REACH), half / self.shape.height], np.float32)
        return Sheet(self.project(knots).reshape(_SHEET_CELLS, _SHEET_CELLS, 2), scale)

    def depth(self, point: tuple[float, float, float]) -> float:
        """Return how far a direction in head axes points to the camera (> 0) or away."""
        return float(self.turn[2] @ np.array(point, np.float32))


@dataclass(frozen=True, slots=True)
class Surface:
    """Where the head is met by the line of sight of each pixel of a grid.

    ``u, v`` are texture coordinates 0-1 (longitude -150 to 150 degrees, latitude crown to chin), ``depth_in`` is how
    far inside the outline the pixel lies, in head units (negative outside).
    """

    u: Floats
    v: Floats
    depth_in: Floats


LONGITUDE = np.float32(np.deg2rad(150.0))


def meet(view: View, scales: Floats, size: tuple[int, int], rounds: int = 3) -> Surface:
    """Return the surface seen in a ``size`` = (width, height) grid.

    ``scales`` is ``(V, U, 3)``: the scale of each axis over texture coordinates. The crossing with an ellipsoid is
    exact; its scales depend on the crossing, so that it is found by iteration, damped because a step of the relief
    (a lock, the side of the nose) makes it swing.
    """
    start, step = _rays(view, size)
    rows, cols = scales.shape[:2]
    base = np.array([view.shape.width, view.shape.height, DEPTH], np.float32)
    low = np.float32(view.low_height() / view.shape.height)
    inverse = (1.0 / (base * np.array([1.05, 1.02, 1.1], np.float32)))[:, None, None]
    u = v = inside = np.empty(0, np.float32)
    scale: Floats = np.empty(0, np.float32)
    for turn in range(rounds):
        if turn:
            fresh = np.asarray(cv2.remap(scales, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
            scale = fresh if turn == 1 else scale * np.float32(0.45) + fresh * np.float32(0.55)
            inverse = _inverse_axes(scale, base)
            if low > 1.0:
                inverse[1] /= np.where(v > (rows - 1) / 2, low, np.float32(1.0))
        x, y, z, inside = _cross(start * inverse, step * inverse)
        u = _signed(z, x) * np.float32((cols - 1) / (2 * LONGITUDE)) + np.float32((cols - 1) / 2)
        flat = np.asarray(cv2.magnitude(x, z), np.float32)
        if low > 1.0:
            y, flat = _unstretched(y, flat, float(low) - 1.0)
        v = _signed(flat, y) * np.float32((rows - 1) / np.pi) + np.float32((rows - 1) / 2)
    return Surface(u / np.float32(cols - 1), v / np.float32(rows - 1), np.float32(0.5) * inside)


def _unstretched(y: Floats, flat: Floats, stretch: float) -> tuple[Floats, Floats]:
    """Return the place in the face at rest that has come to lie at ``y`` of a face with its jaw dropped."""
    root = np.sqrt(np.maximum(y, 0.0) * np.float32(4.0 * stretch * (1.0 + stretch)) + np.float32(1.0))
    rest = np.where(y > 0.0, (root - np.float32(1.0)) / np.float32(2.0 * stretch), y)
    across = np.where(y > 0.0, np.sqrt(np.maximum(np.float32(1.0) - rest * rest, 0.0)), flat)
    return np.asarray(rest, np.float32), np.asarray(across, np.float32)


def _inverse_axes(scale: Floats, base: Floats) -> Floats:
    planes = np.stack([np.asarray(plane, np.float32) for plane in cv2.split(scale)])
    return np.asarray(np.reciprocal(planes * base[:, None, None]), np.float32)


def _cross(o: Floats, d: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return where rays ``o + t d`` ``(3, H, W)`` enter the unit sphere, and how far inside its outline they pass."""
    a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    b = (o[0] * d[0] + o[1] * d[1] + o[2] * d[2]) / a
    inside = b * b * a - (o[0] * o[0] + o[1] * o[1] + o[2] * o[2]) + np.float32(1.0)
    t = np.sqrt(np.maximum(inside, np.float32(0.0)) / a) - b
    return o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2], inside


def _signed(along: Floats, up: Floats) -> Floats:
    angle = np.asarray(cv2.phase(along, up), np.float32)
    return np.asarray(angle - np.float32(2 * np.pi) * (angle > np.float32(np.pi)), np.float32)


def _rays(view: View, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return start and direction of each pixel's line of sight in head axes, ``(3, H, W)`` each."""
    px = (np.arange(size[0], dtype=np.float32) + np.float32(0.5 - view.origin[0])) / np.float32(view.unit)
    py = (np.arange(size[1], dtype=np.float32) + np.float32(0.5 - view.origin[1])) / np.float32(view.unit)
    flat = view.turn[0][:, None, None] * px[None, None, :] + view.turn[1][:, None, None] * py[None, :, None]
    step = flat * np.float32(-1.0 / CAMERA_DISTANCE) + view.turn[2][:, None, None]
    return flat + PIVOT[:, None, None], step
