"""``engage report SESSION --to FILE``: a session's report, in the format that the file's name ends with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from engage.cli.language import language_of, language_option
from engage.config import Settings
from engage.core.policy import capped_mode, rules_in_force
from engage.errors import EngageError, RequestError
from engage.reports.compose import compose
from engage.reports.content import Report
from engage.reports.formats import FORMATS, Choices
from engage.reports.gather import gather, shown_mode
from engage.reports.language import ENGLISH, Language
from engage.reports.tables import TABLES
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.queries import Queries
from engage.storage.rollups import Rollups


@click.command()
@click.argument("session", type=click.IntRange(min=1))
@click.option("--to", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
@click.option("--table", type=click.Choice(list(TABLES)), default="students", show_default=True, help="For CSV: which.")
@click.option("--paper", type=click.Choice(["a4", "letter"]), default="a4", show_default=True, help="For PDF.")
@language_option("For PDF and HTML; ")
@click.option("--with-names", is_flag=True, help="For xAPI: name the students, who else are numbers.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def report(settings: Settings, /, session: int, file: Path, language: str | None, force: bool, **given: Any) -> None:
    """Write the report of SESSION (its number, as in the page's address) to FILE.

    FILE ends with .pdf, .html, .csv, .xlsx, .json, or .jsonl for xAPI statements.
    """
    ending = file.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise RequestError(f"{file} says no format; end it with one of {', '.join('.' + name for name in FORMATS)}.")
    if file.exists() and not force:
        raise EngageError(f"{file} is there already; give --force to replace it, or another name.")
    choices = Choices(**given, home=settings.address)
    kind = FORMATS[ending]
    words = language_of(settings, language) if kind.for_people else ENGLISH
    content = kind.make(read(settings, session, words), choices)
    try:
        file.write_bytes(content)
    except OSError as error:
        raise EngageError(f"{file} cannot be written ({error.strerror}); give another name with --to.") from None
    click.echo(f"Written to {file}.")


def read(settings: Settings, session_id: int, language: Language = ENGLISH) -> Report:
    """Return the report of a stored session, showing what may be shown."""
    database = Database.of(settings)
    try:
        database.verify()
        queries = Queries(database)
        session = queries.session(session_id)
        if session is None:
            raise RequestError(f"There is no session {session_id}; its number is in the address of its page.")
        jurisdiction, mode = rules_in_force(settings.policy, Classroom(database).setup())
        capped = None if jurisdiction is None or mode is None else capped_mode(jurisdiction, mode)
        now = datetime.now(UTC)
        material = gather(queries, Rollups(database), session_id, shown_mode(session, capped), now)
        return compose(material, settings.zone, language)
    finally:
        database.close()
