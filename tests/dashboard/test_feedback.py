"""Explanations, corrections and check-ins over the API: who may, and what comes back."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Sample, ScoredSample
from engage.storage.database import Database
from engage.storage.store import SqlStore

SETTINGS = ScoringSettings(name="strict", attention_exponent=0.9)
SECOND = int(time.time())


@pytest.fixture
def seen(school: Any, database: Database) -> Any:
    """Return the school with one stored second: the student looks away."""
    at = datetime.fromtimestamp(SECOND, UTC)
    sample = Sample(school.session, school.student, SECOND, at, 5, 1.0, 1.0, 0.9, 0.5, (1.0, *[0.0] * 7))
    sample = replace(sample, yaw_deg=30.0, pitch_deg=0.0)
    scored = ScoredSample(sample, score_all([sample], SETTINGS)[0], SETTINGS.version)
    SqlStore(database, SETTINGS).write([scored])
    return school


@pytest.fixture
def pupil(school: Any, database: Database, browser: Any) -> Any:
    """Return a browser with the student's own account."""
    with database.engine.begin() as connection:
        values = {"student": school.student, "id": school.student_user}
        connection.execute(text("UPDATE users SET student_id = :student WHERE id = :id"), values)
    return browser("student")


def test_a_score_is_explained_by_the_settings_that_made_it(seen: Any, browser: Any) -> None:
    path = f"/api/v1/sessions/{seen.session}/students/{seen.student}/explanation"
    told = browser("teacher").get(f"{path}?at={SECOND + 3}").json
    assert (told["second"], told["scoring"]) == (SECOND, SETTINGS.version)
    assert told["parts"][0]["term"] == "attention" and told["parts"][0]["points"] < 0
    assert told == browser("teacher").get(path).json
    assert browser("teacher").get(f"{path}?at={SECOND + 60}").status_code == 404
    assert browser("teacher").get(f"{path}?at=now").status_code == 400


def test_a_teacher_corrects_their_own_student(seen: Any, browser: Any, call: Any) -> None:
    path = f"/api/v1/sessions/{seen.session}/students/{seen.student}/corrections"
    start = seen.queries.session(seen.session).started_at.timestamp()
    said = {"engaged": False, "from": start - 60, "until": start + 60}
    answer = call(browser("teacher"), path, said)
    assert answer.status_code == 201 and answer.json["engaged"] is False and answer.json["from"] == start
    assert call(browser("colleague"), path, said).status_code == 404
    assert call(browser("admin"), path, said).status_code == 403
    rows = browser("teacher").get(f"/api/v1/sessions/{seen.session}/corrections").json["corrections"]
    assert rows == [answer.json]


@pytest.mark.parametrize(
    "body", [{}, {"engaged": 1, "from": 0, "until": 1}, {"engaged": True, "from": "a", "until": 1},
             {"engaged": True, "from": 1e300, "until": 1}, {"engaged": True, "from": True, "until": 1}],
)  # fmt: skip
def test_a_correction_that_makes_no_sense_is_one_line(seen: Any, browser: Any, call: Any, body: dict[str, Any]) -> None:
    path = f"/api/v1/sessions/{seen.session}/students/{seen.student}/corrections"
    answer = call(browser("teacher"), path, body)
    assert answer.status_code == 400 and "\n" not in answer.json["error"]


def test_a_student_checks_in_where_they_are(school: Any, pupil: Any, browser: Any, call: Any) -> None:
    path = f"/api/v1/sessions/{school.session}/check-ins"
    answer = call(pupil, path, {"value": 4})
    assert (answer.status_code, answer.json["student"], answer.json["value"]) == (201, school.student, 4)
    assert call(pupil, path, {"value": 5}).status_code == 400, "once a minute"
    assert call(pupil, path, {"value": "5"}).status_code == 400
    assert call(pupil, f"/api/v1/sessions/{school.other_session}/check-ins", {"value": 4}).status_code == 404
    assert pupil.get(path).json["check_ins"] == [answer.json]
    assert browser("teacher").get(f"/api/v1/sessions/{school.session}/corrections").json["corrections"] == []
    assert pupil.get(f"/api/v1/sessions/{school.session}").status_code == 403


def test_the_page_learns_who_may_correct(school: Any, browser: Any) -> None:
    may = {
        who: browser(who).get(f"/api/v1/sessions/{school.session}").json["may_correct"] for who in ("teacher", "admin")
    }
    assert may == {"teacher": True, "admin": False}
