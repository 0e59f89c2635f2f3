"""``trainer train``: from a data folder to a run with a checkpoint and its history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress

from trainer.cli.options import FOLDER, data_option, progress_bar, recipe_options, threads_option

if TYPE_CHECKING:
    from trainer.checkpoint import EpochRecord
    from trainer.recipe import Recipe
    from trainer.train import Listener, StepReport


@click.command()
@data_option
@click.option("--out", required=True, type=FOLDER, help="Folder of the run: checkpoint and history.")
@click.option("--from", "start", type=FOLDER, help="Model folder whose weights to start from; new ones if not given.")
@recipe_options
@threads_option
def train(data: Path, out: Path, start: Path | None, threads: int | None, **changes: Any) -> None:
    """Train on FER2013Train, measuring on FER2013Valid after every epoch.

    Without --epochs and --budget: 15 epochs. With a budget the learning rate falls to zero by its end, however slow the
    machine, so a laptop gets a finished network too.
    """
    from trainer.data import load_split
    from trainer.machine import prepare
    from trainer.train import train as run_training
    from trainer.warm_start import start_from

    recipe, weights = recipe_of(out, changes.pop("resume"), changes), None
    if start is not None:
        recipe, weights = start_from(start, recipe)
    if recipe.teachers:
        raise click.UsageError(f"the run in {out} has teachers; go on with it by trainer distil")
    prepare(threads)
    splits = load_split(data, recipe.train_split), load_split(data, recipe.valid_split)
    with progress_bar() as progress, listener_for(progress, out) as listener:
        checkpoint = run_training(recipe, splits, out, listener, weights)
    click.echo(f"done: {checkpoint}; export it with: trainer export --run {out} --data {data} --to models/NAME")


def recipe_of(out: Path, resume: bool, changes: dict[str, Any]) -> Recipe:
    """Return the recipe of the run in ``out``, or of the preset, with the other ``changes`` that are not None.

    Raises click.UsageError where ``out`` holds a run and ``resume`` was not said, or the other way round.
    """
    from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint
    from trainer.presets import PRESETS, changed

    path = out / CHECKPOINT_FILE
    if path.exists() and not resume:
        raise click.UsageError(f"{out} holds a run already; add --resume to go on with it, or give a new --out")
    if resume and not path.exists():
        raise click.UsageError(f"nothing to resume in {out}; leave out --resume, or give the run's --out")
    preset, assignments = changes.pop("preset"), changes.pop("assignments")
    if preset not in (None, *PRESETS):
        raise click.UsageError(f"no preset '{preset}'; there are {', '.join(PRESETS)}")
    base = PRESETS[preset or "default"] if preset or not resume else Checkpoint.load(path).recipe
    changes["budget_s"] = changes.pop("budget")
    if changes["budget_s"] and not resume and not changes["epochs"]:
        changes["epochs"] = 1000  # the budget alone decides
    return changed(replace(base, **{name: value for name, value in changes.items() if value is not None}), assignments)


@contextmanager
def listener_for(progress: Progress, out: Path) -> Iterator[Listener]:
    """Yield a listener that shows a run's course on ``progress`` and writes it to ``out`` for TensorBoard."""
    from trainer.tensorboard import logged

    with logged(listener_on(progress), out) as listener:
        yield listener


def listener_on(progress: Progress) -> Listener:
    """Return a listener that shows a run's course on ``progress``."""
    from trainer.train import Listener

    task = progress.add_task("first step", total=1.0)

    def step(report: StepReport) -> None:
        text = f"epoch {report.epoch}  loss {report.loss:.3f}  {report.size_px} px  {report.images_per_s:.0f} images/s"
        progress.update(task, completed=report.progress, description=text)

    def epoch(record: EpochRecord) -> None:
        progress.console.print(
            f"epoch {record.epoch}: training loss {record.train_loss:.4f}, validation accuracy "
            f"{record.valid_accuracy:.2%} ({record.elapsed_s / 60:.0f} min)"
        )

    return Listener(step, epoch)
