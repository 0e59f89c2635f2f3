"""``engage db copy``: a whole database into an empty one, of the other kind or the same."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from engage.storage.copying import Copied, copy
from engage.storage.database import Database


@click.command("copy")
@click.argument("from_url")
@click.argument("to_url")
def copy_command(from_url: str, to_url: str) -> None:
    """Copy the database FROM_URL into the empty one at TO_URL, SQLite or PostgreSQL, whole or not at all.

    Stop the program first: what is written while copying is missing. Each table is read back, and its rows and checksum
    compared, before anything counts as copied.
    """
    source, target = Database(from_url), Database(to_url)
    try:
        copied = _with_bar(source, target)
    finally:
        source.close()
        target.close()
    table = Table("table", "rows", "checksum", show_edge=False)
    for each in copied:
        if each.rows:
            table.add_row(each.table, str(each.rows), each.checksum)
    Console().print(table)
    rows = sum(each.rows for each in copied)
    click.echo(f"Copied {rows} rows from {source.name} to {target.name}; rows and checksums agree.")
    click.echo("Set database.url to the new address before the program starts again.")


def _with_bar(source: Database, target: Database) -> list[Copied]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Copying", total=None)

        def show(table: str, done: int, total: int) -> None:
            progress.update(bar, description=f"Copying {table}", completed=done, total=total)

        return copy(source, target, show)
