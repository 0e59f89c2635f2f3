"""``trainer compare``: every system of the paper in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress

from trainer.cli.options import FOLDER, data_option, duration, progress_bar, threads_option

if TYPE_CHECKING:
    from trainer.systems.registry import System
    from trainer.systems.results import Result
    from trainer.train import Listener


@click.command()
@data_option
@click.option("--out", required=True, type=FOLDER, help="Folder of the runs and the table; goes on with what it holds.")
@click.option("--systems", metavar="NAME,...", help="Only these, for example qda,cnn.")
@click.option("--budget", type=duration, metavar="TIME", help="Time for each network, which ends annealed: 20m, 1h.")
@click.option("--epochs", type=click.IntRange(1), help="Passes of each network over the training images at most.")
@click.option("--width", type=click.IntRange(16, 512), help="Channels of the ResNet18s' first stage: 16, 32 …")
@click.option("--side", "side_px", type=click.IntRange(16, 48), help="Side of the input; 48 px if not given.")
@click.option("--table-only", is_flag=True, help="Train nothing: write the table of what --out holds.")
@threads_option
def compare(data: Path, out: Path, systems: str | None, threads: int | None, table_only: bool, **cheaper: Any) -> None:
    """Train or read again every system of the paper and write one table: Markdown, JSON, PNG, curves, confusions.

    A comparison that was broken off goes on where it was, with the same command.
    """
    from trainer.comparison import collect, write
    from trainer.comparison import compare as run_comparison
    from trainer.data import load_split
    from trainer.machine import prepare
    from trainer.systems.registry import SYSTEMS, find_systems
    from trainer.systems.running import Shortening

    chosen = find_systems(systems)
    splits = load_split(data, "FER2013Train"), load_split(data, "FER2013Valid")
    if not table_only:
        prepare(threads)
        shortening = Shortening(cheaper["epochs"], cheaper["budget"], cheaper["width"], cheaper["side_px"])
        with progress_bar() as progress:
            run_comparison(chosen, splits, out, shortening, _told(progress))
    rows = collect(SYSTEMS, out)
    write(rows, splits[1].name, out)
    for row in rows:
        click.echo("  ".join(f"{cell:>10s}" if place else f"{cell:32s}" for place, cell in enumerate(row.cells()[:4])))
    click.echo(f"done: {out / 'table.md'}")


def _told(progress: Progress) -> Any:
    from trainer.cli.train import listener_on

    def said(system: System, result: Result | None) -> None:
        if result is None:
            progress.console.print(f"{system.name}: {system.title}")
        else:
            accuracy = f"{result.valid_accuracy:.2%}"
            progress.console.print(f"{system.name}: {accuracy} on validation, {result.train_s / 60:.1f} min")

    def listening(system: System) -> Listener:
        return listener_on(progress)

    return said, listening
