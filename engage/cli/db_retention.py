"""``engage db retention``: what is over its time, and its end."""

from __future__ import annotations

from datetime import UTC

import click

from engage.config import Settings
from engage.errors import StorageError
from engage.storage.database import Database
from engage.storage.retention import Done, Due, Retention, Step


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Only say what is over its time; change nothing.")
@click.pass_obj
def retention_command(settings: Settings, dry_run: bool) -> None:
    """Reduce and erase now what is over its time (settings retention.…), as every night does."""
    database = Database.of(settings)
    try:
        database.verify()
        retention = Retention(database, settings.retention)
        lines = _plan(retention.due()) if dry_run else [_told(retention.run_now(settings.zone))]
    finally:
        database.close()
    click.echo("\n".join(lines))


def _plan(due: list[Due]) -> list[str]:
    lines = [_line(each) for each in due]
    going = [each for each in due if not each.held]
    steps = [each.step for each in going]
    seconds = sum(each.samples for each in going)
    total = (
        f"{steps.count(Step.REDUCE)} sessions would be reduced to minutes and {steps.count(Step.ERASE)} erased: "
        f"{seconds} seconds of students. {len(due) - len(going)} held. Nothing was changed."
    )
    return [*lines, total]


def _line(each: Due) -> str:
    what = "held" if each.held else f"{each.step.value}, {each.samples} seconds and {each.others} other rows"
    kept = f", {each.kept} students held" if each.kept else ""
    ended = f"{each.ended_at.astimezone(UTC):%Y-%m-%d}"
    return f"session {each.session_id} of {each.course_title}, ended {ended}: {what}{kept}"


def _told(done: Done | None) -> str:
    if done is None:
        raise StorageError("Another process is doing this now, or broke off less than ten minutes ago; try again then.")
    return (
        f"{done.reduced} sessions were reduced to minutes and {done.erased} erased, with {done.flags} flags; "
        f"{done.held} are held, all or in part."
    )
