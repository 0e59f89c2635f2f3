"""In which language a command writes what people read: the school's, unless another is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from engage.config import School, Settings
from engage.reports.language import ENGLISH, Language

LANGUAGES = get_args(School.model_fields["language"].annotation)

Command = TypeVar("Command", bound=Callable[..., Any])


def language_option(what: str = "") -> Callable[[Command], Command]:
    """Return the option ``--language``; ``what`` says what it is for, such as "For PDF and HTML; "."""
    text = f"{what}the school's (school.language) where left out."
    return click.option("--language", type=click.Choice(LANGUAGES), help=text[:1].upper() + text[1:])


def language_of(settings: Settings, asked: str | None) -> Language:
    """Return the language asked for, else the school's, with its words, which are the pages'; English needs none."""
    code = asked or settings.school.language
    if code == ENGLISH.code:
        return ENGLISH
    from dashboard.languages import written_in  # Flask takes half a second

    return written_in(code)
