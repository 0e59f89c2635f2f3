"""``trainer evaluate-signals``: the signals head against its teachers and against exact truth."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trainer.cli.options import FOLDER, data_option, progress_bar, threads_option

UNSEEN_SEED = 3_000_000
"""First of the drawn people that no training has seen."""


@click.command()
@data_option
@click.option("--labels", required=True, type=FOLDER, help="The file of trainer label-signals.")
@click.option("--yunet", required=True, type=FOLDER, help="YuNet's ONNX file, to frame the drawn faces.")
@click.option("--split", default="FER2013Valid", show_default=True, help="Folder of the split.")
@click.option("--weights", type=FOLDER, help="Model folder, like models/NAME; the product's own if not given.")
@click.option("--drawings", type=click.IntRange(1), default=640, show_default=True, help="Drawn faces.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@threads_option
def evaluate_signals(
    data: Path,
    labels: Path,
    yunet: Path,
    split: str,
    weights: Path | None,
    drawings: int,
    as_json: bool,
    threads: int | None,
) -> None:
    """Print agreement with MediaPipe on a split (not truth), and the exact error on drawn faces nobody trained on."""
    import numpy as np

    from engage.inference.classifier import load
    from trainer.data import load_split
    from trainer.evaluate_signals import evaluate_signals as measure
    from trainer.labels_file import load_labels
    from trainer.machine import prepare
    from trainer.signals import from_drawings, from_teachers
    from trainer.virtual_faces import draw_faces

    images = load_split(data, split).images
    teachers = from_teachers(load_labels(labels, split), np.zeros(len(images), np.bool_))
    with progress_bar(hidden=as_json) as progress:
        task = progress.add_task("drawing", total=drawings)
        drawn = draw_faces(
            drawings, yunet, first_seed=UNSEEN_SEED, on_progress=lambda done: progress.update(task, completed=done)
        )
    classifier = load(weights)
    prepare(threads)
    results = [
        measure(classifier, images, teachers, f"{split}, against MediaPipe"),
        measure(classifier, drawn.crops, from_drawings(drawn), "drawn, exact"),
    ]
    if as_json:
        click.echo(json.dumps([result.to_dict() for result in results]))
        return
    for result in results:
        click.echo(f"{result.model} on {result.n} faces ({result.faces})")
        for name, value in result.values.items():
            click.echo(f"  {name:24s} {value:8.3f}")
