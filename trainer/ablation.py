"""What each choice of a recipe is worth: short runs with one change each, paired with the unchanged run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.calibration import softmax
from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint
from trainer.data import Split
from trainer.errors import TrainerError
from trainer.evaluate import measure
from trainer.paired import Pairing, mcnemar
from trainer.presets import changed
from trainer.recipe import Recipe
from trainer.train import Listener, train
from trainer.trained import network_logits, trained

BASE = "base"
CHANGES: Mapping[str, tuple[str, ...]] = {
    "majority-targets": ("targets=majority",),
    "no-erasing": ("augmentation.erase=0",),
    "no-affine": ("augmentation.rotate_deg=0", "augmentation.scale=0", "augmentation.shift=0"),
    "no-jitter": ("augmentation.brightness=0", "augmentation.contrast=0"),
    "mixup": ("regularisation.mixup_alpha=.3",),
    "no-ema": ("ema=0",),
    "sam": ("regularisation.sam_rho=.05",),
    "flip-consistency": ("regularisation.flip_consistency=1",),
    "logit-adjustment": ("regularisation.logit_adjustment=.3",),
    "full-size-throughout": ("sizes=[[0, 48]]",),
}
"""The choices of the issue, each put in or taken out of the default recipe."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of an ablation; shares are 0-1."""

    name: str
    changes: tuple[str, ...]
    accuracy: float
    macro_f1: float
    macro_recall: float
    minutes: float
    against_base: Pairing | None
    """None for the unchanged run itself."""


def ablate(
    base: Recipe,
    changes: Mapping[str, Sequence[str]],
    splits: tuple[Split, Split],
    out: Path,
    listening: Callable[[str], Listener] = lambda name: Listener(),
) -> tuple[Trial, ...]:
    """Train ``base`` and every change of it, write ``table.md`` and ``table.json`` to ``out``, and return the trials.

    Runs are kept in ``out/NAME`` and gone on with, so that an ablation that was broken off goes on where it was. The
    table is written anew after every run.

    Args:
        base: the recipe all others are compared with.
        changes: by name, what each run changes in it, as ``trainer.presets.changed`` reads it.
        splits: to learn from and to measure on.
        out: folder of everything.
        listening: who is told about the run of a name.

    Raises:
        TrainerError: a change that a recipe cannot have, or what training raises.
    """
    if BASE in changes:
        raise TrainerError(f"'{BASE}' is the name of the unchanged run; give the change another name")
    recipes = {BASE: base, **{name: changed(base, list(parts)) for name, parts in changes.items()}}
    labels = splits[1].majority()[1]
    trials: list[Trial] = []
    right: dict[str, NDArray[np.bool_]] = {}
    for name, recipe in recipes.items():
        train(recipe, splits, out / name, listening(name))
        network, _ = trained(out / name)
        probabilities = softmax(network_logits(network, recipe, splits[1].majority()[0]), 1.0)
        right[name] = probabilities.argmax(axis=1) == labels
        figures = measure(probabilities, labels, (name, "", splits[1].name, False))
        trials.append(
            Trial(
                name=name,
                changes=tuple(changes.get(name, ())),
                accuracy=figures.accuracy,
                macro_f1=figures.macro_f1,
                macro_recall=figures.macro_recall,
                minutes=_minutes(out / name),
                against_base=None if name == BASE else mcnemar(right[name], right[BASE]),
            )
        )
        _write(trials, base, splits[1].name, out)
    return tuple(trials)


def _minutes(run: Path) -> float:
    return round(Checkpoint.load(run / CHECKPOINT_FILE).elapsed_s / 60, 2)


def _write(trials: Sequence[Trial], base: Recipe, split: str, out: Path) -> None:
    values = {"base": base.to_dict(), "split": split, "trials": [asdict(trial) for trial in trials]}
    try:
        (out / "table.md").write_text(to_markdown(trials, base, split), encoding="utf-8")
        (out / "table.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrainerError(
            f"cannot write the table to {out}: {error}; free some space or give another --out"
        ) from error


def to_markdown(trials: Sequence[Trial], base: Recipe, split: str) -> str:
    """Return the table as Markdown."""
    lines = [
        f"# One change at a time, {base.epochs} epochs, seed {base.seed}, measured on {split}",
        "",
        "| run | change | accuracy | macro-F1 | macro recall | minutes | against base (95 % interval) | p |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for trial in trials:
        paired = "– | –"
        if trial.against_base:
            low, high = (f"{100 * bound:+.2f}" for bound in trial.against_base.interval)
            difference = f"{100 * trial.against_base.difference:+.2f}"
            paired = f"{difference} ({low} to {high}) | {trial.against_base.p:.3f}"
        lines.append(
            f"| {trial.name} | {', '.join(trial.changes) or 'none'} | {trial.accuracy:.2%} | {trial.macro_f1:.1%} | "
            f"{trial.macro_recall:.1%} | {trial.minutes:.1f} | {paired} |"
        )
    lines += ["", "p is McNemar's exact test on the same images: one run each, so a seed's luck is not in it.", ""]
    return "\n".join(lines)
