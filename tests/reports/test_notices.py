"""Notices say what the settings say, in both languages, and the committed ones are those that the command prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dashboard.languages import written_in
from engage.cli.notice import notice
from engage.config import Settings
from engage.core.policy import Jurisdiction
from engage.core.retention import RetentionSettings
from engage.core.types import Mode
from engage.reports.language import ENGLISH
from engage.reports.notices import NOTICES, Facts

DOCS = Path(__file__).resolve().parents[2] / "docs"
ENGLISH_DPIA = DOCS / "dpia-template.md"
FILES = [
    (kind, language, ENGLISH_DPIA if kind == "dpia" and language == "en" else DOCS / f"notices/{kind}.{language}.md")
    for kind in NOTICES
    for language in ("en", "de")
]


def printed(kind: str, language: str, **settings: Any) -> str:
    given = {"policy": {"jurisdiction": "other", "mode": "full"}, **settings}
    done = CliRunner().invoke(notice, [kind, "--language", language], obj=Settings(**given))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(("kind", "language", "file"), FILES)
def test_the_committed_ones_are_those_of_the_command(kind: str, language: str, file: Path) -> None:
    """``engage --set policy.jurisdiction=other --set policy.mode=full notice KIND --language LANGUAGE``."""
    assert file.read_text("utf-8") == printed(kind, language)


@pytest.mark.parametrize("kind", list(NOTICES))
@pytest.mark.parametrize("language", ["en", "de"])
def test_they_are_filled_from_the_settings(kind: str, language: str) -> None:
    told = printed(
        kind, language, retention={"samples_days": 7, "erase_days": 33},
        school={"name": "Lakeside School", "contact": "Ms Weber, 555"},
    )  # fmt: skip
    for word in ("Lakeside School", "Ms Weber, 555", " 7 ", " 33 "):
        assert word in told
    never = printed(kind, language, retention={"samples_days": None, "erase_days": None})
    assert ("bis sie sie löscht" if language == "de" else "until it erases them") in never and " 90 " not in never


@pytest.mark.parametrize("kind", list(NOTICES))
def test_they_promise_no_less_than_is_done(kind: str) -> None:
    def told(mode: Mode) -> str:
        facts = Facts(None, None, Jurisdiction.OTHER, mode, RetentionSettings())
        return NOTICES[kind](facts, ENGLISH)

    assert "expression" in told(Mode.FULL) and "score from 0 to 10" in told(Mode.FULL)
    assert "score from 0 to 10" in told(Mode.ATTENTION) and "guesses which expression" not in told(Mode.ATTENTION)
    assert "score from 0 to 10" not in told(Mode.PRESENCE) and "present" in told(Mode.PRESENCE)
    assert "____" in told(Mode.FULL), "what only the school knows is not made up"


def test_in_the_eu_only_presence_is_told() -> None:
    told = printed("student", "en", policy={"jurisdiction": "eu", "mode": "full"})
    assert "present" in told and "score" not in told
    assert written_in("de").code == "de"
