"""Scoring again and explaining, through the real store on both databases."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from engage.cli.explain import explain
from engage.cli.rescore import rescore, score_session
from engage.config import Settings
from engage.core.gestures.kinds import GestureKind
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import GestureEvent, Sample, ScoredSample
from engage.errors import RequestError, SettingsError
from engage.storage.database import Database
from engage.storage.rollups import Rollups
from engage.storage.scores import Scores
from engage.storage.store import SqlStore
from engage.storage.versions import ScoringVersions, named_scoring

SETTINGS = ScoringSettings()
OTHER = dataclasses.replace(SETTINGS, name="other", attention_exponent=0.9)
SECONDS = 90


def samples_of(school: Any, student: int) -> list[Sample]:
    """Return a minute and a half in which the student looks ahead, then away."""
    rows = []
    for number in range(SECONDS):
        at = school.session.started_at + timedelta(seconds=number, microseconds=77 * number)
        seen = Sample(school.session.id, student, int(at.timestamp()), at, 5, 1.0, 1.0, 0.9 - number / 1000, 0.5)
        face = {"expression": (0.7, 0.1, *[0.2 / 6] * 6), "yaw_deg": 31.0 if number > 60 else 1.0, "pitch_deg": -2.0}
        lids = {"lids_closed_share": 0.01, "eyes_open": 0.9 - number / 700}
        rows.append(dataclasses.replace(seen, **face, **lids))
    return rows


def gestures_of(school: Any, student: int) -> list[GestureEvent]:
    start = school.session.started_at
    step = (GestureKind.CALIBRATION, 2, 8), (GestureKind.NOD, 20, 21), (GestureKind.SPEAKING, 30, 40)
    return [
        GestureEvent(school.session.id, student, kind, start + timedelta(seconds=a), start + timedelta(seconds=b), 0.75)
        for kind, a, b in step
    ]


@pytest.fixture
def lesson(school: Any, database: Database) -> Any:
    """Return the school with two students' stored minutes, scored live, in a session that has ended."""
    store = SqlStore(database, SETTINGS)
    for student in school.students[:2]:
        rows, gestures = samples_of(school, student.id), gestures_of(school, student.id)
        scores = score_all(rows, SETTINGS, gestures)
        store.write([ScoredSample(*pair, SETTINGS.version) for pair in zip(rows, scores, strict=True)], gestures)
    school.classroom.end_session(school.session.id)
    return school


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs a command in a folder with two files that hold no scoring."""
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text("scoring: {window: 3}")
    Path("no.yaml").write_text("web: {port: 1}")

    def invoke(command: Any, *arguments: object) -> Result:
        settings = Settings(home=tmp_path, database={"url": url})  # type: ignore[arg-type]
        return CliRunner().invoke(command, [str(argument) for argument in arguments], obj=settings)

    return invoke


def test_identical_settings_give_identical_numbers(lesson: Any, database: Database) -> None:
    before = lesson.queries.samples_since(lesson.session.id, 0)
    assert any(scored.score.terms["participation"] > 0 for scored in before), "gestures must be part of this"
    same = dataclasses.replace(SETTINGS, name="same")
    score_session(database, lesson.session.id, same)
    after = lesson.queries.samples_since(lesson.session.id, 0)
    assert {scored.scoring_version for scored in after} == {same.version}
    assert [scored.score for scored in after] == [scored.score for scored in before]


def test_other_settings_are_kept_beside(lesson: Any, database: Database, run: Any, tmp_path: Path) -> None:
    before, rollups = lesson.queries.samples_since(lesson.session.id, 0), Rollups(database)
    rollups.update()
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({"scoring": dataclasses.asdict(OTHER)}))
    done = run(rescore, lesson.session.id, "--scoring", tmp_path / "other.yaml")
    assert done.exit_code == 0 and f"{2 * SECONDS} seconds scored by {OTHER.version}" in done.output
    counts = {SETTINGS.version: 2 * SECONDS, OTHER.version: 2 * SECONDS}
    assert Scores(database).versions(lesson.session.id) == counts
    after = lesson.queries.samples_since(lesson.session.id, 0)
    assert after[-1].score.value < before[-1].score.value
    assert rollups.update() > 0, "reports show the newest version"
    for counted in rollups.session_students(lesson.session.id):
        shown = [row.score.value for row in after if row.sample.student_id == counted.student_id]
        known = [value for value in shown if value is not None]
        assert counted.tally.mean == pytest.approx(sum(known) / len(known))
    again = run(rescore, lesson.session.id, "--scoring", "other")  # by its name, out of the database
    assert "nothing was changed" in again.output
    assert Scores(database).versions(lesson.session.id) == counts


@pytest.mark.parametrize(
    ("session", "scoring", "words"),
    [
        (99, None, "no session 99"),
        (1, "nobody", "no scoring 'nobody'"),
        (1, "bad.yaml", "scoring.window"),
        (1, "no.yaml", "section"),
    ],
)
def test_what_is_wrong_is_one_line(lesson: Any, run: Any, session: int, scoring: str | None, words: str) -> None:
    done = run(rescore, session, *(["--scoring", scoring] if scoring else []))
    assert isinstance(done.exception, RequestError | SettingsError)
    assert words in str(done.exception) and "\n" not in str(done.exception)


def test_a_running_session_is_not_scored_again(school: Any, run: Any) -> None:
    done = run(rescore, school.session.id)
    assert isinstance(done.exception, RequestError) and "still running" in str(done.exception)


def test_a_moment_is_explained(lesson: Any, run: Any) -> None:
    done = run(explain, lesson.session.id, "ada", "+85", "--json")
    told = json.loads(done.output)
    assert told["scoring"] == SETTINGS.version and told["value"] < 7.5
    assert told["parts"][0]["term"] == "attention" and told["parts"][0]["points"] < -2
    text = run(explain, lesson.session.id, lesson.students[0].id, "+85").output
    assert "looks away" in text and "attention" in text
    clock = f"{lesson.session.started_at.astimezone() + timedelta(seconds=85):%H:%M:%S}"
    assert run(explain, lesson.session.id, "Ada", clock, "--json").output == done.output


@pytest.mark.parametrize(
    ("student", "at", "words"),
    [
        ("Nobody", "+5", "no student Nobody"),
        ("Ada", "soon", "not a time"),
        ("Ada", "+nan", "not a time"),
        ("Chi", "+5", "no data"),
        ("Ada", "+5000", "no data"),
        ("9" * 30, "9" * 400, "no data"),
    ],
)
def test_what_cannot_be_explained_is_said(lesson: Any, run: Any, student: str, at: str, words: str) -> None:
    done = run(explain, lesson.session.id, student, at)
    assert isinstance(done.exception, RequestError), done.output
    assert words in str(done.exception)


def test_versions_are_found_by_name_and_never_changed(database: Database, tmp_path: Path) -> None:
    versions = ScoringVersions(database)
    versions.register(OTHER)
    versions.register(dataclasses.replace(OTHER, name="oth_r"))
    settings = Settings(home=tmp_path)
    assert named_scoring("other", settings, database) == OTHER == named_scoring(OTHER.version, settings, database)
    newer = dataclasses.replace(OTHER, window_s=5.0)
    versions.register(newer)
    versions.register(newer)
    assert named_scoring("other", settings, database) == newer
    assert versions.names()[-3:] == [OTHER.version, dataclasses.replace(OTHER, name="oth_r").version, newer.version]
