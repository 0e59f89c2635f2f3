"""``engage config``: the settings in force."""

from __future__ import annotations

import json

import click
import yaml

from engage.config import Settings


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of YAML.")
@click.pass_obj
def show_config(settings: Settings, as_json: bool) -> None:
    """Print the settings in force, secrets masked."""
    values = settings.model_dump(mode="json")
    click.echo(json.dumps(values, indent=2) if as_json else yaml.safe_dump(values, sort_keys=False).rstrip())
