"""Figures and fonts for PDF."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable

from engage.reports.marks import TEXT_PX, Anchor, Area, Boxes, Figure, Label, Line

PLAIN, BOLD = "EngageReport", "EngageReport-Bold"
FONTS = {PLAIN: "DejaVuSansCondensed.ttf", BOLD: "DejaVuSansCondensed-Bold.ttf"}
INKS = {
    "ink": "#17202c", "quiet": "#525e6e", "line": "#d9dfe7", "low": "#9db6e2", "mid": "#3f6dbd", "high": "#173f88",
    "band": "#d5e1f6", "none": "#667283", "seen": "#667283", "away": "#667283", "drowsy": "#9a4a00",
}  # fmt: skip
"""The light theme of the page."""


@cache
def glyphs() -> frozenset[int]:
    """Register both fonts, once, and return the code points they can draw."""
    known: list[frozenset[int]] = []
    for name, file in FONTS.items():
        with as_file(files("engage.reports") / "fonts" / file) as path:
            font = TTFont(name, str(path))
        pdfmetrics.registerFont(font)
        known.append(frozenset(font.face.charToGlyph))
    return frozenset.intersection(*known)


class Drawing(Flowable):  # type: ignore[misc] # reportlab publishes no types
    """A figure as wide as there is room, or ``width`` points."""

    def __init__(self, figure: Figure, letters: Callable[[str], str], width: float | None = None) -> None:
        super().__init__()
        self._figure, self._letters, self._width = figure, letters, width

    def wrap(self, room: float, _height: float) -> tuple[float, float]:
        """Return the size it takes."""
        self.width = self._width or room
        self._scale = self.width / self._figure.width
        self.height = self._figure.height * self._scale
        return self.width, self.height

    def draw(self) -> None:
        """Draw all marks, y upwards."""
        canvas = self.canv
        canvas.saveState()
        canvas.translate(0, self.height)
        canvas.scale(self._scale, -self._scale)
        for mark in self._figure.marks:
            if isinstance(mark, Label):
                self._write(mark)
                continue
            path = canvas.beginPath()
            if isinstance(mark, Boxes):
                for box in mark.boxes:
                    path.rect(*box)
                canvas.setFillColor(HexColor(INKS[mark.ink]))
                canvas.drawPath(path, stroke=0, fill=1)
                continue
            path.moveTo(*mark.points[0])
            for point in mark.points[1:]:
                path.lineTo(*point)
            self._finish(mark, path)
        canvas.restoreState()

    def _finish(self, mark: Area | Line, path: Any) -> None:
        canvas, colour = self.canv, HexColor(INKS[mark.ink])
        if isinstance(mark, Area):
            path.close()
            canvas.setFillColor(colour)
            canvas.drawPath(path, stroke=0, fill=1)
            return
        canvas.setStrokeColor(colour)
        canvas.setLineWidth(mark.width)
        canvas.setLineJoin(1)
        canvas.setDash([3, 3] if mark.dashed else [])
        canvas.drawPath(path, stroke=1, fill=0)

    def _write(self, label: Label) -> None:
        canvas = self.canv
        text = fitted(self._letters(label.text), label.room)
        canvas.saveState()
        canvas.translate(label.x, label.y)
        canvas.scale(1, -1)
        canvas.setFillColor(HexColor(INKS[label.ink]))
        canvas.setFont(PLAIN, TEXT_PX)
        write: dict[Anchor, Callable[[float, float, str], None]] = {
            "start": canvas.drawString,
            "middle": canvas.drawCentredString,
            "end": canvas.drawRightString,
        }
        write[label.anchor](0, 0, text)
        canvas.restoreState()


def width_of(text: str, size: float) -> float:
    """Return how wide a text is in points, in plain letters of a size in points."""
    glyphs()
    return float(pdfmetrics.stringWidth(text, PLAIN, size))


def fitted(text: str, room: float | None) -> str:
    """Return ``text``, or its beginning and an ellipsis where it needs more than ``room`` points."""
    if room is None or pdfmetrics.stringWidth(text, PLAIN, TEXT_PX) <= room:
        return text
    while text and pdfmetrics.stringWidth(text + "…", PLAIN, TEXT_PX) > room:
        text = text[:-1]
    return text.rstrip() + "…"
