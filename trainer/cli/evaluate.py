"""``trainer evaluate``: the figures of a model on a split."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from trainer.cli.options import FOLDER, data_option, progress_bar, threads_option


@click.command()
@data_option
@click.option("--split", default="FER2013Valid", show_default=True, help="Folder of the split.")
@click.option("--weights", type=FOLDER, help="Model folder, like models/NAME; the product's own if not given.")
@click.option("--tta", is_flag=True, help="Average the answers for each image and its mirror image.")
@click.option("--against", type=FOLDER, help="A second model folder, compared on the same images (McNemar's test).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@threads_option
def evaluate(
    data: Path,
    split: str,
    weights: Path | None,
    tta: bool,
    against: Path | None,
    as_json: bool,
    threads: int | None,
) -> None:
    """Print accuracy (0-1, majority rule), macro-F1, recall, calibration and confusion of a model on a split."""
    from engage.inference.classifier import load
    from trainer.data import load_split
    from trainer.evaluate import compare_models
    from trainer.evaluate import evaluate as run_evaluation

    classifier = load(weights, threads=threads or os.cpu_count() or 1)
    other = load(against, threads=threads or os.cpu_count() or 1) if against else None
    images = load_split(data, split)
    with progress_bar(hidden=as_json) as progress:
        task = progress.add_task(split, total=None)
        result = run_evaluation(
            classifier,
            images,
            tta=tta,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
        pairing = compare_models(classifier, other, images, tta=tta) if other else None
    if as_json:
        paired = {"against": {"checkpoint": other.name, **pairing.to_dict()}} if other and pairing else {}
        click.echo(json.dumps({**result.to_dict(), **paired}))
        return
    click.echo(f"{result.checkpoint} on {result.split}{' with mirror images' if tta else ''}: {result.n} images")
    click.echo(f"accuracy {result.accuracy:.2%}   macro-F1 {result.macro_f1:.1%}")
    click.echo(f"macro recall {result.macro_recall:.1%}   calibration error {result.ece:.3f}")
    for name, value in result.recall.items():
        click.echo(f"  {name:10s} recall {'   –' if value is None else f'{value:6.1%}'}")
    if other and pairing:
        click.echo(f"against {other.name}: {pairing}")
