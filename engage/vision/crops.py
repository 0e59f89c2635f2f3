"""The crop that the network reads: the only crop and resize of a face in the project, shared with the trainer.

The rule makes a crop look like a picture of FER2013, which FER+ labels. Measured on 632 validation pictures of FER+,
enlarged to 72, 144 and 240 pixels and found by YuNet: the picture's side is 1.16, 1.16 and 1.14 times the geometric
mean of the box's sides (quartiles 1.05 and 1.26), its centre is the box's within 1 % of the side, and crops cut again
differ least from the pictures at 1.15 to 1.2. The geometric mean varies less from face to face than width or height
alone (heads that turn get narrower, mouths that open make the face longer).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.types import CROP_SIZE_PX, Box, Image
from engage.vision.images import brightness_of, checked, gray

SIDE_PER_BOX = 1.16
"""Side of the crop over the geometric mean of a face box's sides (YuNet's convention: forehead to chin)."""

Shift = tuple[float, float, float]
"""``(dx, dy, log_scale)`` from a crop to the one its face should have: the centre's way in crop widths, x to the right
and y down, and the natural logarithm of the ratio of the sides."""

FINEST = 4
"""Samples per crop pixel and axis at most; larger faces are shrunk by area means first."""


def crop_square(box: Box) -> Box:
    """Return the square, in pixels of the frame and maybe beyond its edge, that a face box's crop shows."""
    if not all(map(math.isfinite, (box.x, box.y, box.w, box.h))) or box.w <= 0 or box.h <= 0:
        raise ValueError(f"not a box with an area: {box}")
    side = SIDE_PER_BOX * math.sqrt(box.w * box.h)
    return Box(box.x + (box.w - side) / 2, box.y + (box.h - side) / 2, side, side)


def shift_between(square: Box, box: Box) -> Shift:
    """Return where the face in ``box`` lies relative to the crop ``square``: what ``signals().box_shift`` answers.

    ``square`` is what was cut (as ``crop_square`` gives it, or a square moved away from it to train on), ``box`` the
    detector's box of the face (YuNet's convention). (0, 0, 0) means that the crop is framed as ``crop_square(box)``.
    Raises ValueError for a box without area.
    """
    if not square.w > 0:
        raise ValueError(f"not a box with an area: {square}")
    framed = crop_square(box)
    return (
        (framed.x + framed.w / 2 - square.x - square.w / 2) / square.w,
        (framed.y + framed.h / 2 - square.y - square.h / 2) / square.w,
        math.log(framed.w / square.w),
    )


def apply_shift(box: Box, shift: Shift) -> Box:
    """Return ``box`` moved to the face that its crop shows, ``shift`` away: the inverse of ``shift_between``.

    ``apply_shift(box, shift_between(crop_square(box), face))`` has the centre and the area of ``face``; the proportion
    of width to height stays that of ``box``, since a square crop says nothing of it. Raises ValueError for a box
    without area or a shift that is not finite.
    """
    dx, dy, log_scale = shift
    if not all(map(math.isfinite, shift)):
        raise ValueError(f"not a shift: {shift}")
    side, growth = crop_square(box).w, math.exp(log_scale)
    x, y = box.x + box.w / 2 + dx * side, box.y + box.h / 2 + dy * side
    w, h = box.w * growth, box.h * growth
    return Box(x - w / 2, y - h / 2, w, h)


def crop_faces(image: Image, boxes: Sequence[Box]) -> Image:
    """Return ``(N, 48, 48)`` uint8 gray crops of the faces in ``boxes``, in their order; ``N`` may be 0.

    ``image`` is ``(H, W, 3)`` BGR or ``(H, W)`` gray uint8, boxes are in its pixels (face from forehead to chin, as
    every detector here gives them). Where a crop reaches past the picture, the picture's edge is repeated. Shrinking
    averages areas. Raises ValueError for an empty picture or a box without area.
    """
    return cut_squares(image, [crop_square(box) for box in boxes])


def cut_squares(image: Image, squares: Sequence[Box]) -> Image:
    """Return ``(N, 48, 48)`` uint8 gray pictures of exactly these squares (as ``crop_square`` gives them)."""
    checked(image)
    crops = np.empty((len(squares), CROP_SIZE_PX, CROP_SIZE_PX), np.uint8)
    for crop, square in zip(crops, squares, strict=True):
        crop[...] = _cut(image, square)
    return crops


def brightness(image: Image, box: Box | None = None) -> float:
    """Return the mean gray, 0-1, of the face in ``box``, or of the whole picture where there is none.

    A box that does not touch the picture counts as none. Raises ValueError for an empty picture.
    """
    checked(image)
    if box is not None:
        left, right = _span(box.x, box.x + box.w, image.shape[1])
        top, bottom = _span(box.y, box.y + box.h, image.shape[0])
        if box.x < image.shape[1] and box.y < image.shape[0] and box.x + box.w > 0 and box.y + box.h > 0:
            return brightness_of(image[top:bottom, left:right])
    return brightness_of(image)


def _cut(image: Image, square: Box) -> NDArray[np.uint8]:
    scale = square.w / CROP_SIZE_PX
    factor = math.ceil(scale / FINEST)
    margin = 2 * factor  # for the neighbours that interpolation needs, also after shrinking
    left, right = _span(square.x - margin, square.x + square.w + margin, image.shape[1])
    top, bottom = _span(square.y - margin, square.y + square.h + margin, image.shape[0])
    patch = gray(image[top:bottom, left:right])
    x, y = square.x - left, square.y - top
    if factor > 1:
        patch, factor = _presized(patch, factor)
        x, y, scale = x / factor, y / factor, scale / factor
    # Sampling each crop pixel at n x n points and averaging them is an area mean at subpixel precision.
    n = min(math.ceil(scale), FINEST)
    step = scale / n
    # Pixel centres: sample i covers the patch from x + i * step, its centre lies half a step further.
    shift = (step - 1) / 2
    matrix = np.array([[step, 0, x + shift], [0, step, y + shift]])
    size = (n * CROP_SIZE_PX, n * CROP_SIZE_PX)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(patch, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if n > 1:
        fine = cv2.resize(fine, (CROP_SIZE_PX, CROP_SIZE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(fine, np.uint8)


def _presized(patch: Image, factor: int) -> tuple[Image, int]:
    """Return ``patch`` shrunk by area means and the whole factor it was shrunk by, at most its shorter side.

    A whole factor is three times as fast as a broken one; what is left over at the right and the bottom is let go.
    """
    factor = min(factor, *patch.shape)
    height, width = patch.shape[0] // factor, patch.shape[1] // factor
    whole = patch[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8), factor


def _span(start: float, stop: float, size: int) -> tuple[int, int]:
    """Return the whole pixels from ``start`` to ``stop`` that exist, at least one of them."""
    first = min(max(math.floor(start), 0), size - 1)
    return first, max(min(math.ceil(stop), size), first + 1)
