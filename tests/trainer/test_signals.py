"""Targets follow the picture: checked against drawings whose truth is exact."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engage.capture.virtual.geometry import rotation
from engage.core.types import Box
from engage.vision.crops import crop_square, shift_between
from trainer.augment import Moves
from trainer.signals import Targets, angles, answers, follow, signal_loss


def moves(angle: float = 0.0, zoom: float = 1.0, mirror: float = 1.0, dx: float = 0.0, dy: float = 0.0) -> Moves:
    return Moves(*(torch.tensor([float(value)]) for value in (angle, zoom, mirror, dx, dy)))


def targets(turn: tuple[float, float, float] = (0, 0, 0), shift: tuple[float, float, float] = (0, 0, 0)) -> Targets:
    values = torch.tensor([[8.0, -3.0, 0.9, 0.1, 0.2, 0.3, 0.4]])
    return Targets(
        torch.from_numpy(rotation(*turn)).unsqueeze(0),
        values,
        torch.tensor([shift], dtype=torch.float32),
        torch.ones(1),
    )


@pytest.mark.parametrize("turn", [(20, 0, 0), (-35, 12, 0), (10, -25, 15), (0, 0, -28), (40, 20, -10)])
def test_angles_are_those_a_drawing_was_turned_by(turn: tuple[float, float, float]) -> None:
    found = angles(torch.from_numpy(rotation(*turn)).unsqueeze(0))[0]
    assert found.tolist() == pytest.approx(turn, abs=1e-3)


def test_a_mirror_image_looks_the_other_way_with_the_other_eye() -> None:
    found = answers(follow(moves(mirror=-1), targets((20, 5, 8), (0.1, -0.2, 0.3))))[0]
    assert found.tolist() == pytest.approx([-20, 5, -8, -8, -3, 0.1, 0.9, 0.2, 0.3, 0.4, -0.1, -0.2, 0.3, 1], abs=1e-3)


def test_a_picture_turned_counterclockwise_rolls_a_level_head_clockwise_as_the_subject_feels_it() -> None:
    # The cut is turned by +10 degrees (image axes, y down), so what it shows turns back by 10: its top to the left.
    cut = moves(angle=math.radians(10))
    assert angles(follow(cut, targets()).turn)[0].tolist() == pytest.approx([0, 0, 10], abs=1e-3)
    picture = torch.zeros(1, 1, 48, 48)
    picture[0, 0, :6, 22:26] = 1
    columns = cut.cut(picture, 48)[0, 0].sum(dim=0)
    assert float((columns * torch.arange(48)).sum() / columns.sum()) < 22


@pytest.mark.parametrize(
    "moved", [{"dx": 0.5}, {"dy": -0.3, "zoom": 1.3}, {"angle": 0.3, "dx": 0.2}, {"mirror": -1, "dx": 0.4, "zoom": 0.8}]
)
def test_the_framing_follows_what_is_cut(moved: dict[str, float]) -> None:
    picture = torch.zeros(1, 1, 96, 96)
    picture[0, 0, 40:44, 60:64] = 1  # a face whose framing crop is centred there
    crop = Box(24, 24, 48, 48)
    side = 40.0
    shift = ((62 - 48) / 48, (42 - 48) / 48, math.log(side / 48))
    cut = moves(**moved)
    seen = follow(cut, targets(shift=shift)).shift[0]
    image = cut.cut(picture, 48, context=2.0)[0, 0]
    x = float((image.sum(0) * (torch.arange(48) + 0.5)).sum() / image.sum())
    y = float((image.sum(1) * (torch.arange(48) + 0.5)).sum() / image.sum())
    assert [x / 48 - 0.5, y / 48 - 0.5] == pytest.approx(seen[:2].tolist(), abs=0.02)
    assert float(seen[2]) == pytest.approx(math.log(side / 48 / moved.get("zoom", 1.0)))
    box = Box(62 - side / 2.32, 42 - side / 2.32, side / 1.16, side / 1.16)
    assert shift_between(crop, box) == pytest.approx(shift, abs=1e-6)
    assert crop_square(box).w == pytest.approx(side)


def test_what_is_not_known_costs_nothing_and_what_is_known_does() -> None:
    right = answers(targets((20, 0, 0)))
    assert float(signal_loss(torch.cat([right[:, :13], torch.full((1, 1), 20.0)], dim=1), right)) < 1e-6
    wrong = right.clone()
    wrong[:, 0] += 30
    assert float(signal_loss(wrong, right)) > 0.5
    right[:, 0] = math.nan
    assert float(signal_loss(torch.cat([wrong[:, :13], torch.full((1, 1), 20.0)], dim=1), right)) < 1e-6


def test_nothing_is_no_face() -> None:
    blank = answers(Targets.nothing(2, torch.device("cpu")))
    assert blank[:, :13].isnan().all()
    assert blank[:, 13].tolist() == [0, 0]
    assert np.isfinite(float(signal_loss(torch.zeros(2, 14), blank)))
