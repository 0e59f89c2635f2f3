"""The pure parts of the trainer: augmentation, schedule, figures, calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.augment import augment, resize
from trainer.calibration import choose_unknown_below, cross_entropy, fit_temperature
from trainer.evaluate import calibration_error, measure
from trainer.optimizers import learning_rate
from trainer.recipe import Augmentation, Recipe

NOTHING = Augmentation(flip=0, rotate_deg=0, scale=0, shift=0, brightness=0, contrast=0, erase=0)
OF = ("tiny 1", "0" * 64, "FER2013Valid", False)


def images(n: int = 4) -> torch.Tensor:
    return torch.rand(n, 1, 48, 48, generator=torch.Generator().manual_seed(3))


def rng(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_augmentation_with_everything_off_changes_nothing() -> None:
    torch.testing.assert_close(augment(images(), 48, NOTHING, rng()), images(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size_px", [24, 32, 48])
def test_augmented_images_have_the_size_and_range_asked_for(size_px: int) -> None:
    found = augment(images(), size_px, Augmentation(), rng())
    assert found.shape == (4, 1, size_px, size_px)
    assert found.min() >= 0
    assert found.max() <= 1


def test_augmentation_repeats_with_its_seed_and_differs_without() -> None:
    one, again, other = (augment(images(), 48, Augmentation(), rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_flip_is_the_mirror_image() -> None:
    flipped = augment(images(), 48, Augmentation(1, 0, 0, 0, 0, 0, 0), rng())
    torch.testing.assert_close(flipped, images().flip(-1), atol=1e-5, rtol=0)


def test_erasing_leaves_most_of_the_image() -> None:
    erased = augment(images(64), 48, Augmentation(0, 0, 0, 0, 0, 0, erase=1, erase_max_area=0.15), rng())
    changed = (erased - images(64)).abs() > 1e-4
    assert 0 < changed.float().mean() < 0.16


def test_a_coarse_image_has_lost_its_finest_detail_only() -> None:
    coarse = augment(images(), 48, replace(NOTHING, coarse=1), rng())
    detail = [(found[..., 1:] - found[..., :-1]).abs().mean() for found in (images(), coarse)]
    assert detail[1] < 0.5 * detail[0]
    torch.testing.assert_close(coarse.mean(dim=(1, 2, 3)), images().mean(dim=(1, 2, 3)), atol=0.02, rtol=0)


def test_grain_is_noise_up_to_its_level() -> None:
    gray = torch.full((64, 1, 48, 48), 0.5)
    levels = augment(gray, 48, replace(NOTHING, grain=1, grain_max=0.08), rng()).std(dim=(1, 2, 3))
    assert 0 < levels.min() < 0.02
    assert 0.06 < levels.max() < 0.09


def test_resizing_to_the_same_size_is_free() -> None:
    same = images()
    assert resize(same, 48) is same
    assert resize(same, 32).shape == (4, 1, 32, 32)


@given(st.floats(0, 1))
def test_the_learning_rate_stays_between_zero_and_its_peak(progress: float) -> None:
    recipe = Recipe()
    assert 0 <= learning_rate(recipe, progress) <= recipe.lr * (1 + 1e-9)


def test_the_learning_rate_rises_then_falls_to_zero() -> None:
    recipe = Recipe(lr=0.1, warmup=0.2)
    values = [learning_rate(recipe, share) for share in (0.0, 0.1, 0.2, 0.5, 0.9, 1.0)]
    assert values[0] == pytest.approx(0.02)
    assert max(values) == values[2] == pytest.approx(0.1)
    assert values[2:] == sorted(values[2:], reverse=True)
    assert values[-1] == pytest.approx(0)


def test_a_recipe_survives_the_checkpoint() -> None:
    recipe = Recipe(epochs=3, budget_s=9.5, augmentation=Augmentation(flip=0))
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert [recipe.size_at(progress) for progress in (0, 0.54, 0.6, 1)] == [32, 32, 40, 48]


def test_the_figures_of_known_answers() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    probabilities = np.full((6, 8), 0.02, np.float32)
    for row, answer in enumerate([0, 0, 1, 1, 1, 0]):
        probabilities[row, answer] = 0.86
    found = measure(probabilities, labels, OF)
    assert found.n == 6
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.macro_recall == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found.macro_f1 == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    assert found.recall["happiness"] == 1
    assert found.recall["contempt"] is None
    assert found.confusion[0][:3] == [2, 1, 0]
    assert sum(map(sum, found.confusion)) == 6


def test_perfectly_calibrated_answers_have_no_calibration_error() -> None:
    probabilities = np.zeros((100, 8), np.float32)
    probabilities[:, 0], probabilities[:, 1] = 0.8, 0.2
    labels = np.tile([0, 0, 0, 0, 1], 20)
    assert calibration_error(probabilities, labels, bins=5) == pytest.approx(0, abs=1e-6)
    assert calibration_error(probabilities, np.zeros(100, int), bins=5) == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_over_and_under_confidence(true_temperature: float) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (4000, 8))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(8, p=row) for row in shares])
    scaled = (logits * true_temperature).astype(np.float32)
    found = fit_temperature(scaled, labels)
    assert found == pytest.approx(true_temperature, rel=0.08)
    assert cross_entropy(scaled, labels, found) <= cross_entropy(scaled, labels, 1.0) + 1e-9


def test_the_unknown_threshold_answers_what_it_promises() -> None:
    top = np.linspace(0.2, 1, 1000)
    probabilities = np.zeros((1000, 8), np.float32)
    probabilities[:, 0] = top
    threshold = choose_unknown_below(probabilities)
    assert (top >= threshold).mean() >= 0.97
    assert (top >= threshold + 0.011).mean() < 0.97
