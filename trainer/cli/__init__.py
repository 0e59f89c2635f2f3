"""The command ``trainer``: one module per command, imported when it is called.

Every error a user can cause is one line on standard error and exit code 2; Ctrl-C is exit code 130, and a training run
stopped by it goes on with ``--resume``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from engage.errors import EngageError

COMMANDS = {
    "ablate": "trainer.cli.ablate:ablate",
    "backends": "trainer.cli.backends:backends",
    "compare": "trainer.cli.compare:compare",
    "distil": "trainer.cli.distil:distil",
    "evaluate": "trainer.cli.evaluate:evaluate",
    "evaluate-engagement": "trainer.cli.evaluate_engagement:evaluate_engagement",
    "evaluate-signals": "trainer.cli.evaluate_signals:evaluate_signals",
    "export": "trainer.cli.export:export",
    "fairness": "trainer.cli.fairness:fairness",
    "fit-scorer": "trainer.cli.fit_scorer:fit_scorer",
    "fit-signals": "trainer.cli.fit_signals:fit_signals",
    "label-signals": "trainer.cli.label_signals:label_signals",
    "robustness": "trainer.cli.robustness:robustness",
    "show": "trainer.cli.show:show",
    "train": "trainer.cli.train:train",
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, of this process if no ``arguments`` are given, and leave the process with its exit code."""
    try:
        code = cli.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"trainer: {error.format_message()}", err=True)
        code = 2
    except EngageError as error:
        click.echo(f"trainer: {error}", err=True)
        code = 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("trainer: stopped", err=True)
        code = 130
    sys.exit(code)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train, measure and export the expression classifier."""
