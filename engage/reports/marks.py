"""What a figure is made of, before anyone decides how to draw it: a few kinds of marks, each with its ink's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Ink = Literal["ink", "quiet", "line", "low", "mid", "high", "band", "none", "seen", "away", "drowsy"]
"""The name of a colour; page and PDF each say which."""
Anchor = Literal["start", "middle", "end"]

TEXT_PX = 12.0
"""Height of all text in figures."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Filled rectangles of one ink: ``x, y, width, height`` each, y downwards."""

    ink: Ink
    boxes: Sequence[tuple[float, float, float, float]]


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    ink: Ink
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; ``width`` in pixels."""

    ink: Ink
    points: Sequence[tuple[float, float]]
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """Text whose baseline begins, is centred or ends at a point; shortened to ``room`` pixels where given."""

    ink: Ink
    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    room: float | None = None


Mark = Boxes | Area | Line | Label


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing of ``width`` × ``height`` pixels, with what it says in words."""

    width: float
    height: float
    title: str
    description: str
    marks: Sequence[Mark]
