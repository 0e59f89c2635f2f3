"""A virtual student as a picture."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from engage.capture.virtual.body import body
from engage.capture.virtual.brush import Brush, lay
from engage.capture.virtual.eyes import draw_brow, draw_eye, draw_glasses
from engage.capture.virtual.folds import fold_shadow
from engage.capture.virtual.geometry import Floats, View, rotation
from engage.capture.virtual.hair import draw_behind, draw_ear, draw_locks, has_ears
from engage.capture.virtual.mouth import draw_mouth, draw_nose
from engage.capture.virtual.person import Person
from engage.capture.virtual.rig import actions
from engage.capture.virtual.room import backdrop
from engage.capture.virtual.shading import see
from engage.capture.virtual.state import FaceState
from engage.capture.virtual.texture import CUTS, head_of
from engage.core.types import Image

UNIT = 0.168
"""Pixels of a head unit at scale 1, as a share of the picture's height: faces are about a quarter as wide as 4:3."""
NECK_HEIGHT = 0.56
"""Where the top of the neck stands, as a share of the picture's height."""
_SMALL_PX = 480


def render(person: Person, state: FaceState, size: tuple[int, int] = (320, 240), noise: int = 0) -> Image:
    """Return ``person`` in ``state`` as ``(H, W, 3)`` uint8 BGR of ``size`` = (width, height).

    ``noise`` seeds the sensor's noise; the same arguments give the same picture, pixel for pixel. Pictures up to 480
    pixels wide are drawn at twice their size and scaled down.
    """
    picture = backdrop(person, size).copy()
    if state.present and state.light > 0.0:
        view = _view(person, state, size)
        draw_behind(Brush(picture, view.unit), view, person)
        _lay_body(picture, person, state, view)
        brush = Brush(picture, view.unit)
        draw_locks(brush, view, person, far=True)
        _draw_head(picture, person, state, view)
        draw_locks(brush, view, person, far=False)
    return _expose(picture, state.light, noise)


def _view(person: Person, state: FaceState, size: tuple[int, int]) -> View:
    width, height = size
    origin = (width / 2 + state.x * height, (NECK_HEIGHT + state.y) * height)
    turn = rotation(state.yaw_deg, state.pitch_deg, state.roll_deg)
    return View(person.shape, turn, origin, UNIT * height * state.scale, actions(state).jaw)


def _lay_body(picture: Image, person: Person, state: FaceState, view: View) -> None:
    made = 8 * max(3, round(view.unit / 8.0 + 0.5))
    colours, mask, anchor = body(person, made)
    zoom = view.unit / made
    x = view.origin[0] + 0.10 * view.unit * np.sin(np.deg2rad(state.yaw_deg))
    y = view.origin[1]
    place = np.array([[zoom, 0, x - anchor[0] * zoom], [0, zoom, y - anchor[1] * zoom]], np.float64)
    height, width = picture.shape[:2]
    top = max(0, int(y - anchor[1] * zoom))
    if top >= height:
        return
    place[1, 2] -= top
    size = (width, height - top)
    paint, cover = (np.asarray(cv2.warpAffine(layer, place, size), np.uint8) for layer in (colours, mask))
    lay(picture[top:], paint, cover)


def _draw_head(picture: Image, person: Person, state: FaceState, view: View) -> None:
    height, width = picture.shape[:2]
    zoom = 2 if width <= _SMALL_PX else 1
    x, y = view.project(np.array([[0.0, 0.0, 0.0]], np.float32))[0]
    side, up, down = (reach * view.unit for reach in _reach(person))
    x0, x1 = (min(max(0, int(edge)) & ~3, width) for edge in (x - side, x + side + 4))
    y0, y1 = (min(max(0, int(edge)) & ~3, height) for edge in (y - up, y + down + 4))
    if x1 - x0 < 8 or y1 - y0 < 8:
        return
    piece = picture[y0:y1, x0:x1]
    size = ((x1 - x0) * zoom, (y1 - y0) * zoom)
    canvas = np.asarray(cv2.resize(piece, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    close = view.moved(-x0, -y0, zoom)
    _draw_on(Brush(canvas, close.unit), close, person, state)
    piece[:] = cv2.resize(canvas, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA) if zoom > 1 else canvas


def _reach(person: Person) -> tuple[float, float, float]:
    """Return how far head and hair reach sideways, up and down from the head's middle, in head units."""
    thick = CUTS[person.style].top
    return 1.55 + thick, 1.85 + thick, 2.05


def _draw_on(brush: Brush, view: View, person: Person, state: FaceState) -> None:
    canvas, act, head, glow = brush.canvas, actions(state), head_of(person), _glow(person)
    sheet, size = view.sheet(), (canvas.shape[1], canvas.shape[0])
    near = [side for side in (-1, 1) if side * np.sin(np.deg2rad(state.yaw_deg)) < -0.12]
    ears = (-1, 1) if has_ears(person) else ()
    hair = see(size, view, head.hair, glow, None) if head.hair else None
    if hair:
        lay(canvas, np.asarray(cv2.convertScaleAbs(hair.lit, alpha=0.62), np.uint8), hair.outline)
    for side in ears:
        if side not in near:
            draw_ear(brush, view, person, side)
    folds = fold_shadow(sheet, view.unit, (person, act), (size[0] // 4 * 2, size[1] // 4 * 2))
    skin = see(size, view, head.skin, glow, folds)
    lay(canvas, skin.lit, skin.mask)
    for side in ears:
        if side in near:
            draw_ear(brush, view, person, side)
    for side in (-1, 1):
        if view.depth((0.55 * side, 0.0, 1.0)) > 0.15:
            draw_eye(brush, sheet, person, (state, act), side)
            draw_brow(brush, sheet, person, act, side)
    draw_mouth(brush, sheet, person, act)
    draw_nose(brush, sheet, person, act)
    if hair:
        lay(canvas, hair.lit, hair.mask)
    draw_glasses(brush, view, person)


def _glow(person: Person) -> Floats:
    """Return the key light's direction in camera axes and its strength."""
    key = np.array([0.62 * person.light_side, -0.50, 0.75])
    return np.append(key / np.linalg.norm(key), 0.42).astype(np.float32)


def _expose(picture: Image, light: float, noise: int) -> Image:
    """Return the picture as a small camera would: dimmed by the room, a little soft, a little noisy."""
    rng = np.random.default_rng([noise, 0x51])
    height, width = picture.shape[:2]
    if light != 1.0:
        picture = np.asarray(cv2.convertScaleAbs(picture, alpha=max(0.0, light), beta=2.0), np.uint8)
    dim = min(10, max(0, round(10.0 * (0.6 - light) / 0.6)))
    dy, dx = rng.integers(0, 64, 2).tolist()
    lighter, darker = (grain[dy : dy + height, dx : dx + width] for grain in _grain((width + 64, height + 64), dim))
    return np.asarray(cv2.subtract(cv2.add(picture, lighter), darker), np.uint8)


@lru_cache(maxsize=8)
def _grain(size: tuple[int, int], dim: int) -> tuple[Image, Image]:
    """Return a sensor's noise, what it adds and what it takes, stronger the dimmer (0-10) the room."""
    rng = np.random.default_rng(1)
    noise = np.round(rng.standard_normal((size[1], size[0], 3)) * (1.6 + 0.12 * dim))
    return np.maximum(noise, 0).astype(np.uint8), np.maximum(-noise, 0).astype(np.uint8)
