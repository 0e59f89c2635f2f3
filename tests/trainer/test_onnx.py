"""The ONNX file answers as the model does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from engage.inference.classifier import Classifier, load
from engage.inference.network import build_resnet18
from trainer.errors import TrainerError
from trainer.onnx_file import write_onnx

if TYPE_CHECKING:
    from tests.trainer.conftest import Command


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    network = build_resnet18(width=16).eval().requires_grad_(False)
    return Classifier(replace(load(threads=1).card, temperature=1.7), network)


@pytest.fixture(scope="module")
def file(classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "new" / "tiny.onnx"
    assert write_onnx(classifier, path) < 1e-5
    return path


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_crops_gets_the_models_answers(file: Path, classifier: Classifier, count: int) -> None:
    crops = np.random.default_rng(count).integers(0, 256, (count, 48, 48), np.uint8)
    (found,) = ReferenceEvaluator(onnx.load(file)).run(None, {"crops": crops})
    np.testing.assert_allclose(found, classifier.predict(crops), atol=1e-5)


def test_the_file_is_whole_and_names_its_ends(file: Path) -> None:
    graph = onnx.load(file).graph
    assert ([item.name for item in graph.input], [item.name for item in graph.output]) == (["crops"], ["probabilities"])
    assert [path.name for path in file.parent.iterdir()] == ["tiny.onnx"]


def test_a_folder_that_cannot_be_written_is_one_clear_line(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainerError, match="cannot write") as caught:
        write_onnx(classifier, tmp_path / "file" / "tiny.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arguments", [(), ("--run", "nowhere"), ("--run", "nowhere", "--to", "x", "--weights", "y")])
def test_half_a_command_is_one_clear_line(trainer_command: Command, arguments: tuple[str, ...]) -> None:
    found = trainer_command("export", *arguments)
    assert (found.code, len(found.err.strip().splitlines())) == (2, 1)
