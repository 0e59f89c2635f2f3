"""Figures as SVG that takes its colours from the page's style sheet (class ``fill-INK`` or ``stroke-INK``)."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from engage.reports.marks import TEXT_PX, Area, Boxes, Figure, Label, Line, Mark

GLYPH_PX = 0.56 * TEXT_PX
"""Mean advance of a character, to shorten text by; browsers have no way to do it in SVG."""


def svg(figure: Figure, name: str, small: bool = False) -> Markup:
    """Return the figure as an ``<svg>`` with title and description; ``name`` is unique on its page.

    ``small`` figures keep their size and stand in text, others take the width there is.
    """
    size = Markup(' width="{}" height="{}"').format(_n(figure.width), _n(figure.height)) if small else Markup("")
    parts = [
        Markup(
            '<svg class="figure{}" viewBox="0 0 {} {}"{} role="img" aria-labelledby="{}-t {}-d" '
            'xmlns="http://www.w3.org/2000/svg"><title id="{}-t">{}</title><desc id="{}-d">{}</desc>'
        ).format(
            " small" if small else "", _n(figure.width), _n(figure.height), size,
            name, name, name, _clean(figure.title), name, _clean(figure.description),
        )
    ]  # fmt: skip
    parts += [_mark(mark) for mark in figure.marks]
    return Markup("").join([*parts, Markup("</svg>")])


def _mark(mark: Mark) -> Markup:
    if isinstance(mark, Boxes):
        path = "".join(f"M{_n(x)} {_n(y)}h{_n(w)}v{_n(h)}h{_n(-w)}z" for x, y, w, h in mark.boxes)
        return Markup('<path class="fill-{}" d="{}"/>').format(mark.ink, path) if path else Markup("")
    if isinstance(mark, Area):
        return Markup('<polygon class="fill-{}" points="{}"/>').format(mark.ink, _points(mark.points))
    if isinstance(mark, Line):
        dash = Markup(' stroke-dasharray="3 3"') if mark.dashed else Markup("")
        return Markup('<polyline class="stroke-{}" stroke-width="{}"{} points="{}"/>').format(
            mark.ink, _n(mark.width), dash, _points(mark.points)
        )
    return _label(mark)


def _label(label: Label) -> Markup:
    text = _clean(label.text)
    shown = shortened(text, label.room)
    whole = Markup("<title>{}</title>").format(text) if shown != text else Markup("")
    return Markup('<text class="fill-{}" x="{}" y="{}" text-anchor="{}">{}{}</text>').format(
        label.ink, _n(label.x), _n(label.y), label.anchor, whole, shown
    )


def shortened(text: str, room: float | None) -> str:
    """Return ``text``, or its beginning and an ellipsis where it needs more than ``room`` pixels (estimated)."""
    if room is None or len(text) * GLYPH_PX <= room:
        return text
    return text[: max(1, int(room / GLYPH_PX) - 1)].rstrip() + "…"


def _clean(text: str) -> str:
    """Return ``text`` without what XML cannot hold."""
    return "".join(
        c for c in text if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
