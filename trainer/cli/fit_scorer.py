"""``trainer fit-scorer``: fit the score to what people have said, as a new scoring version."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainer.cli.evaluate_engagement import PICTURES
from trainer.cli.options import FOLDER, progress_bar, threads_option

if TYPE_CHECKING:
    from engage.config import Settings
    from trainer.fit_scorer import Judge
    from trainer.judged import Stretch


@click.command("fit-scorer")
@click.option("--data", type=FOLDER, help=f"{PICTURES} They are taken instead of the stored feedback.")
@click.option("--name", required=True, help="Name of the new scoring version: small letters, digits, dots and dashes.")
@click.option("--to", "target", type=FOLDER, help="Settings file to write; var/scoring/NAME.yaml if not given.")
@click.option("--weights", type=FOLDER, help="Model folder, like models/NAME; the product's own if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@threads_option
def fit_scorer(
    data: Path | None, name: str, target: Path | None, weights: Path | None, as_json: bool, threads: int | None
) -> None:
    """Fit exponents, emotion weights and thresholds to check-ins and corrections, or to labelled pictures.

    Writes a new settings file and registers it as a scoring version; nothing is overwritten. Figures are those on
    people who were left out of the fit, before and after.
    """
    from engage import config
    from engage.core.scoring_settings import ScoringSettings
    from engage.scoring_file import NAME, OWN_FOLDER, write_scoring
    from engage.storage.versions import ScoringVersions
    from trainer.fit_scorer import fit_scorer as run_fit
    from trainer.installation import existing_database

    settings = config.load()
    if not NAME.fullmatch(name) or name == "default":
        raise click.UsageError(f"--name {name} cannot be a name; take small letters, digits, dots and dashes")
    file = target or settings.path(OWN_FOLDER) / f"{name}.yaml"
    if file.exists():
        raise click.UsageError(f"{file} is there already, and nothing is overwritten; give another --name")
    judge = _judge(data, weights, threads, settings)
    with progress_bar(hidden=as_json) as progress:
        task = progress.add_task("scoring what was judged", total=None)
        fit = run_fit(judge, ScoringSettings(), name, lambda done, of: progress.update(task, completed=done, total=of))
    write_scoring(fit.scoring, file, f"Fitted by trainer fit-scorer to {fit.after.n} judged moments.")
    with existing_database(settings) as database:
        if database is not None:
            ScoringVersions(database).register(fit.scoring)
    if as_json:
        click.echo(json.dumps({**fit.to_dict(), "file": str(file)}))
        return
    click.echo(f"{fit.scoring.version}, fitted to {fit.after.n} judged moments of {fit.n_subjects} people: {file}")
    for key in ("auc_1_vs_3", "auc_1_vs_23", "auc_1_vs_3_within", "mean_recall", "rank_correlation"):
        before, after = (getattr(each, key) for each in (fit.before, fit.after))
        shown = " -> ".join("–" if value is None else f"{value:.3f}" for value in (before, after))
        click.echo(f"  {key:18s} {shown}")


def _judge(data: Path | None, weights: Path | None, threads: int | None, settings: Settings) -> Judge:
    if data is None:
        from trainer.judged import of_feedback

        stretches = _feedback(settings)
        return lambda scoring: of_feedback(stretches, scoring)
    from engage.inference.classifier import load
    from engage.vision.detectors.registry import build_detector
    from trainer.engagement import read_faces
    from trainer.judged import of_pictures
    from trainer.pictures import load_pictures

    pictures = load_pictures(data)
    detector = build_detector(settings.vision.detector, settings)
    faces = read_faces(pictures, detector, load(weights, threads=threads or os.cpu_count() or 1))
    return lambda scoring: of_pictures(faces, pictures.labels, scoring)


def _feedback(settings: Settings) -> list[Stretch]:
    """Return all feedback of this installation with the samples and gestures it speaks of."""
    from engage.storage.feedback import FeedbackBook
    from engage.storage.queries import Queries
    from trainer.installation import existing_database
    from trainer.judged import Stretch

    with existing_database(settings) as database:
        if database is None:
            return []
        queries, seen = Queries(database), {}
        said = FeedbackBook(database).all()
        for row in said:
            key = row.session_id, row.student_id
            if key not in seen:
                seen[key] = queries.student_samples(*key), queries.student_gestures(*key)
        return [Stretch(row, *seen[row.session_id, row.student_id]) for row in said]
