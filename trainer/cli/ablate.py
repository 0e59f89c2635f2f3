"""``trainer ablate``: what each choice of a recipe is worth."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.options import FOLDER, data_option, progress_bar, threads_option


def named_changes(texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return ``("sam: regularisation.sam_rho=.05",)`` by name; several parts are separated by semicolons."""
    changes = {}
    for text in texts:
        name, colon, parts = text.partition(":")
        if not colon or not name.strip() or not parts.strip():
            raise click.UsageError(f"'{text}' is not of the form 'NAME: part=value; part=value'")
        changes[name.strip()] = tuple(part.strip() for part in parts.split(";"))
    return changes


@click.command()
@data_option
@click.option("--out", required=True, type=FOLDER, help="Folder of the runs and the table; goes on with what it holds.")
@click.option("--preset", default="default", show_default=True, help="Recipe to change: default, trial or long.")
@click.option("--epochs", type=click.IntRange(1), default=15, show_default=True, help="Of every run.")
@click.option("--change", "texts", multiple=True, metavar="'NAME: PART=VALUE'", help="A run with this change.")
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="A part of the recipe, in all runs.")
@threads_option
def ablate(
    data: Path,
    out: Path,
    preset: str,
    epochs: int,
    texts: tuple[str, ...],
    assignments: tuple[str, ...],
    threads: int | None,
) -> None:
    """Train a recipe and changes of it for a few epochs each, and pair every one with the unchanged run (McNemar).

    Without --change: the choices of the project's issue, see trainer.ablation.CHANGES.
    """
    from trainer.ablation import CHANGES, to_markdown
    from trainer.ablation import ablate as run_ablation
    from trainer.cli.train import listener_on
    from trainer.data import load_split
    from trainer.machine import prepare
    from trainer.presets import PRESETS, changed

    if preset not in PRESETS:
        raise click.UsageError(f"no preset '{preset}'; there are {', '.join(PRESETS)}")
    base = changed(PRESETS[preset], [f"epochs={epochs}", *assignments])
    changes = named_changes(texts) or CHANGES
    prepare(threads)
    splits = load_split(data, base.train_split), load_split(data, base.valid_split)
    with progress_bar() as progress:
        trials = run_ablation(base, changes, splits, out, lambda name: listener_on(progress))
    click.echo(to_markdown(trials, base, base.valid_split))
