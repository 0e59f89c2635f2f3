"""``engage db`` as a person calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engage.cli.db import db
from engage.config import load
from engage.errors import StorageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "engage.db"


def run(file: Path, *arguments: str, answer: str = "") -> Result:
    settings = load(flags={"database": {"url": f"sqlite:///{file}"}}, environment={})
    return CliRunner().invoke(db, arguments, obj=settings, input=answer)


def test_upgrade_then_check(file: Path) -> None:
    assert "is up to date" in run(file, "upgrade").output
    assert "is up to date" in run(file, "upgrade").output
    checked = run(file, "check")
    assert (checked.exit_code, checked.output) == (0, f"The database {file} is sound and up to date.\n")


def test_check_of_nothing_makes_nothing(file: Path) -> None:
    assert isinstance(run(file, "check").exception, StorageError)
    assert not file.exists()


def test_downgrade_asks_first(file: Path) -> None:
    run(file, "upgrade")
    assert isinstance(run(file, "downgrade", "base", answer="n\n").exception, StorageError)
    assert run(file, "check").exit_code == 0
    assert "at revision base" in run(file, "downgrade", "base", "--yes").output
    refused = run(file, "check")
    assert isinstance(refused.exception, StorageError)
    assert "engage db upgrade" in str(refused.exception)
