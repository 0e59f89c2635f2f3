"""Mixup, SAM, flip consistency and logit adjustment do what their papers say; recipes can be named and changed."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from trainer.architectures import build_network
from trainer.errors import TrainerError
from trainer.presets import LONG, PRESETS, TRIAL, changed
from trainer.recipe import Recipe, Regularisation
from trainer.regularise import divergence, expression_loss, log_shares, mix, update

OFF = Regularisation()
UNIFORM = torch.full((8,), math.log(1 / 8))


def rng(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 1, 4, 4).clone()
    return images, torch.eye(8)


def test_without_mixup_a_batch_is_itself() -> None:
    images, targets = batch()
    assert mix(images, targets, OFF, 0.1, rng()) == (images, targets)


def test_mixup_blends_pictures_and_targets_alike() -> None:
    settings = Regularisation(mixup_alpha=1.0, mixup_share=1.0)
    images, targets = mix(*batch(), settings, 0.1, rng())
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(8))
    torch.testing.assert_close(images[:, 0, 0, 0], targets @ torch.arange(8.0))  # picture i is all i, of class i
    assert (targets.max(dim=1).values < 1).any()


def test_mixup_takes_its_share_of_the_batches_and_stops_before_the_end() -> None:
    settings = Regularisation(mixup_alpha=0.3, mixup_share=0.5, mixup_until=0.9)

    def mixed(progress: float) -> int:
        found = [mix(*batch(), settings, progress, rng(seed))[1] for seed in range(200)]
        return sum(not torch.equal(targets, torch.eye(8)) for targets in found)

    assert 60 < mixed(0.5) < 115
    assert mixed(0.9) == 0


class Line(nn.Module):
    """Eight logits, each a weight times the picture's mean; the left half counts double."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.linspace(-1, 1, 8))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        side = torch.tensor([2.0, 2.0, 1.0, 1.0])
        return (images * side).mean(dim=(1, 2, 3))[:, None] * self.slope


def test_logit_adjustment_at_one_is_balanced_softmax() -> None:
    shares = torch.tensor([0.65] + [0.05] * 7).log()
    images, targets = batch()
    plain = expression_loss(Line(), images, targets, OFF, shares)
    settings = replace(OFF, logit_adjustment=1.0)
    logits = Line()(images)
    expected = -(targets * (logits + shares).log_softmax(dim=1)).sum(dim=1).mean()
    found = expression_loss(Line(), images, targets, settings, shares)
    torch.testing.assert_close(found, expected)
    assert not torch.isclose(found, plain)
    torch.testing.assert_close(expression_loss(Line(), images, targets, settings, UNIFORM), plain)


def test_shares_are_those_of_the_targets_and_never_zero() -> None:
    shares = log_shares(torch.eye(8)[torch.tensor([0, 0, 0, 1])]).exp()
    assert shares[0] > shares[1] == shares[7] > 0


def test_flip_consistency_costs_where_an_image_and_its_mirror_image_differ() -> None:
    images, targets = batch()
    lopsided = images.clone()
    lopsided[..., 2:] = 0
    settings = replace(OFF, flip_consistency=1.0)
    for pictures, extra in ((images, False), (lopsided, True)):
        plain = expression_loss(Line(), pictures, targets, OFF, UNIFORM)
        assert (expression_loss(Line(), pictures, targets, settings, UNIFORM) > plain + 1e-5).item() is extra


def test_the_divergence_is_symmetric_and_at_most_log_two() -> None:
    one, other = torch.randn(5, 8, generator=rng()), torch.randn(5, 8, generator=rng(2))
    torch.testing.assert_close(divergence(one, other), divergence(other, one))
    assert divergence(one, one).item() == pytest.approx(0, abs=1e-6)
    far = torch.eye(8)[:2] * 100
    assert divergence(far[:1], far[1:]).item() == pytest.approx(math.log(2), rel=1e-4)


