"""A report as HTML: the body that a page of the dashboard holds, or a file that stands alone."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engage.core.types import Mode
from engage.reports import figures, words
from engage.reports.content import Report
from engage.reports.heat_map import heat_maps
from engage.reports.language import Language
from engage.reports.marks import Figure
from engage.reports.svg import svg

STYLE = "report.css"


def body(report: Report) -> Markup:
    """Return the report as HTML without ``<html>`` around it; its first heading is an ``h2``."""
    page = _environment(report.language).get_template("report.html").render(_context(report))
    return Markup(page)  # noqa: S704 # nosec B704


def standalone(report: Report) -> str:
    """Return the report as a file that needs nothing else: style and figures are in it."""
    own = Markup(style())  # noqa: S704 # nosec B704
    return _environment(report.language).get_template("standalone.html").render(_context(report), style=own)


def style() -> str:
    """Return the style sheet of ``body``."""
    return (files("engage.reports") / "templates" / STYLE).read_text("utf-8")


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("engage.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = language.gettext
    environment.filters.update(
        number=lambda value: words.number(value, language),
        percent=words.percent,
        spoken=lambda name: words.spoken(name, language),
    )
    return environment


def _context(report: Report) -> dict[str, Any]:
    presence = report.mode is Mode.PRESENCE
    history = figures.history(report)
    return {
        "report": report,
        "presence": presence,
        "expressions": report.tally.expression is not None,
        "gestures": sorted(report.tally.gestures),
        "emotions": words.appears(report.language),
        "times": words.time_columns(report),
        "time_note": words.time_note(report),
        "numbers": words.three_numbers(report),
        "day": words.day(report.session.started_at, report.zone, report.language),
        "hours": words.hours_apart(report),
        "made": words.made(report),
        "timeline": svg(figures.timeline(report), "timeline"),
        "heat_maps": [svg(figure, f"heat-{index}") for index, figure in enumerate(heat_maps(report))],
        "history": history and svg(history, "history"),
        "bars": {student.student_id: _bars(report, student) for student in report.students},
        "clock": lambda moment: words.clock(moment, report.zone),
        "marked": lambda stretch: words.marked(stretch, report.language),
    }


def _bars(report: Report, student: Any) -> tuple[Markup, Markup]:
    def drawn(figure: Figure, name: str) -> Markup:
        return svg(figure, f"{name}-{student.student_id}", small=True)

    shares = drawn(figures.share_bar(student, report.mode is Mode.PRESENCE, report.language), "time")
    return drawn(figures.score_bar(student, report.language), "score"), shares
