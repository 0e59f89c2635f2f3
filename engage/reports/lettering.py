"""Letters for PDF: the bundled font draws Latin, Greek, Cyrillic and their neighbours; the rest is written in Latin.

Scripts that are written from right to left, or whose letters join or stack, need shaping that a PDF library in plain
Python does not do; and no font holds all of Unicode. A name in such letters is romanised (AnyAscii), which a reader can
say aloud, where boxes or letters in the wrong order say nothing. Pages, CSV, XLSX and JSON hold names as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Container
from itertools import groupby

from anyascii import anyascii

UNSHAPED = (
    (0x0300, 0x036F),  # combining marks: their place beside a letter is known
    (0x0020, 0x058F),  # Latin, Greek, Cyrillic, Armenian
    (0x10A0, 0x10FF),  # Georgian
    (0x1E00, 0x1FFF),  # Latin and Greek with several marks
    (0x2010, 0x27BF),  # punctuation, currency, arrows, symbols
    (0x2C60, 0x2C7F),
    (0xA720, 0xA7FF),  # further Latin
)
"""Ranges that need no shaping."""
UNKNOWN = "?"


def drawable(text: str, glyphs: Container[int]) -> str:
    """Return ``text`` with what ``glyphs`` (code points) cannot draw, or not without shaping, in Latin letters.

    The result has only code points of ``glyphs``; where that leaves nothing of a text, it is ``?``.
    """
    composed = "".join(c if _is_text(c) else " " for c in unicodedata.normalize("NFC", text))
    parts = []
    for as_is, run in groupby(composed, _judge(glyphs)):
        letters = "".join(run)
        parts.append(letters if as_is else _romanised(letters))
    shown = "".join(c for c in " ".join("".join(parts).split()) if ord(c) in glyphs)
    return shown or (UNKNOWN if text.strip() else "")


def _judge(glyphs: Container[int]) -> Callable[[str], bool]:
    def drawn(character: str) -> bool:
        code = ord(character)
        return code in glyphs and any(first <= code <= last for first, last in UNSHAPED)

    return drawn


def _romanised(letters: str) -> str:
    """Return a run in Latin letters; scripts without capitals get one at the start of each word."""
    latin = anyascii(letters).strip().strip("'`") or UNKNOWN
    caseless = letters.upper() == letters.lower()
    return " ".join(word[:1].upper() + word[1:] for word in latin.split()) if caseless else latin


def _is_text(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
