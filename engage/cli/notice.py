"""``engage notice``: what students, guardians and the school's data protection officer should have in hand."""

from __future__ import annotations

import click

from engage.cli.language import language_of, language_option
from engage.config import Settings
from engage.core.policy import Jurisdiction, capped_mode, rules_in_force
from engage.core.types import Mode
from engage.errors import RequestError
from engage.reports.notices import NOTICES, Facts
from engage.storage.classroom import Classroom
from engage.storage.database import Database


@click.command()
@click.argument("kind", type=click.Choice(list(NOTICES)))
@language_option()
@click.pass_obj
def notice(settings: Settings, kind: str, language: str | None) -> None:
    """Print a notice for students or guardians, or the impact assessment (dpia), filled from the settings. Markdown."""
    jurisdiction, mode = rules(settings)
    if jurisdiction is None or mode is None:
        raise RequestError("It is not yet said where the school is and what may be computed; answer that first.")
    school = settings.school
    facts = Facts(school.name, school.contact, jurisdiction, capped_mode(jurisdiction, mode), settings.retention)
    click.echo(NOTICES[kind](facts, language_of(settings, language)), nl=False)


def rules(settings: Settings) -> tuple[Jurisdiction | None, Mode | None]:
    """Return jurisdiction and mode: from the settings where they say both, else what is stored."""
    if settings.policy.jurisdiction is not None and settings.policy.mode is not None:
        return rules_in_force(settings.policy, None)
    database = Database(settings.database_url)
    try:
        database.verify()
        return rules_in_force(settings.policy, Classroom(database).setup())
    finally:
        database.close()
