"""``trainer export``: a run's averaged weights as a model folder, or a model as an ONNX file."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.options import FOLDER, threads_option


@click.command()
@click.option("--run", "run_folder", type=FOLDER, help="Folder of a run of train or fit-signals.")
@click.option("--data", type=FOLDER, help="Folder or .zip in FER+ layout, to calibrate the run on.")
@click.option("--to", "target", type=FOLDER, help="Model folder to write, like models/NAME.")
@click.option("--version", "model_version", help="Version for the card; today's date if not given.")
@click.option(
    "--lift", type=click.FloatRange(0, 1), default=0.0, show_default=True,
    help="Raise classes rarer than one in eight; 1 balances them.",
)  # fmt: skip
@click.option("--weights", type=FOLDER, help="Model folder to take for --onnx; the product's own if not given.")
@click.option("--onnx", "onnx_file", type=FOLDER, help="Write the model to this ONNX file too.")
@threads_option
def export(
    run_folder: Path | None,
    data: Path | None,
    target: Path | None,
    model_version: str | None,
    lift: float,
    weights: Path | None,
    onnx_file: Path | None,
    threads: int | None,
) -> None:
    """Write a run's averaged weights as a model folder: safetensors, card.toml, card.md, figures.

    With --onnx the model, or without --run an existing one (--weights), is written as one ONNX file too, checked
    against the model.
    """
    if run_folder is None and onnx_file is None:
        raise click.UsageError("give --run, --data and --to for a model folder, or --onnx FILE for an ONNX file")
    if run_folder is not None:
        if data is None or target is None or weights is not None:
            raise click.UsageError("--run goes with --data and --to, and without --weights")
        from trainer.machine import prepare

        prepare(threads)
        _export_run(run_folder, data, target, model_version, lift)
        weights = target
    if onnx_file is not None:
        from engage.inference.classifier import load
        from trainer.onnx_file import write_onnx

        classifier = load(weights, threads=threads or 1)
        difference = write_onnx(classifier, onnx_file)
        click.echo(f"{onnx_file}: {classifier.name}, within {difference:.0e} of the model")


def _export_run(run_folder: Path, data: Path, target: Path, version: str | None, lift: float) -> None:
    import torch

    from trainer import joint
    from trainer.checkpoint import CHECKPOINT_FILE, Checkpoint
    from trainer.data import load_split
    from trainer.export import default_version
    from trainer.export import export as run_export
    from trainer.lift import lifted

    if (run_folder / joint.CHECKPOINT_FILE).exists():
        checkpoint = joint.load_checkpoint(run_folder)
    else:
        checkpoint = Checkpoint.load(run_folder / CHECKPOINT_FILE)
    if lift:
        votes = load_split(data, checkpoint.recipe.train_split).soft()[1]
        checkpoint = lifted(checkpoint, torch.from_numpy(votes), lift)
    valid = load_split(data, checkpoint.recipe.valid_split)
    written = run_export(checkpoint, valid, target, version or default_version())
    figures = written.evaluation
    click.echo(
        f"{written.folder}: accuracy {figures.accuracy:.2%} on {figures.split}, calibration error {figures.ece:.3f}"
    )
