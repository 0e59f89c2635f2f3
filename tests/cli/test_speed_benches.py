"""``engage bench faces``, ``frames`` and ``baseline``: their figures are there and fit together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engage.cli import baseline_bench, faces_bench, frames_bench, measuring, plain_bench
from engage.cli.finding import network_source
from engage.cli.yardstick import answer_apart, per_core_s, surroundings
from engage.config import Settings, load
from engage.errors import EngageError
from engage.inference.backends.registry import Offer
from engage.inference.backends.source import Precision

SHORT_S = 0.01


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    inference = {"backend": "onnxruntime", "precision": "fp32", "cache": str(tmp_path_factory.mktemp("cache"))}
    return load(flags={"inference": inference, "vision": {"detector": "haar"}}, environment={})


def test_frames_go_all_the_way_and_are_compared_with_the_naive_way(settings: Settings) -> None:
    result = frames_bench.measure(settings, 1, SHORT_S)
    assert result["backend"] == "onnxruntime-fp32"
    assert min(result[f"{name}_frames_per_s"] for name in ("decoded", "jpeg", "naive")) > 0
    assert result["decoded_over_naive"] == pytest.approx(
        result["decoded_frames_per_s"] / result["naive_frames_per_s"], abs=0.1
    )
    assert 0 < result["jpeg_detector_share"] < 1 and result["jpeg_decoding_ms"] > 0


def test_the_naive_way_finds_the_drawn_faces() -> None:
    frames = [frames[0] for frames in baseline_bench.drawn_frames(2, 1)]
    result = baseline_bench.measure(frames, SHORT_S)
    assert frames[0].shape == (480, 640, 3)
    assert result["naive_faces_per_frame"] >= 1 and result["naive_haar_ms"] > 0 and result["naive_network_ms"] > 0


@pytest.mark.timeout(300)  # PyTorch here, two processes beside it
def test_each_precision_is_measured_in_a_process_of_its_own(settings: Settings) -> None:
    asked = [Offer("onnxruntime", Precision.FP32), Offer("openvino", Precision.BF16)]
    rows = faces_bench.measure(settings, asked, SHORT_S)["backends"]
    assert set(rows) == {"onnxruntime-fp32", "openvino-bf16"}
    exact = rows["onnxruntime-fp32"]
    assert set(exact["faces_per_s"]) == set(exact["over_baseline"]) == {"1", "8", "32"}
    assert exact["differences"]["expression"] < 1e-4 and exact["start_s"] > 0
    assert all(row.get("problem") or row["faces_per_s"] for row in rows.values())


@pytest.mark.timeout(300)  # PyTorch in two processes
def test_where_avx2_is_forced_every_library_is_told_so_in_a_process_of_its_own(settings: Settings) -> None:
    asked = [Offer("torch", Precision.FP32), Offer("onnxruntime", Precision.FP32)]
    found = plain_bench.measure(settings, plain_bench.Asked("faces", SHORT_S, asked))
    assert set(found["backends"]) == {"torch-fp32"}, "what has no switch is left out"
    assert found["backends"]["torch-fp32"]["over_baseline"]["1"] > 0 and found["baseline_faces_per_s"] > 0
    assert found["forced"]["torch_capability"] in ("AVX2", "DEFAULT"), "PyTorch itself says what it may use"
    assert found["forced"]["ONEDNN_MAX_CPU_ISA"] == found["forced"]["DNNL_MAX_CPU_ISA"] == "AVX2"
    assert "ONEDNN_MAX_CPU_ISA" not in os.environ


def test_the_environment_of_a_measured_process_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "asked_apart.py").write_text("import json, os; print(json.dumps(os.environ.get('ONLY_HERE')))")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert answer_apart("asked_apart", {}, 60, {"ONLY_HERE": "yes"}) == "yes"
    assert answer_apart("asked_apart", {}, 60) is None


def test_no_choice_made_under_avx2_is_kept(settings: Settings, tmp_path: Path) -> None:
    found = plain_bench.plain(settings, tmp_path)
    assert found.inference.cache == tmp_path and found.inference.backend == "openvino", "ONNX Runtime has no switch"
    torch = settings.model_copy(update={"inference": settings.inference.model_copy(update={"backend": "torch"})})
    assert plain_bench.plain(torch, tmp_path).inference.backend == "torch"


def test_an_offer_that_crashes_spoils_no_other(settings: Settings, tmp_path: Path) -> None:
    source = network_source(settings, 1)
    lost = type(source)(tmp_path, source.card, source.cache, source.drawn)
    found = measuring.measure_apart(lost, [Offer("torch", Precision.FP32), Offer("onnxruntime", Precision.FP32)])
    assert [one.problem for one in found] == ["crashed while it was measured"] * 2


def test_what_is_done_is_counted() -> None:
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        return sum(range(20_000)) and 5

    assert per_core_s(work, SHORT_S) > 0 and len(calls) >= 2


def test_a_process_that_fails_is_one_clear_line() -> None:
    with pytest.raises(EngageError, match="gave no answer") as caught:
        answer_apart("engage.cli.surely_missing", {}, 60)
    assert "\n" not in str(caught.value)


def test_every_result_says_where_it_was_made() -> None:
    assert set(surroundings()) == {"cores", "machine", "load_average", "measured_at"}
