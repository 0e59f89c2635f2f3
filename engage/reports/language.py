"""The language of a report: its words, plurals, numbers and dates. English needs nothing; others are handed in.

Texts are marked where they stand, as ``language.gettext("…")`` and ``language.ngettext("…", "…", n)``, and collected
with those of the pages (``make messages``). Times of day and units are written alike everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from babel import Locale, dates
from babel.support import NullTranslations

DAYS = {"en": "EEEE, d MMMM y"}
"""How a whole day is written where the locale's own way is not ours."""


@dataclass(frozen=True)
class Language:
    """A language to write a report in: its code, its words, and the locale that numbers and dates follow."""

    code: str = "en"
    formats: str = "en_GB"
    words: NullTranslations = field(default_factory=NullTranslations, compare=False)

    def gettext(self, text: str, **places: object) -> str:
        """Return a text of the sources in this language, with its places ``%(name)s`` filled in."""
        said = str(self.words.gettext(text))
        return said % places if places else said

    def pgettext(self, context: str, text: str) -> str:
        """Return a text that other languages say differently elsewhere; ``context`` says where this is."""
        return str(self.words.pgettext(context, text))

    def ngettext(self, one: str, many: str, n: int, **places: object) -> str:
        """Return the text for ``n`` of something; ``%(n)s`` is the number."""
        return str(self.words.ngettext(one, many, n)) % {"n": n, **places}

    def number(self, value: float, digits: int = 1) -> str:
        """Return a number with so many decimals, such as 6.8."""
        return f"{value:.{digits}f}".replace(".", self._point())

    def day(self, day: date) -> str:
        """Return a whole day, such as Sunday, 22 November 2026."""
        return dates.format_date(day, DAYS.get(self.code, "full"), locale=self.formats)

    def short_day(self, day: date) -> str:
        """Return a day of a year that is known, such as 22 Nov."""
        return dates.format_skeleton("MMMd", day, locale=self.formats)

    def _point(self) -> str:
        return str(Locale.parse(self.formats).number_symbols["latn"]["decimal"])


ENGLISH = Language()


def to_translate(text: str) -> str:
    """Mark a text for the catalogues that is translated elsewhere."""
    return text
