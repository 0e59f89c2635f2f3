"""``trainer evaluate-engagement``: does the score agree with people who judged pictures?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from trainer.cli.options import FOLDER, progress_bar, threads_option

PICTURES = "Folder or .zip of labelled pictures: labels.csv (file, subject, label) beside images/."


@click.command("evaluate-engagement")
@click.option("--data", required=True, type=FOLDER, help=PICTURES)
@click.option("--scoring", "scoring_name", metavar="NAME|FILE", help="Settings to judge; the default ones if none.")
@click.option("--weights", type=FOLDER, help="Model folder, like models/NAME; the product's own if not given.")
@click.option("--whole", is_flag=True, help="Take the pictures whole, instead of finding the face and cropping again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@threads_option
def evaluate_engagement(
    data: Path, scoring_name: str | None, weights: Path | None, whole: bool, as_json: bool, threads: int | None
) -> None:
    """Score each picture as if it lasted, and compare with its label: ranking (AUC), recall, rank correlation.

    Areas are those of label 1 against 3, 1 against 2 and 3, and 1 against 3 within each subject; 0.5 is chance.
    """
    from engage import config
    from engage.core.scoring_settings import ScoringSettings
    from engage.inference.classifier import load
    from engage.storage.versions import named_scoring
    from engage.vision.detectors.registry import build_detector
    from trainer.engagement import evaluate_engagement as run_evaluation
    from trainer.engagement import read_faces
    from trainer.installation import existing_database
    from trainer.pictures import load_pictures

    settings = config.load()
    default = ScoringSettings()
    with existing_database(settings) as database:
        scoring = named_scoring(scoring_name, settings, database) if scoring_name else default
    pictures = load_pictures(data)
    reader = load(weights, threads=threads or os.cpu_count() or 1)
    detector = None if whole else build_detector(settings.vision.detector, settings)
    with progress_bar(hidden=as_json) as progress:
        task = progress.add_task("pictures", total=len(pictures.images))
        faces = read_faces(pictures, detector, reader, lambda done, _: progress.update(task, completed=done))
    result: dict[str, Any] = {
        "scoring": scoring.version,
        **run_evaluation(faces, pictures, scoring).to_dict(),
        "checkpoint": reader.name,
        "detector": detector.name if detector else None,
        "faces_found": int((faces.confidence > 0).sum()),
    }
    if scoring != default:
        result["default"] = {"scoring": default.version, **run_evaluation(faces, pictures, default).to_dict()}
    click.echo(json.dumps(result) if as_json else as_text(result))


def as_text(result: dict[str, Any]) -> str:
    """Return figures in lines for people."""
    lines = [f"{result['scoring']}: {result['n_scored']} of {result['n']} pictures scored"]
    for key, words in (
        ("auc_1_vs_3", "AUC, disengaged against engaged"),
        ("auc_1_vs_23", "AUC, disengaged against the rest"),
        ("auc_1_vs_3_within", "AUC within subjects, 1 against 3"),
        ("mean_recall", "mean recall of the three labels"),
        ("rank_correlation", "rank correlation"),
    ):
        value = result[key]
        lines.append(f"  {words:36s} {'–' if value is None else f'{value:.3f}'}")
    recalls = ", ".join(f"{name}: {'–' if v is None else f'{v:.0%}'}" for name, v in result["recall"].items())
    lines.append(f"  {'recall':36s} {recalls}")
    if "default" in result:
        lines.append(as_text(result["default"]))
    return "\n".join(lines)
