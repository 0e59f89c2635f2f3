"""A joint run on a few made-up pictures: it learns, keeps what is frozen, goes on where it stopped, and exports."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engage.inference.network import FaceNet, build_resnet18
from trainer.data import Split
from trainer.errors import TrainerError
from trainer.joint import load_checkpoint, train_jointly
from trainer.joint_batch import JointRecipe
from trainer.joint_data import JointData, gather
from trainer.label_signals import RawLabels
from trainer.labels_file import save_labels
from trainer.virtual_faces import VirtualFaces

RECIPE = JointRecipe(epochs=2, pictures=8, drawings=4, pieces=4, lr=1e-3)


def split(name: str, count: int) -> Split:
    rng = np.random.default_rng(len(name))
    votes = np.zeros((count, 10), np.int64)
    votes[np.arange(count), rng.integers(0, 8, count)] = 9
    votes[0] = [0] * 9 + [10]
    return Split(name, rng.integers(0, 255, (count, 48, 48), np.uint8), votes)


def faces(count: int) -> VirtualFaces:
    rng = np.random.default_rng(5)
    turns = np.tile(np.eye(3, dtype=np.float32), (count, 1, 1))
    values = np.full((count, 7), 0.5, np.float32)
    return VirtualFaces(rng.integers(0, 255, (count, 96, 96), np.uint8), turns, values)


def answered(count: int) -> RawLabels:
    labels = RawLabels.empty(count)
    labels.found[:] = labels.framed[:] = True
    labels.rotation[:] = np.eye(3)
    labels.found[1] = False
    return labels


@pytest.fixture
def data(tmp_path: Path) -> JointData:
    save_labels(tmp_path / "labels.npz", {"FER2013Train": answered(24)}, faces(12))
    return gather(split("FER2013Train", 24), split("FER2013Valid", 12), tmp_path / "labels.npz")


def network() -> FaceNet:
    torch.manual_seed(3)
    return build_resnet18(dropout=0.1, width=8, signals=True)


def test_labels_are_made_and_kept_without_torch() -> None:
    """The teachers' environment (``make labels``) has MediaPipe and no torch."""
    command = (
        "import sys; sys.modules['torch'] = None\n"
        "import trainer.cli.label_signals, trainer.data, trainer.labels_file, trainer.virtual_faces"
    )
    subprocess.run([sys.executable, "-c", command], check=True)


def test_unknown_signals_and_pictures_without_a_face_are_told_apart(data: JointData) -> None:
    assert data.targets.face[:3].tolist()[0] == 0  # people found no face
    assert data.targets.turn[:3, 0, 0].isnan().tolist() == [True, True, False]
    assert data.votes.sum(dim=1).tolist() == [0.0, *[1.0] * 23]


def test_a_run_learns_and_leaves_what_is_frozen(data: JointData, tmp_path: Path) -> None:
    start = network()
    before = {name: value.clone() for name, value in start.state_dict().items()}
    losses: list[float] = []
    longer = replace(RECIPE, epochs=10)
    train_jointly(longer, start, data, tmp_path / "run", lambda step, done, loss: losses.append(loss))
    after = torch.load(tmp_path / "run" / "joint.pt", weights_only=True)
    assert len(losses) == 30
    assert np.mean(losses[-6:]) < 0.9 * np.mean(losses[:6])
    for name, value in after["network"].items():
        frozen = name.startswith(("trunk.conv1", "trunk.bn1", "trunk.layer1."))
        assert torch.equal(value, before[name]) == frozen or name.endswith("num_batches_tracked"), name


def test_a_run_goes_on_where_it_stopped(data: JointData, tmp_path: Path) -> None:
    train_jointly(replace(RECIPE, epochs=1), network(), data, tmp_path / "run")
    steps: list[int] = []
    train_jointly(RECIPE, network(), data, tmp_path / "run", lambda step, done, loss: steps.append(step))
    assert steps == [4, 5, 6]
    assert [record.epoch for record in load_checkpoint(tmp_path / "run").history] == [1, 2]
    with pytest.raises(TrainerError, match="another lr"):
        train_jointly(replace(RECIPE, lr=2e-3), network(), data, tmp_path / "run")


def test_labels_of_other_pictures_are_refused(tmp_path: Path) -> None:
    save_labels(tmp_path / "labels.npz", {"FER2013Train": answered(7)}, faces(3))
    with pytest.raises(TrainerError, match="labels 7 pictures"):
        gather(split("FER2013Train", 24), split("FER2013Valid", 12), tmp_path / "labels.npz")
    with pytest.raises(TrainerError, match="no labels at"):
        gather(split("FER2013Train", 24), split("FER2013Valid", 12), tmp_path / "missing.npz")
