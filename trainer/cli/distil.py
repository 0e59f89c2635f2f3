"""``trainer distil``: several models into one."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from trainer.cli.options import FOLDER, data_option, progress_bar, recipe_options, threads_option
from trainer.cli.train import listener_for, recipe_of


@click.command()
@data_option
@click.option("--out", required=True, type=FOLDER, help="Folder of the run: checkpoint and history.")
@click.option("--teacher", "teachers", multiple=True, required=True, type=FOLDER, help="Model folder; may be repeated.")
@click.option(
    "--weight",
    type=click.FloatRange(0, 1),
    default=0.7,
    show_default=True,
    help="Of the teachers in the targets; the rest is the annotators'.",
)
@recipe_options
@threads_option
def distil(
    data: Path, out: Path, teachers: tuple[Path, ...], weight: float, resume: bool, threads: int | None, **changes: Any
) -> None:
    """Train one network on the averaged answers of several models and on the annotators' votes.

    The teachers see the training images without augmentation, upright and mirrored; their answers are worked out once,
    at the start and at every --resume.
    """
    from engage.inference.classifier import load
    from trainer.data import load_split
    from trainer.distil import taught
    from trainer.machine import prepare
    from trainer.train import train as run_training

    recipe = recipe_of(out, resume, changes)
    prepare(threads)
    known = [load(folder, threads=threads or os.cpu_count() or 1) for folder in teachers]
    recipe = replace(recipe, teachers=tuple(teacher.name for teacher in known))
    learnt, valid = load_split(data, recipe.train_split), load_split(data, recipe.valid_split)
    splits = taught(learnt, known, recipe, weight), valid
    with progress_bar() as progress, listener_for(progress, out) as listener:
        checkpoint = run_training(recipe, splits, out, listener)
    click.echo(f"done: {checkpoint}; export it with: trainer export --run {out} --data {data} --to models/NAME")
