"""``trainer fit-signals``: the second head, and the trunk with it, from an expression network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trainer.cli.options import FOLDER, data_option, duration, progress_bar, threads_option


@click.command()
@data_option
@click.option("--labels", required=True, type=FOLDER, help="The file of trainer label-signals.")
@click.option("--from", "source", type=FOLDER, help="Model folder to start from; the product's own if not given.")
@click.option("--out", required=True, type=FOLDER, help="Folder of the run; a run in it is gone on with.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training images at most.")
@click.option("--budget", "budget_s", type=duration, metavar="TIME", help="End, annealed, after this time: 75m, 1.5h.")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate.")
@click.option("--seed", type=int, help="Of new weights, order and augmentation.")
@threads_option
def fit_signals(data: Path, labels: Path, source: Path | None, out: Path, threads: int | None, **changes: Any) -> None:
    """Teach head pose, gaze, lids, mouth and framing, and keep the expressions, in one run.

    The one command to repeat after any change of the trunk; then ``trainer export --run OUT``.
    """
    from trainer.data import load_split
    from trainer.joint import train_jointly, with_signals
    from trainer.joint_batch import JointRecipe
    from trainer.joint_data import gather
    from trainer.machine import prepare

    recipe = JointRecipe(**{name: value for name, value in changes.items() if value is not None})
    material = gather(load_split(data, recipe.train_split), load_split(data, recipe.valid_split), labels)
    network = with_signals(source, recipe)
    prepare(threads)
    with progress_bar() as progress:
        task = progress.add_task("both heads", total=1.0)
        path = train_jointly(
            recipe,
            network,
            material,
            out,
            lambda _, done, loss: progress.update(task, completed=done, description=f"loss {loss:.2f}"),
        )
    click.echo(f"done: {path}; export it with: trainer export --run {out} --data {data} --to models/NAME")
