"""The command line and composition root: the only part that may see everything.

A package where DESIGN.md says ``cli.py``: one module per command keeps each of them short. Commands are imported when
they are called, so that ``engage --help`` and the web process do not wait for PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click
import yaml

from engage import __version__, config, logs
from engage.errors import SettingsError

COMMANDS = {
    "account": "engage.cli.account:account",
    "analyze": "engage.cli.analyze:analyze",
    "audience": "engage.cli.audience:audience",
    "audit": "engage.cli.audit:audit",
    "bench": "engage.cli.bench:bench",
    "config": "engage.cli.show_config:show_config",
    "db": "engage.cli.db:db",
    "diary": "engage.cli.diary:diary",
    "doctor": "engage.cli.doctor:doctor",
    "explain": "engage.cli.explain:explain",
    "export": "engage.cli.export:export",
    "hold": "engage.cli.hold:hold",
    "models": "engage.cli.models:models",
    "plan": "engage.cli.capacity:plan",
    "notice": "engage.cli.notice:notice",
    "rescore": "engage.cli.rescore:rescore",
    "report": "engage.cli.report:report",
    "serve": "engage.cli.serve:serve",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, imported now, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101
        return command


@click.group(cls=LazyGroup)
@click.version_option(__version__)
@click.option("--config", "path", type=click.Path(path_type=Path), help="Settings file; config.yaml where not given.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="One setting: --set web.port=8001.")
@click.pass_context
def engage(ctx: click.Context, path: Path | None, assignments: tuple[str, ...]) -> None:
    """Classroom engagement monitoring: faces in, an explained score from 0 to 10 out."""
    ctx.obj = config.load(path, parse_assignments(assignments))
    logs.set_up(ctx.obj.logging.level, ctx.obj.logging.form)


def parse_assignments(assignments: tuple[str, ...]) -> dict[str, Any]:
    """Return ``("web.port=8001",)`` as ``{"web": {"port": 8001}}``; values are read as YAML."""
    flags: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip("."):
            raise SettingsError(f"--set {assignment} is not of the form section.name=value.")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise SettingsError(f"The value of --set {key} cannot be read; put it in quotes.") from None
        *sections, name = key.split(".")
        place = flags
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise SettingsError(f"--set {key} contradicts another --set.")
        place[name] = value
    return flags
