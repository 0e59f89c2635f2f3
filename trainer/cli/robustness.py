"""``trainer robustness``: a model on faces that are dark, blurred, turned, covered or cut badly."""

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
@click.option("--limit", type=click.IntRange(1), help="Measure on the first so many images only.")
@click.option("--detector", "detectors", multiple=True, help="Check its crops too: yunet, haar. May be repeated.")
@click.option("--to", "target", type=FOLDER, help="Write the tables to this Markdown file too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@threads_option
def robustness(
    data: Path,
    split: str,
    weights: Path | None,
    limit: int | None,
    detectors: tuple[str, ...],
    target: Path | None,
    as_json: bool,
    threads: int | None,
) -> None:
    """Print accuracy, recall and calibration under thirteen conditions, and on the crops of our own detectors."""
    from engage import config
    from engage.inference.classifier import load
    from engage.vision.detectors.registry import build_detector
    from trainer.data import load_split
    from trainer.evaluate import refuse_learnt
    from trainer.robustness import CONDITIONS, check_detector, measure_conditions, to_markdown

    looking = [build_detector(name, config.load()) for name in detectors]
    classifier = load(weights, threads=threads or os.cpu_count() or 1)
    refuse_learnt(classifier, split)
    images = load_split(data, split).first(limit)
    with progress_bar(hidden=as_json) as progress:
        task = progress.add_task(classifier.name, total=len(CONDITIONS) + len(looking))
        conditions = measure_conditions(classifier, images, lambda condition: progress.advance(task))
        checks = []
        for detector in looking:
            checks.append(check_detector(classifier, images, detector))
            progress.advance(task)
    text = to_markdown(f"{classifier.name} on {split}: {conditions[0].n:,} images", conditions, tuple(checks))
    if target:
        target.write_text(text, encoding="utf-8")
    plain = {
        "conditions": [found.to_dict() for found in conditions],
        "detectors": [check.to_dict() for check in checks],
    }
    click.echo(json.dumps({"checkpoint": classifier.name, "split": split, **plain}) if as_json else text)
