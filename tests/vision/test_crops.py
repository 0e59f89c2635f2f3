"""Crops: framing, pixels and edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.core.types import Box, Image
from engage.vision.crops import brightness, crop_faces, crop_square, cut_squares


def ramp(size: int = 240) -> Image:
    """Return a picture whose gray value is its column."""
    return np.tile(np.arange(size, dtype=np.uint8), (size, 1))


def test_the_square_has_the_centre_of_the_box_and_a_little_more_than_its_size() -> None:
    square = crop_square(Box(10, 20, 40, 90))
    assert (square.x + square.w / 2, square.y + square.h / 2) == pytest.approx((30, 65))
    assert square.w == square.h == pytest.approx(1.16 * 60)


@pytest.mark.parametrize("side", [20.0, 47.5, 48.0, 50.0, 96.0, 150.0, 200.0])
def test_a_crop_lies_where_it_should_to_a_fraction_of_a_pixel(side: float) -> None:
    left = 5.3
    crop = cut_squares(ramp(), [Box(left, 7.0, side, side)])[0]
    centres = left + (np.arange(48) + 0.5) * side / 48 - 0.5
    inside = (centres > 0) & (centres < 239)
    assert np.abs(crop[:, inside] - centres[inside]).max() < 1.6


def test_a_large_face_is_averaged_not_sampled() -> None:
    stripes = np.zeros((1200, 1200), np.uint8)
    stripes[:, ::2] = 255
    crop = cut_squares(stripes, [Box(101.5, 100.5, 960, 960)])[0]
    assert np.abs(crop.astype(int) - 127).max() <= 2


def test_the_edge_is_repeated_where_a_box_reaches_outside() -> None:
    image = np.full((60, 60), 200, np.uint8)
    image[:, :5] = 40
    crop = crop_faces(image, [Box(-40, 10, 60, 60)])[0]
    assert crop[:, :20].max() == 40
    assert crop[:, -1].min() == 200


def test_gray_follows_bt601() -> None:
    for bgr, luma in (((255, 0, 0), 29), ((0, 255, 0), 150), ((0, 0, 255), 76)):
        image = np.full((80, 80, 3), bgr, np.uint8)
        assert np.abs(crop_faces(image, [Box(10, 10, 50, 50)]).astype(int) - luma).max() <= 1
        assert brightness(image) == pytest.approx(luma / 255, abs=0.005)


def test_crops_keep_the_order_of_the_boxes_and_none_gives_none() -> None:
    image = np.zeros((100, 200), np.uint8)
    image[:, 100:] = 250
    crops = crop_faces(image, [Box(120, 20, 50, 50), Box(20, 20, 50, 50)])
    assert crops.shape == (2, 48, 48)
    assert crops.dtype == np.uint8
    assert crops[0].min() == 250
    assert crops[1].max() == 0
    assert crop_faces(image, []).shape == (0, 48, 48)


def test_colour_and_gray_of_a_picture_give_the_same_crop() -> None:
    rng = np.random.default_rng(1)
    colour = rng.integers(0, 256, (120, 160, 3), np.uint8)
    gray = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
    boxes = [Box(3.7, 8.2, 33, 44), Box(40, 30, 90, 90)]
    assert np.array_equal(crop_faces(colour, boxes), crop_faces(np.asarray(gray, np.uint8), boxes))


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    x=st.floats(-1e4, 1e4),
    y=st.floats(-1e4, 1e4),
    w=st.floats(0.01, 1e6),
    h=st.floats(0.01, 1e6),
)
def test_any_box_of_any_picture_gives_a_crop_of_its_values(
    height: int, width: int, x: float, y: float, w: float, h: float
) -> None:
    image = np.random.default_rng(0).integers(60, 180, (height, width), np.uint8)
    crop = crop_faces(image, [Box(x, y, w, h)])
    assert crop.shape == (1, 48, 48)
    assert image.min() <= crop.min() and crop.max() <= image.max()
    assert 0 <= brightness(image, Box(x, y, w, h)) <= 1


@pytest.mark.parametrize("box", [Box(0, 0, 0, 5), Box(0, 0, 5, -1), Box(float("nan"), 0, 5, 5)])
def test_a_box_without_area_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match="area"):
        crop_faces(ramp(), [box])


@pytest.mark.parametrize(
    "image", [np.empty((0, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5), np.float32)]
)
def test_what_is_no_picture_is_refused(image: Image) -> None:
    with pytest.raises(ValueError, match="picture"):
        crop_faces(image, [])
    with pytest.raises(ValueError, match="picture"):
        brightness(image)


def test_brightness_is_that_of_the_face_where_there_is_one() -> None:
    image = np.zeros((100, 100), np.uint8)
    image[20:60, 20:60] = 255
    assert brightness(image, Box(25, 25, 20, 20)) == 1.0
    assert brightness(image) == pytest.approx(0.16)
    assert brightness(image, Box(500, 0, 20, 20)) == pytest.approx(0.16)
