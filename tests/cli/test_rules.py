"""Which answer holds: settings before what was answered at first run, and nothing is made by asking."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engage.cli.rules import rules_in_force, stored_answer
from engage.config import load
from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.records import SetupRecord

ANSWER = SetupRecord(Jurisdiction.US, Mode.ATTENTION, 1, datetime(2026, 3, 2, tzinfo=UTC))


def test_settings_beat_the_answer() -> None:
    eu = load(flags={"policy": {"jurisdiction": "eu"}}, environment={})
    assert rules_in_force(eu, ANSWER) == (Jurisdiction.EU, Mode.ATTENTION)
    assert rules_in_force(load(environment={}), ANSWER) == (Jurisdiction.US, Mode.ATTENTION)
    assert rules_in_force(load(environment={}), None) == (None, None)


def test_the_answer_is_read_and_no_database_is_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/engage.db"
    settings = load(flags={"database": {"url": url}}, environment={})
    assert stored_answer(settings) is None
    assert list(tmp_path.iterdir()) == []
    database = Database(url)
    database.open()
    upgrade(database)
    Classroom(database).save_setup(Jurisdiction.EU, Mode.FULL, None)
    database.close()
    answer = stored_answer(settings)
    assert answer is not None and (answer.jurisdiction, answer.mode) == (Jurisdiction.EU, Mode.FULL)
