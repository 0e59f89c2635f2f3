"""Reports in another language than English: all of their words, and the way of numbers and dates."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pypdfium2
import pytest
from babel.support import NullTranslations

from dashboard.languages import written_in
from engage.core.gestures.kinds import GestureKind
from engage.core.types import Mode
from engage.reports.compose import compose
from engage.reports.content import Material, Report
from engage.reports.formats import FORMATS, Choices
from engage.reports.language import ENGLISH, Language
from engage.reports.student_file import write_zip
from engage.reports.words import GESTURES
from engage.storage.records import SessionRecord
from tests.reports.making import START, away, marker, past, rows, scored, session, student

PEOPLE = ("QQA", "QQB", "QQC")
PLACES = re.compile(r"(%\(\w+\)s)")
UNITS = {"min", "Engage"}
DATES = {"Montag", "Donnerstag", "Freitag", "Samstag", "Sonntag", "November", "Nov"}
"""What dates of the test's locale say."""


class Crossed(NullTranslations):
    """Words of a language that writes Ж for every letter: what is still to be read was never translated."""

    def gettext(self, message: str) -> str:
        parts = PLACES.split(message)
        return "".join(part if PLACES.fullmatch(part) else re.sub(r"[^\W\d_]", "Ж", part) for part in parts)

    def ngettext(self, msgid1: str, msgid2: str, num: int) -> str:
        return self.gettext(msgid1 if num == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return self.gettext(message)


CROSSED = Language("uk", "de", Crossed())


def report(language: Language, mode: Mode = Mode.FULL, **but: Any) -> Report:
    """Return a report with everything in it that a report can have."""
    lesson = replace(session(minutes=30, title="QQ"), course_title="QQQ", demo=True)
    gestures = dict.fromkeys(GESTURES, 2)
    minutes = [replace(scored(8 - k / 5), attentive_s=30.0, gestures=gestures) for k in range(25)] + [away()] * 2
    material = Material(
        session=but.get("lesson", lesson),
        mode=mode,
        roster=[student(number, name) for number, name in enumerate(but.get("people", PEOPLE), 1)],
        minutes=but.get("minutes", {1: rows(START, minutes), 2: rows(START, minutes[5:]), 9: rows(START, minutes)}),
        markers=[marker(START + timedelta(minutes=8), "QQQQ")],
        earlier=but.get("earlier", [past(1, 5.2, 4), past(8, 5.0, 3)]),
        now=START + timedelta(minutes=31),
    )
    return compose(material, UTC, language)


def odd(language: Language, name: str) -> Report:
    """Return a report of the kind that has sentences of its own."""
    running: SessionRecord = session(minutes=None)
    clock = {1: rows(START - timedelta(hours=3), [scored(5, confidence=0.1)] * 3)}
    late = replace(session(START, 16 * 60), course_title="QQQ", title="QQ")
    return {
        "full": lambda: report(language),
        "attention": lambda: report(language, Mode.ATTENTION),
        "presence": lambda: report(language, Mode.PRESENCE),
        "nobody": lambda: report(language, people=(), minutes={}),
        "unseen": lambda: report(language, minutes={}),
        "unscored": lambda: report(language, minutes={1: rows(START, [away()] * 5)}),
        "clock": lambda: report(language, minutes=clock, earlier=[]),
        "running": lambda: report(language, lesson=replace(running, course_title="QQQ", title="QQ")),
        "overnight": lambda: report(language, lesson=late),
        "better": lambda: report(language, earlier=[past(1, 2.0, 4)]),
        "same": lambda: report(language, earlier=[past(day, 5.9, 9 - day) for day in range(1, 5)]),
    }[name]()


ODD = [
    "full",
    "attention",
    "presence",
    "nobody",
    "unseen",
    "unscored",
    "clock",
    "running",
    "overnight",
    "better",
    "same",
]


class Visible(HTMLParser):
    """Collects what a reader sees or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.styled = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.styled = tag == "style"
        self.found += [value for name, value in attrs if name in ("aria-label", "title", "alt") and value]

    def handle_data(self, data: str) -> None:
        if not self.styled:
            self.found.append(data)


def html_text(made: Report) -> str:
    page = Visible()
    page.feed(FORMATS["html"].make(made, Choices()).decode())
    return " ".join(" ".join(page.found).split())


def pdf_text(made: Report) -> str:
    with pypdfium2.PdfDocument(FORMATS["pdf"].make(made, Choices())) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return " ".join(" ".join(pages).split())


def readable(text: str) -> set[str]:
    """Return the words that are left to be read, apart from names, units and dates."""
    words = set(re.findall(r"[A-Za-z]{2,}", text)) - UNITS
    return {word for word in words - DATES if not word.startswith("QQ")}


@pytest.mark.parametrize("name", ODD)
def test_nothing_is_said_past_the_catalogues(name: str) -> None:
    made = odd(CROSSED, name)
    assert readable(html_text(made)) == set()
    assert readable(pdf_text(made)) == set()


def test_what_is_said_past_them_is_found() -> None:
    assert {"Students", "drowsy", "Computed"} <= readable(html_text(odd(ENGLISH, "full")))


def test_all_gestures_have_words() -> None:
    assert {kind.value for kind in GestureKind} - set(GESTURES) <= {"blink", "calibration"}


class TestGerman:
    @pytest.fixture
    def made(self) -> Report:
        return report(written_in("de"))

    def test_page(self, made: Report) -> None:
        page, text = FORMATS["html"].make(made, Choices()).decode(), html_text(made)
        assert '<html lang="de">' in page
        assert "Montag, 23. November 2026, 09:00–09:30" in text
        assert "Mittel der Klasse" in text and "keine Note" in text
        assert f"{made.tally.mean:.1f} von 10".replace(".", ",") in text
        assert "Person 9, nicht mehr auf der Liste" in text
        assert re.search(r"\d\.\d(?!\d)", re.sub(r"\d+\. (\w+)", "", text)) is None, "a decimal point"

    def test_pdf(self, made: Report) -> None:
        text = pdf_text(made)
        for words in ("Was sich daraus nicht ablesen lässt", "Aufmerksam", "Kopfschütteln", "Seite 1", "22. Nov."):
            assert words in text, "or broken within a word"
        with pypdfium2.PdfDocument(FORMATS["pdf"].make(made, Choices())) as document:
            assert document.get_metadata_value("Subject") == "Sitzungsbericht"

    def test_one_and_many(self) -> None:
        one = odd(written_in("de"), "better")
        assert "der Sitzung davor (2,0)" in one.summary[0]
        assert any("1 früheren Sitzung " in sentence for sentence in one.limits)
        assert "dem Mittel der letzten 2 Sitzungen (5,1)" in report(written_in("de")).summary[0]


def test_a_students_file_is_explained_in_their_language() -> None:
    stream = io.BytesIO()
    write_zip((), datetime(2026, 11, 22, 9, 5, tzinfo=UTC), stream, written_in("de"))
    with zipfile.ZipFile(stream) as archive:
        readme = archive.read("README.txt").decode()
    assert "Stand 2026-11-22 09:05 (UTC)" in readme and "keine Noten" in readme and "%" not in readme


def test_english_numbers_and_dates() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert (ENGLISH.number(6.84), ENGLISH.day(at), ENGLISH.short_day(at)) == (
        "6.8",
        "Sunday, 22 November 2026",
        "22 Nov",
    )
