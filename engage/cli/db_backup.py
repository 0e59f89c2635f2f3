"""``engage db backup`` and ``engage db restore``: a copy in one file, and back."""

from __future__ import annotations

from pathlib import Path

import click

from engage.config import Settings
from engage.errors import StorageError
from engage.storage.backup import Manifest, back_up, read_manifest
from engage.storage.database import Database
from engage.storage.erasures import ErasureList
from engage.storage.restore import restore


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Replace FILE where it is there.")
@click.pass_obj
def backup_command(settings: Settings, file: Path, yes: bool) -> None:
    """Write a copy of the database to FILE, while the system runs. Only you may read it: it holds names."""
    database = Database.of(settings)
    try:
        manifest = back_up(database, file, replace=yes)
    finally:
        database.close()
    click.echo(f"Written to {file}: {_words(manifest)}.")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask: what the present database holds is deleted.")
@click.pass_obj
def restore_command(settings: Settings, file: Path, yes: bool) -> None:
    """Put the backup FILE in the place of the database. The system must be stopped; what came since is deleted.

    The present database stays until the restored one is complete and checked. Students erased since are erased again.
    """
    database = Database.of(settings)
    manifest = read_manifest(file)
    question = f"This replaces {database.name} by {file} ({_words(manifest)}). Go on?"
    if not yes and not click.confirm(question):
        raise StorageError("Nothing was changed.")
    erasures = ErasureList(settings.erasures_file)
    try:
        restored = restore(database, file, erasures)
    finally:
        database.close()
    click.echo(f"The database {database.name} is that of {file}: {_words(manifest)}; sound and up to date.")
    if restored.erased:
        click.echo(f"Erased again, since they were erased after the backup: {len(restored.erased)} students.")
    if not restored.present_asked:
        click.echo(
            f"The database that was there could not be read; whom to erase again was taken from {erasures.file}."
        )


def _words(manifest: Manifest) -> str:
    return f"made {manifest.made_at.astimezone():%Y-%m-%d %H:%M}, schema {manifest.revision}"
