"""From a checkpoint to ``models/NAME``: weights, calibration, both cards, figures."""

from __future__ import annotations

import datetime
import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from engage.core.types import CROP_SIZE_PX, EMOTIONS, Image
from engage.inference.card import CARD_FILE, Card
from engage.inference.classifier import Classifier, load
from trainer.calibration import choose_unknown_below, cross_fitted, fit_temperature, softmax
from trainer.card_text import describe, to_toml
from trainer.checkpoint import Checkpoint
from trainer.data import Split
from trainer.errors import DataError, TrainerError
from trainer.evaluate import Evaluation, calibration_error, measure, predict
from trainer.figures import draw_confusion, draw_learning_curve

WEIGHTS_FILE = "weights.safetensors"
CHECKED = 64
"""Images on which the written model is compared with the figures before it replaces another."""
LICENCE = (
    "Weights: for research and demonstration, since they were learnt from FER2013 (Goodfellow et al. 2013, released "
    "for research); labels FER+ (Barsoum et al. 2016, MIT)."
)


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and its figures on the validation split."""

    folder: Path
    card: Card
    evaluation: Evaluation
    mirrored: Evaluation
    """The same with answers averaged over mirror images."""


def export(checkpoint: Checkpoint, valid: Split, folder: Path, version: str) -> Export:
    """Write the averaged weights of ``checkpoint`` as a model folder and return its card and figures.

    The temperature and the "unknown" threshold are chosen on ``valid``. Weights are stored as float16: half the size,
    and the figures in the card are those of the rounded weights. The old model stays whole until all files are ready.

    Raises:
        TrainerError: the folder cannot be written, or the checkpoint has learnt from ``valid``.
    """
    if valid.name == checkpoint.recipe.train_split:
        raise TrainerError(f"{valid.name} was trained on; calibrate on another split, for example FER2013Valid")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as name:
            built = _build(checkpoint, valid, Path(name), version)
            folder.mkdir(exist_ok=True)
            for file in sorted(Path(name).iterdir(), key=lambda path: path.name == CARD_FILE):
                file.replace(folder / file.name)  # the card last: it decides which weights are right
    except OSError as error:
        raise TrainerError(
            f"cannot write the model to {folder}: {error}; free some space or give another --to"
        ) from error
    return replace(built, folder=folder)


def _build(checkpoint: Checkpoint, valid: Split, folder: Path, version: str) -> Export:
    draft = _draft_card(checkpoint, _write_weights(checkpoint, folder / WEIGHTS_FILE), version)
    (folder / CARD_FILE).write_text(to_toml(draft), encoding="utf-8")
    images, labels = valid.majority()
    if len(images) == 0:
        raise DataError(f"no image of {valid.name} has a majority emotion; nothing to calibrate on")
    plain = load(folder, threads=torch.get_num_threads())
    straight, mirrored = (_logits(plain, views) for views in (images, np.ascontiguousarray(images[:, :, ::-1])))
    card = replace(draft, temperature=round(fit_temperature(straight, labels), 4))
    probabilities = softmax(straight, card.temperature)
    card = replace(card, unknown_below=choose_unknown_below(probabilities))
    both = (probabilities + softmax(mirrored, card.temperature)) * np.float32(0.5)
    evaluation = measure(probabilities, labels, (plain.name, card.sha256, valid.name, False))
    evaluation = replace(evaluation, ece=calibration_error(cross_fitted(straight, labels), labels))
    with_mirror = measure(both, labels, (plain.name, card.sha256, valid.name, True))
    card = replace(card, figures=_figures(evaluation, with_mirror, probabilities, card.unknown_below))
    (folder / CARD_FILE).write_text(to_toml(card), encoding="utf-8")
    _check(folder, images[:CHECKED], probabilities[:CHECKED])
    (folder / "card.md").write_text(describe(card, checkpoint, evaluation), encoding="utf-8")
    title = f"{card.name} {card.version} on {valid.name}: {evaluation.accuracy:.2%} of {evaluation.n}"
    draw_confusion(evaluation.confusion, title, folder / "confusion.png")
    draw_learning_curve(checkpoint.history, folder / "learning-curve.png")
    return Export(folder, card, evaluation, with_mirror)


def _logits(classifier: Classifier, images: Image) -> NDArray[np.float32]:
    """Return ``(N, 8)`` logits, up to a constant per image, from the answers at temperature 1."""
    return np.log(np.maximum(predict(classifier, images), np.float32(1e-30)))


def _check(folder: Path, images: Image, expected: NDArray[np.float32]) -> None:
    difference = float(np.abs(load(folder, threads=torch.get_num_threads()).predict(images) - expected).max())
    if difference > 1e-4:
        raise TrainerError(f"the model written answers otherwise than measured (by {difference:.1e}); report this bug")


def _write_weights(checkpoint: Checkpoint, path: Path) -> str:
    halves = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in checkpoint.average.items()
    }
    if not all(bool(torch.isfinite(value).all()) for value in halves.values()):
        raise TrainerError("a weight does not fit into float16; the run went astray, train again with a lower --lr")
    content = safetensors.torch.save(halves)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _draft_card(checkpoint: Checkpoint, sha256: str, version: str) -> Card:
    recipe = checkpoint.recipe
    return Card(
        name=recipe.name,
        version=version,
        architecture=recipe.architecture,
        labels=EMOTIONS,
        input_px=CROP_SIZE_PX,
        colour="gray",
        mean=recipe.mean,
        std=recipe.std,
        temperature=1.0,
        unknown_below=0.0,
        weights=WEIGHTS_FILE,
        sha256=sha256,
        dtype="float16",
        trained_on=(recipe.train_split,),
        selected_on=(recipe.valid_split,),
        licence=LICENCE,
        teachers=checkpoint.teachers,
    )


def _figures(
    plain: Evaluation, mirrored: Evaluation, probabilities: NDArray[np.float32], unknown_below: float
) -> dict[str, float]:
    values = {
        "n": float(plain.n),
        "accuracy": plain.accuracy,
        "accuracy_tta": mirrored.accuracy,
        "macro_f1": plain.macro_f1,
        "macro_recall": plain.macro_recall,
        "ece": plain.ece,
        "answered": float((probabilities.max(axis=1) >= unknown_below).mean()),
    }
    return {f"{plain.split}.{name}": round(value, 4) for name, value in values.items()}


def default_version() -> str:
    """Return today's date as a version, for example ``2026.11.22``."""
    return f"{datetime.datetime.now(datetime.UTC):%Y.%m.%d}"
