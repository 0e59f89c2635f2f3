"""Detection in a part of the frame: the same faces, in the frame's own pixels."""

from __future__ import annotations

import numpy as np
import pytest

from engage.core.types import Box, Face, Image
from engage.vision.regions import REGION_PX, detect_in, is_worth_while, region_about


class Bright:
    """Finds the one bright rectangle, with a landmark at its corner; notes the size of what it saw."""

    name = "bright"

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def detect(self, image: Image) -> list[Face]:
        self.seen.append(image.shape)
        rows, columns = np.nonzero(image[..., 0] > 128)
        if not len(rows):
            return []
        x, y = float(columns.min()), float(rows.min())
        box = Box(x, y, float(columns.max()) + 1 - x, float(rows.max()) + 1 - y)
        return [Face(box, 0.9, np.full((5, 2), (x, y), np.float32))]


def picture(box: tuple[int, int, int, int], size: tuple[int, int] = (480, 640)) -> Image:
    x, y, w, h = box
    image = np.zeros((*size, 3), np.uint8)
    image[y : y + h, x : x + w] = 255
    return image


@pytest.mark.parametrize("face", [(300, 200, 60, 80), (30, 40, 18, 24), (560, 380, 48, 60)])
def test_a_face_is_found_where_it_is_in_the_frame(face: tuple[int, int, int, int]) -> None:
    x, y, w, h = face
    detector, about = Bright(), region_about(Box(x + w * 0.3, y - h * 0.2, w, h))
    (found,) = detect_in(detector, picture(face), about)
    pixel = about.side / REGION_PX
    assert detector.seen == [(REGION_PX, REGION_PX, 3)]
    for value, true in zip((found.box.x, found.box.y, found.box.w, found.box.h), face, strict=True):
        assert value == pytest.approx(true, abs=1.5 * max(pixel, 1))
    assert found.landmarks is not None
    assert found.landmarks[0] == pytest.approx((found.box.x, found.box.y))


def test_a_face_that_the_region_cuts_off_is_left_out() -> None:
    assert detect_in(Bright(), picture((300, 200, 200, 80)), region_about(Box(300, 200, 60, 80))) == []


def test_without_landmarks_there_are_none() -> None:
    detector = Bright()
    find = detector.detect
    detector.detect = lambda image: [Face(face.box, 0.8) for face in find(image)]  # type: ignore[method-assign]
    (found,) = detect_in(detector, picture((300, 200, 60, 80)), region_about(Box(300, 200, 60, 80)))
    assert found.landmarks is None and found.confidence == 0.8


@pytest.mark.parametrize(
    ("size", "height", "longest_px", "worth"),
    [
        ((480, 640), 100, 320, True),
        ((480, 640), 300, 320, False),
        ((120, 160), 40, 320, False),
        ((480, 640), 100, 640, True),
    ],
)
def test_a_region_is_looked_at_where_that_is_cheaper(
    size: tuple[int, int], height: int, longest_px: int, worth: bool
) -> None:
    image = np.zeros((*size, 3), np.uint8)
    region = region_about(Box(size[1] / 2, size[0] / 2, height * 0.8, height))
    assert is_worth_while(region, image, longest_px) is worth
