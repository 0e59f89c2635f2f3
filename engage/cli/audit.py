"""``engage audit``: what was done, by whom, to what, and whether that record is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

import click

from engage.config import Settings
from engage.storage.audit_check import newest_records, verify_chain
from engage.storage.database import Database


@click.group()
def audit() -> None:
    """Look into the audit log. It holds ids, never names."""


@audit.command("verify")
@click.option("--known", metavar="HASH", help="A newest hash printed earlier; the log must still hold it.")
@click.pass_obj
def verify_command(settings: Settings, known: str | None) -> None:
    """Recompute the chain of hashes; the first broken row is named, with exit code 2.

    Note the hash that is printed somewhere else: given back with --known, it shows whether rows were taken off the end.
    """
    with _opened(settings) as database:
        chain = verify_chain(database, known)
    click.echo(f"The audit log is whole: {chain.rows} rows, the newest with hash {chain.newest}.")


@audit.command("show")
@click.option("--last", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many rows.")
@click.pass_obj
def show_command(settings: Settings, last: int) -> None:
    """List the newest rows, oldest first: row, time (UTC), who, what, to what, details."""
    with _opened(settings) as database:
        records = newest_records(database, last)
    for record in records:
        who = "-" if record.actor_id is None else f"user {record.actor_id}"
        what = record.kind if record.object_id is None else f"{record.kind} {record.object_id}"
        at = record.at.astimezone(UTC).isoformat(timespec="seconds")
        click.echo(f"{record.id}  {at}  {who}  {record.action}  {what}  {record.details}")


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database.of(settings)
    try:
        database.open()
        database.check()
        yield database
    finally:
        database.close()
