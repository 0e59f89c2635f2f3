"""``engage db``: the database's tables, brought up, taken back, checked."""

from __future__ import annotations

import click

from engage.cli.db_backup import backup_command, restore_command
from engage.cli.db_copy import copy_command
from engage.cli.db_retention import retention_command
from engage.config import Settings
from engage.errors import StorageError
from engage.storage.database import Database
from engage.storage.migrate import downgrade, upgrade
from engage.storage.soundness import check


@click.group()
def db() -> None:
    """Look after the database."""


for command in (copy_command, backup_command, restore_command, retention_command):
    db.add_command(command)


@db.command("upgrade")
@click.pass_obj
def upgrade_command(settings: Settings) -> None:
    """Make the tables, or bring them up to this program. Nothing is lost; done whole or not at all."""
    database = Database.of(settings)
    try:
        upgrade(database)
    finally:
        database.close()
    click.echo(f"The database {database.name} is up to date.")


@db.command("downgrade")
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask: what the later tables hold is deleted.")
@click.pass_obj
def downgrade_command(settings: Settings, revision: str, yes: bool) -> None:
    """Take the tables back to REVISION ("base": none at all). What the later tables hold is deleted."""
    database = Database.of(settings)
    if not yes and not click.confirm(f"This deletes data in {database.name}. Go on?"):
        raise StorageError("Nothing was changed.")
    try:
        downgrade(database, revision)
    finally:
        database.close()
    click.echo(f"The database {database.name} is at revision {revision}.")


@db.command("check")
@click.pass_obj
def check_command(settings: Settings) -> None:
    """Check that the database opens, is undamaged, has this program's tables, and that its rows hold together."""
    database = Database.of(settings)
    try:
        check(database)
    finally:
        database.close()
    click.echo(f"The database {database.name} is sound and up to date.")