def test_sam_steps_by_the_gradient_at_the_top_of_the_nearby_slope() -> None:
    """For a loss of x² at x = 1 with rho .5 the gradient is taken at 1.5: the step is 3 times the rate, not 2."""
    found = []
    for rho in (0.0, 0.5):
        module = nn.Linear(1, 1, bias=False)
        nn.init.ones_(module.weight)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        value = update(module, optimizer, lambda module=module: module.weight.square().sum(), rho)
        assert value == 1.0
        found.append(module.weight.item())
    assert found == pytest.approx([0.8, 0.7])


def test_sam_drops_the_same_units_in_both_passes() -> None:
    module = nn.Sequential(nn.Linear(64, 64), nn.Dropout(0.5))
    seen: list[torch.Tensor] = []

    def loss() -> torch.Tensor:
        answers = module(torch.ones(1, 64))
        seen.append(answers == 0)
        return answers.square().sum()

    optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
    for _ in range(2):
        update(module, optimizer, loss, 0.01)
    assert torch.equal(seen[0], seen[1]) and torch.equal(seen[2], seen[3])
    assert not torch.equal(seen[0], seen[2])


def test_sam_leaves_the_statistics_of_batch_norms_as_one_pass_does() -> None:
    means = []
    for rho in (0.0, 0.5):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 8))
        loss = partial(expression_loss, module, *batch(), OFF, UNIFORM)
        update(module, torch.optim.SGD(module.parameters(), lr=0.0), loss, rho)
        norm = module[1]
        assert isinstance(norm, nn.BatchNorm2d) and norm.momentum == 0.1
        means.append(norm.running_mean)
    torch.testing.assert_close(*means)


def test_a_recipe_is_changed_by_name() -> None:
    recipe = changed(Recipe(), ["lr=5e-2", "augmentation.erase=0", "regularisation.sam_rho=.05", "budget_s=null"])
    assert (recipe.lr, recipe.augmentation.erase, recipe.regularisation.sam_rho) == (0.05, 0.0, 0.05)
    assert changed(Recipe(), ["sizes=[[0, 48]]"]).sizes == ((0.0, 48),)
    assert Recipe.from_dict(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    "assignment",
    [
        "lr",
        "speed=3",
        "lr=fast",
        "epochs=1.5",
        "augmentation=1",
        "augmentation.colour=1",
        "name.first=x",
        "lr=[",
        "lr=true",
    ],
)
def test_a_wrong_change_is_one_clear_line(assignment: str) -> None:
    with pytest.raises(TrainerError) as caught:
        changed(Recipe(), [assignment])
    assert "\n" not in str(caught.value)
    assert assignment in str(caught.value) or "'" in str(caught.value)


def test_the_presets_differ_as_their_names_say() -> None:
    assert PRESETS["default"] == Recipe()
    assert PRESETS["default"].regularisation == OFF
    assert (TRIAL.regularisation.mixup_alpha, TRIAL.optimizer, TRIAL.regularisation.sam_rho) == (0.3, "sgd", 0)
    assert (LONG.epochs, LONG.regularisation.sam_rho) == (300, 0.05)


def test_checkpoints_from_before_these_options_mean_the_same() -> None:
    values = Recipe().to_dict()
    for name in ("regularisation", "targets", "precision"):
        del values[name]
    assert Recipe.from_dict(values) == Recipe()


@pytest.mark.parametrize("architecture", ["resnet18-w16", "resnet18-dense", "cnn", "cnn-lstm"])
def test_every_architecture_names_eight_expressions_at_any_size(architecture: str) -> None:
    network = build_network(Recipe(architecture=architecture)).eval()
    with torch.inference_mode():
        for size_px in (24, 48):
            assert network(torch.rand(2, 1, size_px, size_px)).shape == (2, 8)


def test_an_unknown_architecture_is_one_clear_line() -> None:
    for name in ("vit", "resnet18-w4", "cnn-w16"):
        with pytest.raises(TrainerError, match=f"no architecture '{name}'; there are resnet18"):
            build_network(Recipe(architecture=name))
