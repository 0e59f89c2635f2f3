"""The shift of a box: what the network learns, and its inverse."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage.core.types import Box
from engage.vision.boxes import centre, overlap, side
from engage.vision.crops import SIDE_PER_BOX, apply_shift, crop_square, shift_between

BOXES = st.builds(Box, *[st.floats(-500, 2000)] * 2, *[st.floats(5, 900)] * 2)


@given(BOXES)
def test_a_well_framed_face_has_no_shift(box: Box) -> None:
    assert shift_between(crop_square(box), box) == pytest.approx((0, 0, 0), abs=1e-9)
    assert overlap(apply_shift(box, (0.0, 0.0, 0.0)), box) == pytest.approx(1)


@given(BOXES, BOXES)
def test_applying_a_shift_undoes_it(box: Box, face: Box) -> None:
    found = apply_shift(box, shift_between(crop_square(box), face))
    assert centre(found) == pytest.approx(centre(face), abs=1e-6)
    assert side(found) == pytest.approx(side(face))
    assert found.w / found.h == pytest.approx(box.w / box.h)


@given(BOXES)
def test_a_shift_is_to_the_right_down_and_larger_in_crop_widths(box: Box) -> None:
    width = SIDE_PER_BOX * side(box)
    moved = Box(box.x + 0.1 * width - box.w / 2, box.y - 0.2 * width - box.h / 2, box.w * 2, box.h * 2)
    assert shift_between(crop_square(box), moved) == pytest.approx((0.1, -0.2, math.log(2)), abs=1e-9)


@pytest.mark.parametrize("shift", [(math.nan, 0.0, 0.0), (0.0, math.inf, 0.0), (0.0, 0.0, -math.inf)])
def test_what_is_no_shift_is_refused(shift: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="not a shift"):
        apply_shift(Box(0, 0, 10, 10), shift)


def test_no_shift_starts_or_ends_at_a_box_without_area() -> None:
    with pytest.raises(ValueError, match="not a box with an area"):
        shift_between(Box(0, 0, 0, 0), Box(0, 0, 1, 1))
    with pytest.raises(ValueError, match="not a box with an area"):
        shift_between(Box(0, 0, 10, 10), Box(0, 0, 1, 0))
    with pytest.raises(ValueError, match="not a box with an area"):
        apply_shift(Box(0, 0, 0, 10), (0.0, 0.0, 0.0))
