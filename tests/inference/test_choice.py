"""The choice of a backend: measured once, remembered, and never one that answers otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engage.core.signals import SignalArrays
from engage.errors import ModelError
from engage.inference.backends import registry
from engage.inference.backends.choice import choose
from engage.inference.backends.measuring import Measured, differences
from engage.inference.backends.registry import REFERENCE, Kind, Offer, offers
from engage.inference.backends.source import Precision, Source, open_source
from engage.inference.card import default_folder


class Stopwatch:
    """Stands in for the measurement: given speeds and problems, it counts how often it was asked."""

    def __init__(self, *found: Measured) -> None:
        self.found = found
        self.asked: list[Sequence[Offer]] = []

    def __call__(self, source: Source, candidates: Sequence[Offer]) -> Sequence[Measured]:
        self.asked.append(candidates)
        return self.found


FAST = Measured("onnxruntime", "int8", 300.0)
SLOW = Measured("torch", "fp32", 80.0)
WRONG = Measured("openvino", "int8", 900.0, problem="answers otherwise than PyTorch in fp32")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return open_source(default_folder(), tmp_path / "cache", lambda: np.zeros((1, 48, 48), np.uint8))


def test_the_fastest_that_agrees_is_taken_and_remembered(source: Source) -> None:
    first, second = Stopwatch(SLOW, FAST, WRONG), Stopwatch()
    assert choose(source, "auto", "auto", first) == Offer("onnxruntime", Precision.INT8)
    assert choose(source, "auto", "auto", second) == Offer("onnxruntime", Precision.INT8)
    assert (len(first.asked), second.asked) == (1, [])
    assert REFERENCE in first.asked[0]


def test_other_weights_are_measured_again_and_another_number_of_threads_is_not(source: Source) -> None:
    choose(source, "auto", "auto", Stopwatch(FAST))
    again = Stopwatch(SLOW)
    assert choose(replace(source, threads=2), "auto", "auto", again) == Offer("onnxruntime", Precision.INT8)
    other = replace(source, card=replace(source.card, sha256="0" * 64))
    assert choose(other, "auto", "auto", again) == REFERENCE and len(again.asked) == 1


def test_a_setting_that_leaves_no_choice_is_not_measured(source: Source) -> None:
    never = Stopwatch()
    assert choose(source, "torch", "fp32", never) == REFERENCE and never.asked == []


def test_without_a_usable_answer_pytorch_reads_until_there_is_one(source: Source) -> None:
    assert choose(source, "auto", "auto", Stopwatch(WRONG)) == REFERENCE
    assert choose(source, "openvino", "auto", Stopwatch()).backend == "openvino"
    assert choose(source, "auto", "auto", Stopwatch(FAST)) == Offer("onnxruntime", Precision.INT8)


def test_a_damaged_memory_is_measured_anew(source: Source) -> None:
    choose(source, "auto", "auto", Stopwatch(FAST))
    (path,) = source.cache.glob("choice-*.json")
    path.write_text('{"choice": {"backend": "onnxruntime"', "utf-8")
    again = Stopwatch(SLOW)
    assert choose(source, "auto", "auto", again) == REFERENCE and len(again.asked) == 1


def test_a_cache_that_cannot_be_written_costs_only_the_memory(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lost = replace(source, cache=tmp_path / "file" / "cache")
    assert choose(lost, "auto", "auto", Stopwatch(FAST)) == Offer("onnxruntime", Precision.INT8)
    with pytest.raises(ModelError, match=r"inference\.cache") as caught:
        lost.graph(Precision.FP32)
    assert "\n" not in str(caught.value)


def test_what_is_not_installed_is_not_offered_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Kind(("surely_not_installed",), "openvino", (Precision.FP32,), registry.KINDS["torch"].build)
    monkeypatch.setattr(registry, "KINDS", {**registry.KINDS, "openvino": absent})
    assert "openvino" not in {offer.backend for offer in offers()}
    with pytest.raises(ModelError, match=r"surely_not_installed.*engage\[openvino\]"):
        offers("openvino")


def test_a_precision_that_a_backend_does_not_have_is_said() -> None:
    with pytest.raises(ModelError, match=r"torch.*int8"):
        offers("torch", "int8")


def test_differences_are_the_largest_of_each_kind() -> None:
    zeros = np.zeros(2, np.float32)
    names = ("yaw_deg", "pitch_deg", "roll_deg", "gaze_x", "gaze_y", "left_eye_open", "right_eye_open", "mouth_open")
    same = SignalArrays(
        expression=np.zeros((2, 8), np.float32), box_shift=np.zeros((2, 3), np.float32),
        **dict.fromkeys((*names, "smile", "brow", "face_score"), zeros),
    )  # fmt: skip
    other = replace(same, pitch_deg=zeros - 3, smile=zeros + np.float32(0.25))
    assert differences(other, same) == {"expression": 0.0, "angle_deg": 3.0, "share": 0.25, "box_shift": 0.0}
