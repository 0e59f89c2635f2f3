"""``engage hold``: legal holds, on the machine itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

import click

from engage.config import Settings
from engage.errors import RequestError
from engage.storage.database import Database
from engage.storage.holds import NOBODY_NAMED, HeldKind, HoldRecord, Holds


@click.group()
def hold() -> None:
    """Keep a course, session or student from being reduced or erased (legal hold)."""


@hold.command("add")
@click.option("--course", type=int, metavar="N", help="Hold all sessions of course N, and keep its students.")
@click.option("--session", type=int, metavar="N", help="Hold session N, and keep the students seen in it.")
@click.option("--student", type=int, metavar="N", help="Hold all of student N.")
@click.option("--reason", required=True, help="Why; it is part of what a held student may download.")
@click.option("--ask", help="Whom a student asks about it; school.contact where not given.")
@click.pass_obj
def add(
    settings: Settings, course: int | None, session: int | None, student: int | None, reason: str, ask: str | None
) -> None:
    """Place a hold. What is held is neither reduced nor erased, not by students either, until it is released."""
    objects = {HeldKind.COURSE: course, HeldKind.SESSION: session, HeldKind.STUDENT: student}
    chosen = [(kind, number) for kind, number in objects.items() if number is not None]
    if len(chosen) != 1:
        raise RequestError("Give one of --course, --session and --student; their numbers stand in the addresses.")
    with _holds(settings) as holds:
        placed = holds.place(*chosen[0], reason, ask or settings.school.contact or NOBODY_NAMED)
    click.echo(f"Legal hold {placed.id}: {placed.kind.value} {placed.object_id} is kept until it is released.")


@hold.command("list")
@click.option("--all", "released_too", is_flag=True, help="Also those that were released.")
@click.pass_obj
def listed(settings: Settings, released_too: bool) -> None:
    """List the holds: number, what is held, since when, why, whom to ask."""
    with _holds(settings) as holds:
        found = holds.listed(released_too)
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo("There is no legal hold.")


@hold.command("release")
@click.argument("number", type=int)
@click.pass_obj
def release(settings: Settings, number: int) -> None:
    """Release the hold NUMBER. The next night reduces and erases what is over its time."""
    with _holds(settings) as holds:
        released = holds.release(number)
    click.echo(f"Legal hold {number} is released: {released.kind.value} {released.object_id} is kept no longer.")


def _line(each: HoldRecord) -> str:
    end = "" if each.released_at is None else f", released {each.released_at.astimezone(UTC):%Y-%m-%d}"
    since = f"{each.placed_at.astimezone(UTC):%Y-%m-%d}{end}"
    return f"{each.id}  {each.kind.value} {each.object_id}  since {since}  {each.reason}  (ask {each.ask})"


@contextmanager
def _holds(settings: Settings) -> Iterator[Holds]:
    database = Database.of(settings)
    try:
        database.verify()
        yield Holds(database)
    finally:
        database.close()
