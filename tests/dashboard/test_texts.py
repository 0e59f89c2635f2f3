"""Every text of the pages can be translated, and is: what is new in the sources fails here until it has its German."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from dashboard.languages import LANGUAGES, SOURCE, catalogue
from dashboard.messages import extracted, is_translated
from dashboard.spoken import TEXTS, said

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = [ROOT / "dashboard" / "templates", ROOT / "engage" / "reports" / "templates"]
OTHERS = [code for code in LANGUAGES if code != SOURCE]
PLACES = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}|(</?\w+[^>]*>)")
SHOWN = ("aria-label", "placeholder", "title", "alt", "data-label")
NAMES = {"Engage", "Slack", "Teams", "Webhook", "JSON", "xAPI", "Excel", "PDF", "CSV"}
"""Written alike in every language."""


@pytest.fixture(scope="module")
def sources() -> Any:
    return extracted()


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_has_its_translation(sources: Any, code: str) -> None:
    known = {(message.id, message.context): message for message in catalogue(code) if message.id}
    texts = {(message.id, message.context): message for message in sources if message.id}
    unknown = [key for key in texts if key not in known or not is_translated(known[key])]
    assert unknown == [], "run 'make messages', then translate these"
    assert [key for key in known if key not in texts] == [], "no longer in the sources; run 'make messages'"


@pytest.mark.parametrize("code", OTHERS)
def test_translations_fill_in_the_same(code: str) -> None:
    wrong = {}
    for message in catalogue(code):
        if not message.id:
            continue
        many = [message.id] if isinstance(message.id, str) else message.id
        words = [message.string] if isinstance(message.string, str) else message.string or ()
        asked = set(PLACES.findall(many[-1]))
        for text in words:
            found = set(PLACES.findall(text))
            if found != asked and not (isinstance(message.id, tuple) and found == set(PLACES.findall(many[0]))):
                wrong[many[0]] = text
    assert wrong == {}


class Visible(HTMLParser):
    """Collects what a reader sees or hears, apart from code and what says that it is the same in every language."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("code", "kbd") or ("translate", "no") in attrs:
            self.inside.append(tag)
        self.found += [value for name, value in attrs if name in SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        if self.inside[-1:] == [tag]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.found.append(data)


def bare_texts(template: str) -> list[str]:
    """Return what the template says in letters of its own, outside of expressions and statements."""
    out, depth = [], 0
    tokens = Environment(extensions=["jinja2.ext.i18n"]).lex(re.sub(r"{% block \w+ %}\w+{% endblock %}", "", template))
    for _, kind, value in tokens:
        if kind.endswith("_begin"):
            depth += 1
            out.append("\0")
        elif kind.endswith("_end"):
            depth -= 1
        elif kind == "data" and not depth:
            out.append(value)
    page = Visible()
    page.feed("".join(out))
    page.close()
    words = [set(re.findall(r"[^\W\d_]{2,}", text)) for text in page.found]
    return [" ".join(text.split()) for text, own in zip(page.found, words, strict=True) if own - NAMES]


def test_templates_say_nothing_past_the_catalogues() -> None:
    found = {file.name: bare_texts(file.read_text("utf-8")) for folder in TEMPLATES for file in folder.glob("*.html")}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_bare_texts_are_found() -> None:
    template = '<p title="Hello">{{ _("fine") }} and {% if x %}more{% endif %} <code>x</code> {{ _("a") }} · Engage</p>'
    assert [re.sub("\0", "", text).split() for text in bare_texts(template)] == [["Hello"], ["and", "more"]]


class TestSaid:
    """What core says in English."""

    @pytest.mark.parametrize(
        ("text", "german"),
        [
            ("looks at the usual place", "schaut wie gewohnt"),
            ("score below 4 for 90 s, 2.9 on average", "Wert unter 4 seit 90 s, im Mittel 2,9"),
            (
                "5 of 12 students: no face in the picture for 2 min",
                "5 von 12 Lernenden: seit 2 min kein Gesicht im Bild",
            ),
            (
                "6.2 of 10: lids drooping or closed; expression appears less engaged.",
                "6,2 von 10: Lider schwer oder geschlossen; Ausdruck wirkt weniger beteiligt.",
            ),
            ("No score: paused.", "Kein Wert: angehalten."),
            (
                "Not enough data: 1 session with a score; it takes three.",
                "Zu wenig Daten: 1 Sitzung mit Wert; es braucht drei.",
            ),
            ("something that nobody foresaw", "something that nobody foresaw"),
            ("", ""),
        ],
    )
    def test_in_german(self, app: Any, text: str, german: str) -> None:
        with app.test_request_context("/?lang=de"):
            assert said(text) == german
        with app.test_request_context("/?lang=en"):
            assert said(text) == text

    def test_all_that_core_can_say_is_known(self) -> None:
        from engage.core.explain import REASONS, WORDS
        from engage.core.rules.words import HEADLINES
        from engage.reports.term import LEVELS

        texts = [
            *REASONS.values(),
            *HEADLINES.values(),
            *LEVELS.values(),
            *(each for pair in WORDS.values() for each in pair),
        ]
        assert set(texts) - set(TEXTS) == set()
