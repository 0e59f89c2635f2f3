"""Cards, weights and predictions, through ``load`` and ``predict``."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from engage.core.types import EMOTIONS
from engage.errors import ModelError
from engage.inference.card import DEFAULT_MODEL, default_folder, load_card
from engage.inference.classifier import load
from engage.inference.network import build_resnet18

CARD = """\
schema = 1
name = "tiny"
version = "1"
architecture = "resnet18"
labels = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
input_px = 48
colour = "gray"
mean = 0.5
std = 0.25
temperature = 1.0
unknown_below = 0.4
weights = "weights.safetensors"
sha256 = "{sha256}"
dtype = "float16"
trained_on = ["FER2013Train"]
selected_on = []
licence = "test"
"""


@pytest.fixture(scope="session")
def weights() -> bytes:
    torch.manual_seed(0)
    network = build_resnet18()
    return safetensors.torch.save({name: value.half().contiguous() for name, value in network.state_dict().items()})


@pytest.fixture
def write(tmp_path: Path, weights: bytes) -> Callable[..., Path]:
    """Return a function that writes a model folder, with changes to the card's text."""

    def _write(*changes: tuple[str, str], content: bytes = weights) -> Path:
        text = CARD.format(sha256=hashlib.sha256(content).hexdigest())
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "card.toml").write_text(text, encoding="utf-8")
        (tmp_path / "weights.safetensors").write_bytes(content)
        return tmp_path

    return _write


@pytest.fixture
def crops() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)


def test_probabilities_have_the_promised_shape_and_sum(write: Callable[..., Path], crops: np.ndarray) -> None:
    found = load(write()).predict(crops)
    assert found.shape == (5, 8)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert (found >= 0).all()


def test_no_crops_give_no_rows(write: Callable[..., Path]) -> None:
    assert load(write()).predict(np.empty((0, 48, 48), np.uint8)).shape == (0, 8)


def test_a_crop_is_answered_the_same_alone_and_among_many(write: Callable[..., Path], crops: np.ndarray) -> None:
    classifier = load(str(write()))
    many = np.concatenate([crops] * 8)
    np.testing.assert_allclose(classifier.predict(many)[36], classifier.predict(crops[1:2])[0], atol=1e-5)


def test_read_only_and_strided_crops_are_taken(write: Callable[..., Path], crops: np.ndarray) -> None:
    classifier = load(write())
    mirrored = crops[:, :, ::-1]
    mirrored.flags.writeable = False
    np.testing.assert_array_equal(classifier.predict(mirrored), classifier.predict(mirrored.copy()))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 48, 48), np.float32),
        np.zeros((48, 48), np.uint8),
        np.zeros((2, 47, 48), np.uint8),
        np.zeros((2, 48, 48, 1), np.uint8),
    ],
)
def test_other_shapes_and_types_are_refused(write: Callable[..., Path], wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"uint8 of shape \(N, 48, 48\)"):
        load(write()).predict(wrong)


def test_the_temperature_of_the_card_flattens_the_answer(write: Callable[..., Path], crops: np.ndarray) -> None:
    cool = load(write()).predict(crops)
    warm = load(write(("temperature = 1.0", "temperature = 3"))).predict(crops)
    np.testing.assert_allclose(np.log(warm / warm[:, :1]), np.log(cool / cool[:, :1]) / 3, atol=1e-4)


def test_the_normalisation_of_the_card_is_used(write: Callable[..., Path], crops: np.ndarray) -> None:
    plain = load(write()).predict(crops // 2)
    doubled = load(write(("mean = 0.5", "mean = 0.25"), ("std = 0.25", "std = 0.125"))).predict(crops // 4)
    np.testing.assert_allclose(load(write()).predict(crops // 4 * 2), doubled, atol=1e-5)
    assert np.abs(plain - load(write(("std = 0.25", "std = 0.5"))).predict(crops // 2)).max() > 1e-3


BAD_CARDS = {
    "unknown key": (("mean = 0.5", "mean = 0.5\ncolor = 1"), "unknown key 'color'"),
    "missing key": (("std = 0.25\n", ""), "lacks 'std'"),
    "wrong type": (("mean = 0.5", 'mean = "half"'), "'mean' should be a number"),
    "true is no number": (("mean = 0.5", "mean = true"), "'mean' should be a number"),
    "not finite": (("mean = 0.5", "mean = nan"), "'mean' should be a number"),
    "list of numbers": (('["FER2013Train"]', "[1]"), "'trained_on' should be a list of texts"),
    "unknown schema": (("schema = 1", "schema = 2"), "has schema 2"),
    "no schema": (("schema = 1\n", ""), "has schema None"),
    "not TOML": (("schema = 1", "schema ="), "not valid TOML"),
    "other labels": (('"anger", "disgust"', '"disgust", "anger"'), "labels must be"),
    "other size": (("input_px = 48", "input_px = 64"), "must be 48 px"),
    "colour": (('"gray"', '"rgb"'), "colour"),
    "zero spread": (("std = 0.25", "std = 0"), "above 0"),
    "path as file": (("weights.safetensors", "../weights.safetensors"), "file name without folders"),
    "architecture": (('"resnet18"', '"vgg13"'), "builds resnet18"),
    "missing weights": (("weights.safetensors", "other.safetensors"), "are missing"),
}


@pytest.mark.parametrize("case", BAD_CARDS)
def test_a_bad_card_is_one_clear_line(write: Callable[..., Path], case: str) -> None:
    change, message = BAD_CARDS[case]
    folder = write(change)
    with pytest.raises(ModelError) as caught:
        load(folder)
    text = str(caught.value)
    assert message in text
    assert "\n" not in text
    assert "trainer export" in text


def test_damaged_weights_are_refused(write: Callable[..., Path]) -> None:
    folder = write()
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="do not match their card"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"no tensors", safetensors.torch.save({"other": torch.zeros(1)})])
def test_weights_of_something_else_are_refused(write: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(ModelError, match="do not fit") as caught:
        load(write(content=content))
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model card"):
        load(tmp_path / "nothing")


def test_the_network_has_the_promised_size() -> None:
    network = build_resnet18().eval()
    counted: list[int] = []

    def count(module: torch.nn.Module, _: object, output: torch.Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        counted.append(weight[0].numel() * output[0].numel())

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(count)
    network(torch.zeros(1, 1, 48, 48))
    assert 300e6 < sum(counted) < 350e6
    assert 11.0e6 < sum(weight.numel() for weight in network.parameters()) < 11.3e6


def test_torchvision_imports_after_the_shim_in_a_fresh_process() -> None:
    code = (
        "from engage.inference.torchvision_shim import ensure_torchvision as e; e(); e();"
        "import torchvision; torchvision.models.resnet18"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_product_ships_a_model_that_loads() -> None:
    if not default_folder().is_dir():
        pytest.skip("no model is committed yet")
    classifier = load()
    assert classifier.card.labels == EMOTIONS
    assert classifier.card.name == DEFAULT_MODEL
    assert load_card(default_folder()).figures["FER2013Valid.accuracy"] > 0.5
    assert classifier.name.startswith(DEFAULT_MODEL)
