"""The command ``trainer``: train, evaluate, export.

Every error a user can cause is one line on standard error and exit code 2; Ctrl-C is exit code 130, and a training run
stopped by it goes on with ``--resume``.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from engage.errors import EngageError

_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_FOLDER = click.Path(path_type=Path)


def _duration(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
    if seconds <= 0:
        raise click.BadParameter(f"'{text}' is not a time; write 90s, 75m or 1.5h")
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, of this process if no ``arguments`` are given, and leave the process with its exit code."""
    try:
        code = cli.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"trainer: {error.format_message()}", err=True)
        code = 2
    except EngageError as error:
        click.echo(f"trainer: {error}", err=True)
        code = 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("trainer: stopped", err=True)
        code = 130
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train, measure and export the expression classifier."""


@cli.command()
@click.option("--data", required=True, type=_FOLDER, help="Folder or .zip in FER+ layout.")
@click.option("--out", required=True, type=_FOLDER, help="Folder of the run: checkpoint and history.")
@click.option("--resume", is_flag=True, help="Go on with the run that --out holds.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training images at most.")
@click.option(
    "--budget", type=_duration, metavar="TIME", help="End, annealed, after this time: 75m, 1.5h. Counts over resumes."
)
@click.option("--batch-size", type=click.IntRange(2), help="Images per step.")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate.")
@click.option("--seed", type=int, help="Of weights, order, augmentation and dropout.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; all cores if not given.")
def train(data: Path, out: Path, resume: bool, threads: int | None, **changes: Any) -> None:
    """Train on FER2013Train, measuring on FER2013Valid after every epoch.

    Without --epochs and --budget: 15 epochs. With a budget the learning rate falls to zero by its end, however slow the
    machine, so a laptop gets a finished network too.
    """
    from trainer.data import load_split
    from trainer.machine import prepare
    from trainer.train import train as run_training

    recipe = _recipe(out, resume, changes)
    prepare(threads)
    splits = load_split(data, recipe.train_split), load_split(data, recipe.valid_split)
    with _progress() as progress:
        checkpoint = run_training(recipe, splits, out, _listener(progress))
    click.echo(f"done: {checkpoint}; export it with: trainer export --run {out} --data {data} --to models/NAME")


@cli.command()
@click.option("--data", required=True, type=_FOLDER, help="Folder or .zip in FER+ layout.")
@click.option("--split", default="FER2013Valid", show_default=True, help="Folder of the split.")
@click.option("--weights", type=_FOLDER, help="Model folder, like models/NAME; the product's own if not given.")
@click.option("--tta", is_flag=True, help="Average the answers for each image and its mirror image.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; all cores if not given.")
def evaluate(data: Path, split: str, weights: Path | None, tta: bool, as_json: bool, threads: int | None) -> None:
    """Print accuracy (0-1, majority rule), macro-F1, recall, calibration and confusion of a model on a split."""
    from engage.inference.classifier import load
    from trainer.data import load_split
    from trainer.evaluate import evaluate as run_evaluation

    classifier = load(weights, threads=threads or os.cpu_count() or 1)
    images = load_split(data, split)
    with _progress(hidden=as_json) as progress:
        task = progress.add_task(split, total=None)
        result = run_evaluation(
            classifier,
            images,
            tta=tta,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if as_json:
        click.echo(json.dumps(result.to_dict()))
        return
    click.echo(f"{result.checkpoint} on {result.split}{' with mirror images' if tta else ''}: {result.n} images")
    click.echo(f"accuracy {result.accuracy:.2%}   macro-F1 {result.macro_f1:.1%}")
    click.echo(f"macro recall {result.macro_recall:.1%}   calibration error {result.ece:.3f}")
    for name, value in result.recall.items():
        click.echo(f"  {name:10s} recall {'   –' if value is None else f'{value:6.1%}'}")


@cli.command()
@click.option("--run", "run_folder", required=True, type=_FOLDER, help="Folder of a training run.")
@click.option("--data", required=True, type=_FOLDER, help="Folder or .zip in FER+ layout, to calibrate on.")
@click.option("--to", "target", required=True, type=_FOLDER, help="Model folder to write, like models/NAME.")
@click.option("--version", "model_version", help="Version for the card; today's date if not given.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; all cores if not given.")
def export(run_folder: Path, data: Path, target: Path, model_version: str | None, threads: int | None) -> None:
    """Write a run's averaged weights as a model folder: safetensors, card.toml, card.md, figures."""
    from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint
    from trainer.data import load_split
    from trainer.export import default_version
    from trainer.export import export as run_export
    from trainer.machine import prepare

    checkpoint = Checkpoint.load(run_folder / CHECKPOINT_FILE)
    prepare(threads)
    valid = load_split(data, checkpoint.recipe.valid_split)
    written = run_export(checkpoint, valid, target, model_version or default_version())
    figures = written.evaluation
    click.echo(
        f"{written.folder}: accuracy {figures.accuracy:.2%} on {figures.split}, calibration error {figures.ece:.3f}"
    )


def _recipe(out: Path, resume: bool, changes: dict[str, Any]) -> Any:
    from dataclasses import replace

    from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint
    from trainer.recipe import Recipe

    path = out / CHECKPOINT_FILE
    if path.exists() and not resume:
        raise click.UsageError(f"{out} holds a run already; add --resume to go on with it, or give a new --out")
    if resume and not path.exists():
        raise click.UsageError(f"nothing to resume in {out}; leave out --resume, or give the run's --out")
    base = Checkpoint.load(path).recipe if resume else Recipe()
    changes["budget_s"] = changes.pop("budget")
    if changes["budget_s"] and not resume and not changes["epochs"]:
        changes["epochs"] = 1000  # the budget alone decides
    return replace(base, **{name: value for name, value in changes.items() if value is not None})


def _progress(hidden: bool = False) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=hidden)


def _listener(progress: Progress) -> Any:
    from trainer.checkpoint import EpochRecord
    from trainer.train import Listener, StepReport

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
