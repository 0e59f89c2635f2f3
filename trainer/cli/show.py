"""``trainer show``: what a data set, a run or a model is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from trainer.cli.options import FOLDER


@click.command()
@click.argument("path", type=FOLDER)
@click.option("--figure", type=FOLDER, help="Draw the class balance of a data set to this PNG.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(path: Path, figure: Path | None, as_json: bool) -> None:
    """Say what PATH is: a data set with its class balance, a training run, or a model with its figures."""
    from trainer.overview import describe

    found = describe(path)
    if figure and found["kind"] != "data":
        raise click.UsageError(f"{path} is a {found['kind']}; --figure draws the class balance of a data set")
    if figure:
        from trainer.figures import draw_balance

        draw_balance([(balance.split, balance.per_class) for balance in found["splits"]], figure)
    if as_json:
        click.echo(json.dumps(found, default=asdict))
    elif found["kind"] == "data":
        _show_data(found["splits"])
    else:
        _show(found)


def _show_data(balances: list[Any]) -> None:
    for balance in balances:
        click.echo(
            f"{balance.split}: {balance.images:,} images, {balance.usable:,} to learn from, "
            f"{balance.agreed:,} with a majority"
        )
        for name, count in balance.per_class.items():
            share = count / max(balance.agreed, 1)
            click.echo(f"  {name:10s} {count:6,d}  {share:6.1%}  of all votes {balance.votes[name]:6.1%}")


def _show(values: dict[str, Any], indent: str = "") -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            click.echo(f"{indent}{name}:")
            _show(value, indent + "  ")
        elif isinstance(value, list | tuple):
            click.echo(f"{indent}{name}: {', '.join(map(str, value))}")
        else:
            click.echo(f"{indent}{name}: {'–' if value is None else value}")
