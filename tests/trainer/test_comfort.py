"""What makes the trainer pleasant: show, distil, ablate, TensorBoard, and a run that survives kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engage.inference.classifier import load
from trainer.ablation import ablate
from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint
from trainer.data import Split
from trainer.distil import taught
from trainer.errors import TrainerError
from trainer.presets import changed
from trainer.recipe import Recipe

if TYPE_CHECKING:
    from tests.trainer.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "ferplus-resnet18"
SMALL = ("architecture=resnet18-w16", "sizes=[[0, 16]]", "batch_size=16", "epochs=1")
TINY = changed(Recipe(), SMALL)


def test_show_tells_data_run_and_model_apart(trainer_command: Command, fer_folder: Path, tmp_path: Path) -> None:
    picture, run = tmp_path / "balance.png", tmp_path / "run"
    text = trainer_command("show", fer_folder, "--figure", picture)
    assert "FER2013Train: 32 images, 32 to learn from, 32 with a majority" in text.out
    assert "contempt" in text.out and picture.read_bytes().startswith(b"\x89PNG")
    data = json.loads(trainer_command("show", fer_folder, "--json").out)
    assert (data["kind"], data["splits"][1]["per_class"]["fear"]) == ("data", 2)
    model = json.loads(trainer_command("show", MODEL, "--json").out)
    assert (model["kind"], model["trained_on"]) == ("model", ["FER2013Train"])
    assert "unknown_below" in trainer_command("show", MODEL).out
    options = [part for assignment in SMALL for part in ("--set", assignment)]
    trained = trainer_command("train", "--data", fer_folder, "--out", run, "--threads", 1, *options)
    assert trained.code == 0, trained.err
    shown = json.loads(trainer_command("show", run, "--json").out)
    assert (shown["kind"], shown["recipe"]["architecture"], shown["last"]["epoch"]) == ("run", "resnet18-w16", 1)
    assert trainer_command("show", run, "--figure", picture).code == 2
    assert list((run / "tensorboard").glob("events.out.tfevents.*"))


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_showing_nothing_is_one_clear_line(trainer_command: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    found = trainer_command("show", tmp_path / name)
    assert (found.code, len(found.err.strip().splitlines())) == (2, 1)


def test_the_balance_of_the_real_data_is_the_published_one(shared_dir: Path, trainer_command: Command) -> None:
    archive = shared_dir / "data" / "ferplus-train-valid.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    found = {entry["split"]: entry for entry in json.loads(trainer_command("show", archive, "--json").out)["splits"]}
    assert found["FER2013Train"]["agreed"] == 25045
    assert list(found["FER2013Valid"]["per_class"].values()) == [1180, 862, 411, 348, 289, 25, 60, 16]


def test_a_pupils_targets_are_between_the_votes_and_its_teachers(class_splits: tuple[Split, Split]) -> None:
    split, teacher = class_splits[1], load(threads=1)
    votes = split.soft()[1]
    answers = taught(split, [teacher, teacher], TINY, 1.0).soft()[1]
    half = taught(split, [teacher], TINY, 0.5).soft()[1]
    np.testing.assert_allclose(half, (votes + answers) / 2, atol=1e-6)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)


def test_a_teacher_that_knows_the_validation_split_is_refused(class_splits: tuple[Split, Split]) -> None:
    teacher = load(threads=1)
    spoiled = replace(teacher, card=replace(teacher.card, trained_on=("FER2013Train", "FER2013Valid")))
    with pytest.raises(TrainerError, match="has learnt from FER2013Valid"):
        taught(class_splits[0], [teacher, spoiled], TINY, 0.5)
    with pytest.raises(TrainerError, match="nobody to learn from"):
        taught(class_splits[0], [], TINY, 0.5)


def test_distil_trains_and_names_its_teachers(trainer_command: Command, fer_folder: Path, tmp_path: Path) -> None:
    options = [part for assignment in SMALL for part in ("--set", assignment)]
    common = ("--data", fer_folder, "--out", tmp_path, "--threads", 1)
    found = trainer_command("distil", *common, "--teacher", MODEL, *options)
    assert found.code == 0, found.err
    assert Checkpoint.load(tmp_path / CHECKPOINT_FILE).recipe.teachers == (load(MODEL).name,)
    assert "trainer distil" in trainer_command("train", *common, "--resume").err


def test_an_ablation_pairs_every_change_with_the_base(class_splits: tuple[Split, Split], tmp_path: Path) -> None:
    changes = {"mixup": ["regularisation.mixup_alpha=.3"], "same": ["ema=.998"]}
    trials = ablate(TINY, changes, class_splits, tmp_path)
    assert [trial.name for trial in trials] == ["base", "mixup", "same"]
    assert trials[0].against_base is None
    assert trials[2].against_base is not None and trials[2].against_base.p == 1.0
    assert "regularisation.mixup_alpha=.3" in (tmp_path / "table.md").read_text("utf-8")
    assert ablate(TINY, changes, class_splits, tmp_path) == trials, "finished runs are read again"
    with pytest.raises(TrainerError, match="'base' is the name"):
        ablate(TINY, {"base": ["ema=0"]}, class_splits, tmp_path)


def test_the_ablate_command_reads_changes(trainer_command: Command, fer_folder: Path, tmp_path: Path) -> None:
    options = [part for assignment in SMALL for part in ("--set", assignment)]
    common = ("ablate", "--data", fer_folder, "--out", tmp_path, "--threads", 1, *options)
    found = trainer_command(*common, "--change", "plain: augmentation.erase=0; augmentation.flip=0")
    assert found.code == 0, found.err
    assert "augmentation.erase=0, augmentation.flip=0" in found.out
    assert trainer_command(*common, "--change", "nonsense").code == 2


@pytest.mark.timeout(400)  # a process of its own has to load PyTorch first
def test_a_run_killed_by_the_kernel_goes_on(fer_folder: Path, tmp_path: Path, trainer_command: Command) -> None:
    options = [part for assignment in (*SMALL, "epochs=2") for part in ("--set", assignment)]
    common = ("--data", str(fer_folder), "--out", str(tmp_path), "--threads", "1")
    endless = [*options, "--epochs", "100000", "--set", "epochs=100000"]
    command = [sys.executable, "-m", "trainer", "train", *common, *endless]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch 3:"):  # the checkpoint of the second is whole
                break
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    step = Checkpoint.load(tmp_path / CHECKPOINT_FILE).step
    assert step >= 4
    resumed = trainer_command("train", *common, "--resume", "--epochs", step // 2 + 1)
    assert resumed.code == 0, resumed.err
    assert Checkpoint.load(tmp_path / CHECKPOINT_FILE).step == 2 * (step // 2 + 1)
