"""``trainer fairness``: how evenly groups are found and read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from trainer.cli.options import FOLDER, progress_bar, threads_option


@click.command()
@click.option("--groups", type=FOLDER, help="CSV: a column with the picture's path, the others are groups.")
@click.option("--images", type=FOLDER, help="Where paths in the CSV start; its own folder where not given.")
@click.option("--image-column", default="image", show_default=True, help="Column of the CSV.")
@click.option("--subject-column", default="subject", show_default=True, help="Column that says whose picture it is.")
@click.option("--data", type=FOLDER, help="Instead of a CSV: folder or .zip in FER+ layout.")
@click.option("--split", default="FER2013Valid", show_default=True, help="Folder of the split in --data.")
@click.option("--limit", type=click.IntRange(1), help="Measure on so many pictures only.")
@click.option("--least", type=click.IntRange(2), default=30, show_default=True, help="Pictures a group must have.")
@click.option("--weights", type=FOLDER, help="Model folder, like models/NAME; the product's own if not given.")
@click.option("--detector", default="auto", show_default=True, help="yunet, haar, or what the product takes.")
@click.option("--to", "target", type=FOLDER, help="Write the tables to this Markdown file too.")
@click.option("--title", help="Heading of the tables.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@threads_option
def fairness(
    groups: Path | None, images: Path | None, image_column: str, subject_column: str, data: Path | None, split: str,
    limit: int | None, least: int, weights: Path | None, detector: str, target: Path | None, title: str | None,
    as_json: bool, threads: int | None,
) -> None:  # fmt: skip
    """Print no-face rate, accuracy, score shift and alert rate by group and condition, with intervals of 95 %."""
    from engage import config
    from engage.inference.classifier import load
    from engage.vision.detectors.registry import build_detector
    from trainer.conditions import CONDITIONS
    from trainer.data import load_split
    from trainer.errors import DataError
    from trainer.evaluate import refuse_learnt
    from trainer.fairness import measure
    from trainer.fairness_text import to_markdown
    from trainer.groups_file import Columns, of_split, read_groups

    if (groups is None) == (data is None):
        raise DataError("give pictures: either --groups CSV or --data DIR")
    classifier = load(weights, threads=threads or os.cpu_count() or 1)
    finder = build_detector(detector, config.load())
    if groups is not None:
        faces, name = read_groups(groups, images, Columns(image_column, subject_column), limit), groups.stem
    else:
        assert data is not None  # noqa: S101 (one of the two is given)
        refuse_learnt(classifier, split)
        faces, name = of_split(load_split(data, split).first(limit)), split
    with progress_bar(hidden=as_json) as progress:
        task = progress.add_task(classifier.name, total=len(CONDITIONS))
        found = measure(faces, classifier, finder, least=least, on_condition=lambda _: progress.advance(task))
    text = to_markdown(found, title or f"{name}: {len(faces)} pictures")
    if target:
        target.write_text(text, encoding="utf-8")
    click.echo(json.dumps(found.to_dict()) if as_json else text)
