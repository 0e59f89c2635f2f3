"""The figures of ``trainer fairness`` as Markdown."""

from __future__ import annotations

from trainer.fairness import EVERYBODY, Fairness, Figure, GroupFigures

HEADER = (
    "| group | n | people | no face | accuracy | score shift | alerts |",
    "|---|---|---|---|---|---|---|",
)


def to_markdown(found: Fairness, title: str) -> str:
    """Return the page: everybody under every condition, then every group by condition, then what was too small."""
    parts = [f"## {title}", "", f"{found.model}, faces found by {found.detector}.", "", "Everybody, by condition:", ""]
    parts += [HEADER[0].replace("group", "condition"), HEADER[1]]
    parts += [_row(figures.condition, figures) for figures in found.figures if figures.column == EVERYBODY]
    for column in sorted({figures.column for figures in found.figures} - {EVERYBODY}):
        mine = [figures for figures in found.figures if figures.column == column]
        for condition in dict.fromkeys(figures.condition for figures in mine):
            parts += ["", f"By {column}, {condition}:", "", *HEADER]
            parts += [_row(figures.group, figures) for figures in mine if figures.condition == condition]
    if found.too_small:
        told = ", ".join(f"{column} {group} ({n})" for column, group, n in found.too_small)
        parts += ["", f"Too few pictures for a figure: {told}."]
    return "\n".join(parts) + "\n"


def _row(name: str, figures: GroupFigures) -> str:
    people = "–" if figures.subjects is None else str(figures.subjects)
    cells = [
        _percent(figures.no_face),
        _percent(figures.accuracy),
        _points(figures.score_shift),
        _percent(figures.alerts),
    ]
    return f"| {name} | {figures.n} | {people} | {' | '.join(cells)} |"


def _percent(figure: Figure | None) -> str:
    return "–" if figure is None else f"{figure.value:.1%} ({100 * figure.low:.1f}–{100 * figure.high:.1f})"


def _points(figure: Figure | None) -> str:
    return "–" if figure is None else f"{figure.value:+.2f} ({figure.low:+.2f} to {figure.high:+.2f})"
