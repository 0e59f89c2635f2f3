"""``python -m engage``: the command line, and where every error becomes one line."""

from __future__ import annotations

import os
import sys

import click

from engage import dumps
from engage.errors import EngageError


def main() -> None:
    """Run the command line; exit with 2 and one line on an error, with 130 on Ctrl-C."""
    dumps.forbid()
    try:
        from engage.cli import engage  # inside: Ctrl-C while modules load is Ctrl-C too

        code = engage.main(prog_name="engage", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except EngageError as error:
        click.echo(f"engage: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
