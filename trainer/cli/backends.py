"""``trainer backends``: what each backend and precision costs in accuracy."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from engage.inference.backends.source import Precision
from trainer.cli.options import FOLDER, data_option, threads_option


@click.command()
@data_option
@click.option("--split", default="FER2013Valid", show_default=True, help="Folder of the split.")
@click.option("--weights", type=FOLDER, help="Model folder, like models/NAME; the product's own if not given.")
@click.option("--images", type=click.IntRange(1), help="Only so many images, for a quick look.")
@click.option(
    "--precision", "precisions", multiple=True, type=click.Choice([*map(str, Precision)]), help="Only this; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@threads_option
def backends(data: Path, split: str, weights: Path | None, *, as_json: bool, **given: Any) -> None:
    """Print accuracy and calibration on a split by every installed backend, and how far its answers differ."""
    from trainer.backends import compare_backends
    from trainer.data import load_split

    rows = compare_backends(
        weights,
        load_split(data, split),
        images=given["images"],
        precisions=given["precisions"] or tuple(Precision),
        threads=given["threads"] or os.cpu_count() or 1,
    )
    if as_json:
        click.echo(json.dumps([row.to_dict() for row in rows], indent=2))
        return
    table = Table("backend", "accuracy", "macro recall", "calibration", "same answer", "Δp mean", "Δp", show_edge=False)
    for row in rows:
        shares = [f"{value:.2%}" for value in (row.accuracy, row.macro_recall)]
        others = [
            f"{row.ece:.4f}",
            f"{row.same_answer:.2%}",
            f"{row.mean_difference:.4f}",
            f"{row.largest_difference:.3f}",
        ]
        table.add_row(row.offer, *([row.problem] if row.problem else [*shares, *others]))
    Console().print(table)
