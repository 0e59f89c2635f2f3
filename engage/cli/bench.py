"""``engage bench``: what this machine does, measured on the running system; JSON for programs, a table for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from engage.config import Settings
from engage.errors import SettingsError


@click.group()
def bench() -> None:
    """Measure this machine. Figures mean something only while nothing else is running."""


@bench.command()
@click.option("--students", default=12, show_default=True, type=click.IntRange(1, 200), help="Virtual students.")
@click.option("--rate", default=2.0, show_default=True, type=click.FloatRange(0.5, 30), help="Frames a second each.")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(5, 3600), help="How long to measure.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def live(settings: Settings, students: int, rate: float, seconds: float, as_json: bool) -> None:
    """Run the whole system on virtual students in a folder of its own: latency, losses, load."""
    try:
        from engage.cli.live_bench import Load, measure
    except ImportError as error:
        raise SettingsError(f"The measuring client needs the package {error.name}: pip install -e '.[dev]'.") from None
    show(measure(settings, Load(students, rate, seconds)), as_json)


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result as JSON or as a table of its figures."""
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    table = Table("figure", "value", show_edge=False)
    for name, value in result.items():
        table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
    Console().print(table)
