"""The contract of SignalReader, over every implementation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from engage.core.protocols import SignalReader
from engage.core.signals import FaceSignals, SignalArrays
from engage.core.types import CROP_SIZE_PX, EMOTIONS
from engage.errors import ModelError
from engage.inference.classifier import Classifier, load
from engage.inference.network import build_resnet18
from tests.contracts.backends import ONNX, backed

RANGES = {
    "yaw_deg": (-90, 90),
    "pitch_deg": (-90, 90),
    "roll_deg": (-180, 180),
    "gaze_x": (-90, 90),
    "gaze_y": (-90, 90),
    "left_eye_open": (0, 1),
    "right_eye_open": (0, 1),
    "mouth_open": (0, 1),
    "smile": (0, 1),
    "brow": (-1, 1),
    "face_score": (0, 1),
}


def untrained() -> Classifier:
    torch.manual_seed(3)
    network = build_resnet18(width=16, signals=True).eval().requires_grad_(False)
    return replace(load(), network=network)


READERS: dict[str, Callable[[], SignalReader]] = {
    "untrained": untrained,
    "shipped": load,
    "backed": lambda: backed(ONNX),
}


@pytest.fixture(scope="module", params=READERS)
def reader(request: pytest.FixtureRequest) -> SignalReader:
    reader = READERS[request.param]()
    if not reader.reads_signals:
        pytest.skip("the shipped weights have no signals head")
    return reader


def crops(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, CROP_SIZE_PX, CROP_SIZE_PX), np.uint8)


def columns(found: SignalArrays) -> dict[str, np.ndarray]:
    return {item.name: getattr(found, item.name) for item in fields(found) if getattr(found, item.name) is not None}


@pytest.mark.parametrize("n", [0, 1, 35])
def test_every_signal_has_a_value_in_its_range_per_crop(reader: SignalReader, n: int) -> None:
    found = reader.signals(crops(n))
    assert set(columns(found)) == {*RANGES, "expression", "box_shift"} <= {item.name for item in fields(FaceSignals)}
    for name, (low, high) in RANGES.items():
        values = getattr(found, name)
        assert values.shape == (n,) and values.dtype == np.float32
        assert np.isfinite(values).all() and ((values >= low) & (values <= high)).all(), name
    assert found.box_shift.shape == (n, 3) and found.box_shift.dtype == np.float32
    assert np.isfinite(found.box_shift).all()


def test_the_expression_is_that_of_predict(reader: SignalReader) -> None:
    found = reader.signals(crops(5)).expression
    assert found is not None and found.shape == (5, len(EMOTIONS))
    np.testing.assert_allclose(found, reader.predict(crops(5)), atol=1e-4)


def test_without_the_expression_all_else_is_the_same(reader: SignalReader) -> None:
    whole, bare = (columns(reader.signals(crops(4), expression=wanted)) for wanted in (True, False))
    assert set(whole) - set(bare) == {"expression"}
    for name, values in bare.items():
        np.testing.assert_allclose(values, whole[name], atol=1e-3)


def test_a_row_depends_on_its_crop_alone(reader: SignalReader) -> None:
    batch = crops(36)
    whole, one = columns(reader.signals(batch)), columns(reader.signals(batch[34:35]))
    for name, values in one.items():
        np.testing.assert_allclose(whole[name][34:35], values, atol=1e-2, err_msg=name)


@pytest.mark.parametrize("wrong", [np.zeros((1, 47, 48), np.uint8), np.zeros((1, 48, 48), np.float32)])
def test_what_is_no_crop_is_refused(reader: SignalReader, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="48"):
        reader.signals(wrong)


def test_when_it_is_not_wanted_the_expression_head_is_not_evaluated() -> None:
    classifier, calls = untrained(), []
    classifier.network.expression.register_forward_hook(lambda *_: calls.append(1))
    classifier.signals(crops(2), expression=False)
    assert calls == []
    classifier.signals(crops(2))
    assert calls == [1]


def test_without_the_head_there_are_no_signals() -> None:
    bare = replace(load(), network=build_resnet18(width=16).eval())
    assert not bare.reads_signals
    with pytest.raises(ModelError, match="signals head"):
        bare.signals(crops(1))
