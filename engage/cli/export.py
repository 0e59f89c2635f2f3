"""``engage export``: what leaves the school for others."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

import click

from engage.config import Settings
from engage.core.policy import capped_mode, rules_in_force
from engage.core.types import Mode
from engage.errors import RequestError, SettingsError
from engage.reports.research import LEAST_GROUP, LEAST_POSSIBLE, Choices, Written, write_research
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.queries import Queries
from engage.storage.research import course_sessions, note_export

KEY_BYTES = 32


@click.group()
def export() -> None:
    """Write what may leave the school."""


@export.command("research")
@click.argument("course_id", metavar="COURSE", type=int)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The ZIP to write; it must not exist yet.")
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    help="File of the pseudonyms' key, made where it is missing: later exports then have the same pseudonyms. Without "
    "it the key is forgotten.",
)
@click.option(
    "--least", type=click.IntRange(LEAST_POSSIBLE), default=LEAST_GROUP, show_default=True, help="The smallest group."
)
@click.pass_obj
def research(settings: Settings, course_id: int, out: Path, key: Path | None, least: int) -> None:
    """Write the course number COURSE for research: pseudonyms, weeks, no small groups, nothing that people typed."""
    if out.exists():
        raise RequestError(f"{out} is there already; give another file with --out.")
    if key is not None and key.absolute().parent == out.absolute().parent:
        click.echo("Keep the key elsewhere: whoever has it and the database knows whose pseudonym is whose.", err=True)
    database = Database(settings.database_url)
    try:
        database.verify()
        written = _write(settings, database, course_id, out, (_key(key), least))
        counts = {"students": written.students, "sessions": written.sessions, "linkable": key is not None}
        note_export(database, course_id, counts)
    except BaseException:
        with suppress(FileNotFoundError):
            out.unlink()
        raise
    finally:
        database.close()
    click.echo(
        f"{out}: {written.students} students in {written.sessions} sessions; left out, as the group was smaller than "
        f"{least}: {written.sessions_left_out} sessions and {written.minutes_left_out} minutes of students."
    )


def _write(settings: Settings, database: Database, course_id: int, out: Path, how: tuple[bytes, int]) -> Written:
    jurisdiction, mode = rules_in_force(settings.policy, Classroom(database).setup())
    sessions = course_sessions(database, course_id, jurisdiction, mode)
    course = Queries(database).course(course_id)
    capped = capped_mode(jurisdiction, mode) if jurisdiction is not None and mode is not None else None
    shown = Mode.FULL if course is not None and course.demo else capped or Mode.PRESENCE
    key, least = how
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        written = write_research(sessions, Choices(key, shown, least, settings.zone), stream)
    if written is None:
        raise RequestError(
            f"Nothing was written: no session of course {course_id} has data of {least} students whose Yes stands."
        )
    return written


def _key(file: Path | None) -> bytes:
    """Return the key in ``file``, made with safe permissions where it is missing; a new one for None."""
    fresh = secrets.token_bytes(KEY_BYTES)
    if file is None:
        return fresh
    try:
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(fresh.hex() + "\n")
        key = bytes.fromhex(file.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise SettingsError(f"The key {file} cannot be used ({error}); give another file with --key.") from None
    if len(key) < KEY_BYTES:
        raise SettingsError(f"The key {file} is too short: it takes {2 * KEY_BYTES} hexadecimal digits.")
    return key
