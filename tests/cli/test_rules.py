"""The answer given at first run, read without making anything."""

from __future__ import annotations

from pathlib import Path

from engage.cli.rules import stored_answer
from engage.config import load
from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade


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
