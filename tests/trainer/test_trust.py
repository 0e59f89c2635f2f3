"""Calibration without flattery, paired comparison, and faces that are dark, turned, covered or cut badly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engage.core.types import Box, Face, Image
from engage.inference.classifier import Classifier, load
from trainer.calibration import cross_fitted, fit_temperature, softmax
from trainer.data import Split
from trainer.errors import DataError, TrainerError
from trainer.evaluate import compare_models
from trainer.paired import mcnemar
from trainer.robustness import CONDITIONS, check_detector, detector_crops, measure_conditions, to_markdown

if TYPE_CHECKING:
    from tests.trainer.conftest import Command


def test_cross_fitted_probabilities_are_near_those_of_one_temperature() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (600, 8)).astype(np.float32)
    labels = np.where(rng.random(600) < 0.7, logits.argmax(axis=1), rng.integers(0, 8, 600))
    found = cross_fitted(logits, labels)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert np.abs(found - softmax(logits, fit_temperature(logits, labels))).max() < 0.05
    assert (found.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_a_fold_does_not_see_its_own_labels() -> None:
    """Wrong labels in one fold alone change the temperature of the others and not its own."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (100, 8)).astype(np.float32)
    labels = logits.argmax(axis=1)
    labels[::10] = (labels[::10] + 1) % 8
    spoiled = labels.copy()
    spoiled[::5] = (spoiled[::5] + 1) % 8  # every fifth image is a fold of its own
    before, after = cross_fitted(logits, labels), cross_fitted(logits, spoiled)
    np.testing.assert_allclose(before[::5], after[::5], rtol=1e-6)
    assert np.abs(before[1::5] - after[1::5]).max() > 0.01


def test_mcnemar_gives_the_exact_two_sided_chance() -> None:
    first = np.array([True] * 8 + [False] * 2 + [True] * 90)
    second = np.array([False] * 8 + [True] * 2 + [True] * 90)
    found = mcnemar(first, second)
    assert (found.n, found.only_first, found.only_second) == (100, 8, 2)
    assert found.difference == pytest.approx(0.06)
    assert found.p == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert found.interval[0] < 0.06 < found.interval[1]
    assert mcnemar(first, first).p == 1.0
    with pytest.raises(ValueError, match="same images"):
        mcnemar(first, second[1:])


def test_a_long_row_of_differences_is_no_chance() -> None:
    first, second = np.ones(3000, bool), np.ones(3000, bool)
    second[:400] = False
    assert mcnemar(first, second).p < 1e-100


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load(threads=1)


@pytest.fixture
def valid(class_splits: tuple[Split, Split]) -> Split:
    return class_splits[1]


def test_every_condition_keeps_the_shape_and_changes_the_picture(valid: Split) -> None:
    image = valid.images[0]
    for name, change in CONDITIONS.items():
        found = change(image)
        assert (found.shape, found.dtype) == (image.shape, image.dtype), name
        assert np.array_equal(found, image) is (name == "as published"), name
        assert np.array_equal(change(image), found), name


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("dark (a quarter of the light)", lambda old, new: new.mean() < 0.3 * old.mean()),
        ("bright (overexposed)", lambda old, new: new.mean() > old.mean() + 30),
        (
            "blurred (1.5 px)",
            lambda old, new: np.abs(np.diff(new.astype(int))).sum() < np.abs(np.diff(old.astype(int))).sum(),
        ),
        ("crop shifted by 8 %", lambda old, new: np.abs(new[4:40, 8:40].astype(int) - old[8:44, 4:36]).mean() < 8),
    ],
)
def test_a_condition_does_what_it_says(valid: Split, name: str, holds: Callable[[Image, Image], bool]) -> None:
    image = valid.images[0]
    assert holds(image, CONDITIONS[name](image))


def test_a_model_is_measured_under_every_condition(classifier: Classifier, valid: Split) -> None:
    told: list[str] = []
    found = measure_conditions(classifier, valid, lambda condition: told.append(condition.name))
    assert [condition.name for condition in found] == list(CONDITIONS) == told
    assert all(condition.n == 16 and 0 <= condition.accuracy <= 1 for condition in found)
    text = to_markdown("tiny", found, ())
    assert all(name in text for name in CONDITIONS)


class Centred:
    """A detector that finds every face where the picture was put, and none in frames darker than ``dark``."""

    name = "centred"

    def __init__(self, dark: float = 0.0) -> None:
        self.dark = dark

    def detect(self, image: Image) -> list[Face]:
        if image.mean() <= self.dark:
            return []
        side = 144 / 1.16
        return [Face(Box(120 - side / 2, 120 - side / 2, side, side), 0.9)]


def test_a_detector_that_frames_as_fer_does_gives_the_same_crops(classifier: Classifier, valid: Split) -> None:
    crops, seen = detector_crops(valid.images, Centred())
    assert seen.all()
    assert np.abs(crops.astype(int) - valid.images).mean() < 4
    check = check_detector(classifier, valid, Centred())
    assert (check.found, check.detector) == (1.0, "centred")
    assert check.agreement >= 0.8
    assert "centred" in to_markdown("tiny", (), (check,))


def test_faces_that_are_not_found_are_left_out_or_named(classifier: Classifier, valid: Split) -> None:
    with pytest.raises(DataError, match="centred finds no face in the 16 images"):
        check_detector(classifier, valid, Centred(dark=255))


def test_two_models_are_compared_on_the_same_images(classifier: Classifier, valid: Split) -> None:
    same = compare_models(classifier, classifier, valid)
    assert (same.n, same.difference, same.p) == (16, 0.0, 1.0)
    with pytest.raises(TrainerError, match="was trained on FER2013Train"):
        compare_models(classifier, classifier, Split("FER2013Train", valid.images, valid.votes))


def test_the_commands_print_a_table_and_a_comparison(
    fer_folder: Path, trainer_command: Command, tmp_path: Path
) -> None:
    import json

    model = Path(__file__).resolve().parents[2] / "models" / "ferplus-resnet18"
    common = ("--data", fer_folder, "--threads", 1)
    table = trainer_command("robustness", *common, "--to", tmp_path / "table.md", "--limit", 8)
    assert table.code == 0, table.err
    assert "mask over mouth and nose" in table.out == (tmp_path / "table.md").read_text("utf-8") + "\n"
    paired = trainer_command("evaluate", *common, "--weights", model, "--against", model, "--json")
    assert json.loads(paired.out)["against"]["p"] == 1.0
    assert trainer_command("robustness", *common, "--split", "FER2013Train").code == 2
