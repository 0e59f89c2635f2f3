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


def test_backup_then_restore(file: Path, tmp_path: Path) -> None:
    backup = tmp_path / "school.backup"
    run(file, "upgrade")
    assert f"Written to {backup}: made 20" in run(file, "backup", str(backup)).output
    assert isinstance(run(file, "backup", str(backup)).exception, StorageError)
    assert run(file, "backup", str(backup), "--yes").exit_code == 0
    run(file, "downgrade", "base", "--yes")
    refused = run(file, "restore", str(backup), answer="n\n")
    assert "This replaces" in refused.output and str(refused.exception) == "Nothing was changed."
    assert isinstance(run(file, "check").exception, StorageError)
    assert "sound and up to date" in run(file, "restore", str(backup), "--yes").output
    assert run(file, "check").exit_code == 0


def test_restore_where_there_was_nothing(file: Path, tmp_path: Path) -> None:
    backup = tmp_path / "school.backup"
    run(file, "upgrade")
    run(file, "backup", str(backup))
    file.unlink()
    assert "could not be read" not in run(file, "restore", str(backup), "--yes").output
    assert run(file, "check").exit_code == 0


def test_restore_of_no_backup_is_one_line(file: Path, tmp_path: Path) -> None:
    for name in ("none", "."):
        error = run(file, "restore", str(tmp_path / name), "--yes").exception
        assert isinstance(error, StorageError) and "cannot be read" in str(error)


def test_erasures_are_noted_beside_the_database(tmp_path: Path) -> None:
    beside = load(flags={"database": {"url": f"sqlite:///{tmp_path / 'school.db'}"}}, environment={}).erasures_file
    assert beside == tmp_path / "school.db.erased"
    server = load(flags={"home": tmp_path, "database": {"url": "postgresql://engage@host/engage"}}, environment={})
    assert server.erasures_file == tmp_path / "var" / "database.erased"
