"""One system on one data set: trained, or gone on with, or read again, and measured."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint, EpochRecord
from trainer.data import Split
from trainer.errors import TrainerError
from trainer.evaluate import measure
from trainer.recipe import Recipe
from trainer.systems.classical import ClassicalConfig, Features, build, flatten, numbers_learnt
from trainer.systems.registry import System
from trainer.systems.results import Result, load_result
from trainer.train import Listener, train
from trainer.trained import network_features, network_logits, trained

Answers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shortening:
    """How a comparison makes its systems cheaper than the registry says."""

    epochs: int | None = None
    budget_s: float | None = None
    """Per network."""
    width: int | None = None
    """Channels of the ResNet18s' first stage, 64 if None."""
    side_px: int | None = None
    """Of the input, of networks and classical systems."""

    def applied(self, config: Recipe | ClassicalConfig) -> Recipe | ClassicalConfig:
        """Return ``config`` made cheaper."""
        if isinstance(config, ClassicalConfig):
            return replace(config, side_px=min(config.side_px, self.side_px)) if self.side_px else config
        if self.epochs:
            config = replace(config, epochs=self.epochs)
        if self.budget_s:
            config = replace(config, budget_s=self.budget_s)
        if self.width and config.architecture.startswith("resnet18"):
            config = replace(config, architecture=f"{config.architecture}-w{self.width}")
        return replace(config, sizes=((0.0, self.side_px),)) if self.side_px else config


def run_system(
    system: System,
    splits: tuple[Split, Split],
    out: Path,
    shortening: Shortening | None = None,
    listener: Listener | None = None,
) -> Result:
    """Return the result of ``system``, kept in ``out/NAME``: read again if it is of the same config and data.

    A network's run that was broken off goes on; a classical system starts again.

    Raises TrainerError for what goes wrong in training, and for a head whose network is not in ``out``.
    """
    folder = out / system.name
    system = replace(system, config=(shortening or Shortening()).applied(system.config))
    fingerprint = _fingerprint(system, splits)
    found = load_result(folder)
    if found and found.fingerprint == fingerprint:
        return found
    if isinstance(system.config, Recipe):
        result = _run_network(system.config, splits, folder, listener)
    else:
        features = _features(system, splits, out)
        result = _run_classical(system, splits, features)
    result = replace(result, system=system.name, fingerprint=fingerprint, config=_plain(system.config))
    result.save(folder)
    return result


def _fingerprint(system: System, splits: tuple[Split, Split]) -> str:
    digest = hashlib.sha256(json.dumps(_plain(system.config), sort_keys=True).encode())
    for split in splits:
        digest.update(split.name.encode())
        digest.update(split.votes.tobytes())
        digest.update(split.images[::97].tobytes())
    return digest.hexdigest()


def _plain(config: Recipe | ClassicalConfig) -> dict[str, Any]:
    """Return ``config`` as JSON would give it back."""
    values = json.loads(json.dumps(asdict(config)))
    assert isinstance(values, dict)  # noqa: S101
    return values


def _features(system: System, splits: tuple[Split, Split], out: Path) -> tuple[Features, Features]:
    """Return what a classical system reads: gray values, or the features of a network already trained in ``out``."""
    images = [split.majority()[0] for split in splits]
    if system.features_of is None:
        assert not isinstance(system.config, Recipe)  # noqa: S101
        side_px = system.config.side_px
        return flatten(images[0], side_px), flatten(images[1], side_px)
    network, recipe = trained(out / system.features_of)
    first, second = (network_features(network, recipe, part) for part in images)
    return first, second


def _run_classical(system: System, splits: tuple[Split, Split], features: tuple[Features, Features]) -> Result:
    assert not isinstance(system.config, Recipe)  # noqa: S101
    labels = [split.majority()[1] for split in splits]
    began_s = time.monotonic()
    pipeline = build(system.config, len(labels[0]))
    try:
        pipeline.fit(features[0], labels[0])
    except (ValueError, np.linalg.LinAlgError, MemoryError) as error:
        reason = str(error).partition("\n")[0]
        raise TrainerError(f"{system.name} cannot learn from {splits[0].name}: {reason}") from error
    seconds = time.monotonic() - began_s
    answers = [np.asarray(pipeline.predict(part), np.int64) for part in features]
    return _result(answers, labels, numbers_learnt(pipeline), seconds)


def _run_network(recipe: Recipe, splits: tuple[Split, Split], folder: Path, listener: Listener | None) -> Result:
    train(recipe, splits, folder, listener)
    network, _ = trained(folder)
    checkpoint = Checkpoint.load(folder / CHECKPOINT_FILE)
    answers = [network_logits(network, recipe, split.majority()[0]).argmax(axis=1) for split in splits]
    parameters = sum(weight.numel() for weight in network.parameters())
    labels = [split.majority()[1] for split in splits]
    return _result(answers, labels, parameters, checkpoint.elapsed_s, checkpoint.history)


def _result(
    answers: list[Answers],
    labels: list[Answers],
    parameters: int,
    seconds: float,
    history: tuple[EpochRecord, ...] = (),
) -> Result:
    certain = np.eye(8, dtype=np.float32)[answers[1]]
    figures = measure(certain, labels[1], ("", "", "", False))
    return Result(
        system="",
        fingerprint="",
        train_accuracy=float((answers[0] == labels[0]).mean()),
        valid_accuracy=figures.accuracy,
        macro_f1=figures.macro_f1,
        macro_recall=figures.macro_recall,
        parameters=parameters,
        train_s=seconds,
        n_train=len(labels[0]),
        n_valid=len(labels[1]),
        confusion=figures.confusion,
        config={},
        answers=tuple(answers[1].tolist()),
        history=history,
    )
