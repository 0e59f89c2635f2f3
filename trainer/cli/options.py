"""What the commands share: options and the progress bar."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

FOLDER = click.Path(path_type=Path)
UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

Command = TypeVar("Command", bound=Callable[..., Any])


def duration(text: str) -> float:
    """Return the seconds of ``90s``, ``75m`` or ``1.5h``; raises click.BadParameter for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    seconds = float(match[1]) * UNITS_S[match[2]] if match else 0.0
    if seconds <= 0:
        raise click.BadParameter(f"'{text}' is not a time; write 90s, 75m or 1.5h")
    return seconds


def data_option(command: Command) -> Command:
    """Add ``--data``."""
    return click.option("--data", required=True, type=FOLDER, help="Folder or .zip in FER+ layout.")(command)


def threads_option(command: Command) -> Command:
    """Add ``--threads``."""
    return click.option("--threads", type=click.IntRange(1), help="CPU threads; all cores if not given.")(command)


RECIPE_OPTIONS = (
    click.option("--resume", is_flag=True, help="Go on with the run that --out holds."),
    click.option("--epochs", type=click.IntRange(1), help="Passes over the training images at most."),
    click.option(
        "--budget",
        type=duration,
        metavar="TIME",
        help="End, annealed, after this time: 75m, 1.5h. Counts over resumes.",
    ),
    click.option("--batch-size", type=click.IntRange(2), help="Images per step."),
    click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate."),
    click.option("--seed", type=int, help="Of weights, order, augmentation and dropout."),
    click.option("--preset", help="Recipe to start from: default, trial or long."),
    click.option(
        "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="One part of the recipe: --set ema=.99."
    ),
)


def recipe_options(command: Command) -> Command:
    """Add what changes a training run: ``--resume``, ``--epochs``, ``--budget``, ``--preset``, ``--set`` …."""
    for option in reversed(RECIPE_OPTIONS):
        command = option(command)
    return command


def progress_bar(hidden: bool = False) -> Progress:
    """Return a progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=hidden)
