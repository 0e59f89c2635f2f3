"""A whole training run on drawn images: train, stop, resume, export, evaluate."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from engage.inference.card import load_card
from engage.inference.classifier import load
from trainer.checkpoint import CHECKPOINT_FILE, HISTORY_FILE, Checkpoint
from trainer.data import Split, load_split
from trainer.errors import TrainerError
from trainer.evaluate import evaluate
from trainer.export import export
from trainer.lift import lifted
from trainer.optimizers import learning_rate
from trainer.recipe import Augmentation, Recipe
from trainer.train import Listener, StepReport, train
from trainer.warm_start import start_from

if TYPE_CHECKING:
    from tests.trainer.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
NARROW = "architecture=resnet18-w16"
TINY = Recipe(
    name="tiny",
    architecture="resnet18-w16",
    epochs=2,
    batch_size=16,
    lr=2e-3,
    dropout=0.1,
    sizes=((0.0, 16), (0.6, 24)),
    augmentation=Augmentation(erase=0, rotate_deg=2, shift=0.02, scale=0.02),
)


@pytest.fixture
def splits(fer_folder: Path) -> tuple[Split, Split]:
    return load_split(fer_folder, "FER2013Train"), load_split(fer_folder, "FER2013Valid")


class Killed(BaseException):
    """What a test raises in place of kill -9: nothing in the trainer may catch it."""


def kill_at(step: int) -> Listener:
    def listen(report: StepReport) -> None:
        if report.step == step:
            raise Killed

    return Listener(step=listen)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return Checkpoint.load(path).average


def test_a_killed_run_goes_on_to_the_same_weights(splits: tuple[Split, Split], tmp_path: Path) -> None:
    whole = train(TINY, splits, tmp_path / "whole")
    with pytest.raises(Killed):
        train(TINY, splits, tmp_path / "killed", kill_at(3))
    assert Checkpoint.load(tmp_path / "killed" / CHECKPOINT_FILE).step == 2  # the end of the first epoch
    resumed = train(TINY, splits, tmp_path / "killed")
    for name, expected in weights(whole).items():
        torch.testing.assert_close(weights(resumed)[name], expected, rtol=1e-4, atol=1e-5, msg=name)
    assert [record.epoch for record in Checkpoint.load(resumed).history] == [1, 2]
    assert len(json.loads((tmp_path / "killed" / HISTORY_FILE).read_text("utf-8"))) == 2


def test_a_finished_run_is_left_alone(splits: tuple[Split, Split], tmp_path: Path) -> None:
    path = train(replace(TINY, epochs=1), splits, tmp_path)
    before = path.read_bytes()
    assert train(replace(TINY, epochs=1), splits, tmp_path).read_bytes() == before


def test_a_run_learns_the_patterns(splits: tuple[Split, Split], tmp_path: Path) -> None:
    losses: list[float] = []
    train(
        replace(TINY, epochs=6, batch_size=8, lr=8e-3),
        splits,
        tmp_path,
        Listener(step=lambda report: losses.append(report.loss)),
    )
    assert len(losses) == 24
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])


def test_a_budget_ends_the_run(splits: tuple[Split, Split], tmp_path: Path) -> None:
    reports: list[StepReport] = []
    recipe = replace(TINY, epochs=100_000, budget_s=1.0)
    checkpoint = Checkpoint.load(train(recipe, splits, tmp_path, Listener(step=reports.append)))
    assert checkpoint.elapsed_s >= recipe.budget_s / 2, "the last epoch's evaluation may use up the rest"
    assert checkpoint.step < 200_000
    assert reports and all(0 <= report.lr <= recipe.lr for report in reports)


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rates = [learning_rate(TINY, progress / 100) for progress in range(101)]
    peak = rates.index(max(rates))
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert max(rates) == pytest.approx(TINY.lr, rel=0.05) and rates[-1] == pytest.approx(0)


def test_another_recipe_may_not_take_over_a_run(splits: tuple[Split, Split], tmp_path: Path) -> None:
    train(replace(TINY, epochs=1), splits, tmp_path)
    with pytest.raises(TrainerError, match="another lr"):
        train(replace(TINY, lr=0.5), splits, tmp_path)


def test_a_loss_that_is_no_number_stops_the_run(splits: tuple[Split, Split], tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match=r"the loss is (nan|inf) at step \d+.*lower --lr"):
        train(replace(TINY, optimizer="sgd", lr=1e20, warmup=0.9, epochs=4), splits, tmp_path)


def test_too_few_images_are_named(splits: tuple[Split, Split], tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match="32 training images for a batch of 64"):
        train(replace(TINY, batch_size=64), splits, tmp_path)


def test_a_damaged_checkpoint_is_one_clear_line(splits: tuple[Split, Split], tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"half a checkpoint")
    with pytest.raises(TrainerError, match="is damaged") as caught:
        train(TINY, splits, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_one_clear_line_and_keeps_the_old_checkpoint(
    splits: tuple[Split, Split], tmp_path: Path
) -> None:
    path = train(replace(TINY, epochs=1), splits, tmp_path)
    before = path.read_bytes()
    (tmp_path / f"{CHECKPOINT_FILE}.new").symlink_to("/dev/full")
    with pytest.raises(TrainerError, match="free some space, then resume") as caught:
        train(TINY, splits, tmp_path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, write_fer: Callable[[Path], Path]) -> Path:
    """Return a folder with data in ``fer``, a finished run in ``run`` and its model in ``models/tiny``."""
    home = tmp_path_factory.mktemp("exported")
    data = write_fer(home / "fer")
    learnt, valid = load_split(data, "FER2013Train"), load_split(data, "FER2013Valid")
    checkpoint = Checkpoint.load(train(replace(TINY, epochs=1), (learnt, valid), home / "run"))
    export(checkpoint, valid, home / "models" / "tiny", "7")
    return home


@pytest.fixture
def model(exported: Path) -> Path:
    return exported / "models" / "tiny"


def test_an_export_is_a_whole_model(model: Path, splits: tuple[Split, Split]) -> None:
    assert sorted(path.name for path in model.iterdir()) == [
        "card.md",
        "card.toml",
        "confusion.png",
        "learning-curve.png",
        "weights.safetensors",
    ]
    assert [path.name for path in model.parent.iterdir()] == ["tiny"]
    card, result = load_card(model), evaluate(load(model), splits[1])
    assert (card.name, card.version, card.trained_on, card.selected_on) == (
        "tiny",
        "7",
        ("FER2013Train",),
        ("FER2013Valid",),
    )
    assert result.accuracy == pytest.approx(card.figures["FER2013Valid.accuracy"], abs=1e-3)
    assert f"{result.accuracy:.2%}" in (model / "card.md").read_text("utf-8")
    assert (result.checkpoint, result.sha256, result.n) == ("tiny 7", card.sha256, 16)


def test_a_new_export_replaces_the_old_one(exported: Path, splits: tuple[Split, Split], tmp_path: Path) -> None:
    model = tmp_path / "tiny"
    shutil.copytree(exported / "models" / "tiny", model)
    again = export(Checkpoint.load(exported / "run" / CHECKPOINT_FILE), splits[1], model, "8")
    assert again.card.sha256 == load_card(model).sha256
    assert load(model).name == "tiny 8"


def test_lifted_rare_classes_are_named_more_often_and_the_others_stay(
    exported: Path, splits: tuple[Split, Split], tmp_path: Path
) -> None:
    checkpoint = Checkpoint.load(exported / "run" / CHECKPOINT_FILE)
    shares = torch.tensor([0.5, 0.2, 0.125, 0.125, 0.02, 0.01, 0.01, 0.01])
    targets = shares.repeat(10_000, 1)
    changed = lifted(checkpoint, targets, 0.5)
    raised = changed.average["expression.bias"] - checkpoint.average["expression.bias"]
    wanted = [0.0] * 4 + [0.5 * math.log(0.125 / share) for share in (0.02, 0.01, 0.01, 0.01)]
    torch.testing.assert_close(raised, torch.tensor(wanted), atol=1e-4, rtol=1e-4)
    export(changed, splits[1], tmp_path / "lifted", "9")
    plain, images = load(exported / "models" / "tiny"), splits[1].majority()[0]
    rare = [load(tmp_path / "lifted").predict(images)[:, 4:].sum(), plain.predict(images)[:, 4:].sum()]
    assert rare[0] > rare[1]
    assert "raised by 0.5" in (tmp_path / "lifted" / "card.md").read_text("utf-8")
    assert "raised by" not in (exported / "models" / "tiny" / "card.md").read_text("utf-8")


def test_a_split_the_model_has_learnt_from_is_refused(model: Path, splits: tuple[Split, Split]) -> None:
    with pytest.raises(TrainerError, match="was trained on FER2013Train"):
        evaluate(load(model), splits[0])


def test_the_command_line_trains_resumes_exports_and_evaluates(
    trainer_command: Command, fer_folder: Path, tmp_path: Path
) -> None:
    run, model = tmp_path / "run", tmp_path / "models" / "tiny"
    common = ("--data", fer_folder, "--threads", torch.get_num_threads())
    trained = trainer_command("train", *common, "--out", run, "--epochs", 1, "--batch-size", 16, "--set", NARROW)
    assert trained.code == 0, trained.err
    again = trainer_command("train", *common, "--out", run, "--epochs", 2)
    assert again.code == 2
    assert "--resume" in again.err
    resumed = trainer_command("train", *common, "--out", run, "--epochs", 2, "--resume")
    assert resumed.code == 0, resumed.err
    assert Checkpoint.load(run / CHECKPOINT_FILE).step == 4
    assert trainer_command("export", *common, "--run", run, "--to", model).code == 0
    measured = trainer_command("evaluate", *common, "--split", "FER2013Valid", "--weights", model, "--json", "--tta")
    result = json.loads(measured.out)
    assert result["n"] == 16
    assert result["tta"] is True
    assert 0 <= result["accuracy"] <= 1
    assert set(result) >= {"macro_f1", "macro_recall", "recall", "ece", "confusion", "checkpoint"}
    refused = trainer_command("evaluate", *common, "--split", "FER2013Train", "--weights", model)
    assert refused.code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--data", "nowhere", "--out", "nowhere-run"),
        ("train", "--data", "nowhere", "--out", "nowhere-run", "--resume"),
        ("train", "--data", "nowhere", "--out", "nowhere-run", "--budget", "soon"),
        ("evaluate", "--data", "nowhere", "--weights", "nowhere-model"),
        ("export", "--data", "nowhere", "--run", "nowhere-run", "--to", "nowhere-model"),
        ("fly",),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    trainer_command: Command, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = trainer_command(*arguments)
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_trainer_is_a_module_too() -> None:
    command = [sys.executable, "-m", "trainer", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert result.returncode == 0
    assert all(name in result.stdout for name in ("train", "evaluate", "export"))


def test_a_run_starts_from_a_finished_model_and_names_it(
    exported: Path, splits: tuple[Split, Split], tmp_path: Path
) -> None:
    recipe, start = start_from(exported / "models" / "tiny", TINY)
    path = train(replace(recipe, epochs=1, lr=1e-12), splits, tmp_path, start=start)
    for name, given in start.items():
        if name.endswith("weight"):
            torch.testing.assert_close(weights(path)[name], given.float(), rtol=1e-3, atol=1e-5, msg=name)
    assert Checkpoint.load(path).recipe.start == "tiny 7"


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        (replace(TINY, valid_split="FER2013Train"), "has learnt from FER2013Train"),
        (replace(TINY, mean=0.4), "has another input"),
    ],
)
def test_a_run_does_not_start_from_what_would_spoil_it(exported: Path, recipe: Recipe, why: str) -> None:
    with pytest.raises(TrainerError, match=why):
        start_from(exported / "models" / "tiny", recipe)
