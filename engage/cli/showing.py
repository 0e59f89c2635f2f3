"""How results of measurements are shown: JSON for programs, a table for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NEEDS_DEV = "The measuring client needs the package {}: pip install -e '.[dev]'."


def text(value: object) -> str:
    """Return one figure as a table shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result, and where it was measured, as JSON or as a table of its figures."""
    from engage.cli.yardstick import surroundings

    result = {**result, **surroundings()}
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    table = Table("figure", "value", show_edge=False)
    for name, value in result.items():
        table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
    Console().print(table)
