"""``trainer label-signals``: the teachers' answers and drawn faces, as one file for ``trainer fit-signals``."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.options import FOLDER, data_option, progress_bar


@click.command()
@data_option
@click.option("--landmarker", required=True, type=FOLDER, help="MediaPipe's face_landmarker.task.")
@click.option("--yunet", required=True, type=FOLDER, help="YuNet's ONNX file, as the product uses it.")
@click.option("--out", required=True, type=FOLDER, help="The .npz file to write.")
@click.option("--split", "splits", multiple=True, default=("FER2013Train", "FER2013Valid"), show_default=True)
@click.option("--drawings", type=click.IntRange(1), default=4096, show_default=True, help="Drawn faces.")
def label_signals(data: Path, landmarker: Path, yunet: Path, out: Path, splits: tuple[str, ...], drawings: int) -> None:
    """Ask MediaPipe and YuNet what the pictures show, and draw faces whose truth is exact.

    MediaPipe wants packages that the product must not have: ``make labels`` runs this in an environment of its own.
    """
    from trainer.data import load_split
    from trainer.label_signals import Teachers, label
    from trainer.labels_file import save_labels
    from trainer.virtual_faces import draw_faces

    teachers = Teachers(landmarker, yunet)
    labels = {}
    with progress_bar() as progress:
        for split in splits:
            images = load_split(data, split).images
            task = progress.add_task(split, total=len(images))
            labels[split] = label(images, teachers, lambda done, task=task: progress.update(task, completed=done))  # type: ignore[misc]
        task = progress.add_task("drawn faces", total=drawings)
        faces = draw_faces(drawings, yunet, on_progress=lambda done: progress.update(task, completed=done))
    save_labels(out, labels, faces)
    for split, raw in labels.items():
        click.echo(
            f"{split}: {len(raw.found)} pictures, a face in {raw.found.mean():.1%}, framed {raw.framed.mean():.1%}"
        )
    click.echo(f"{out}: also {len(faces.patches)} drawn faces; next: trainer fit-signals --data {data} --labels {out}")
