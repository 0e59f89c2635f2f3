"""``engage account link``: the way back in for somebody who is locked out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from engage.cli.account import account
from engage.config import Settings
from engage.errors import RequestError
from engage.storage.database import Database
from engage.storage.resets import Resets

if TYPE_CHECKING:
    from tests.databases import School


def test_a_link_that_works_once_is_printed(school: School, database: Database, url: str, tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path, "database": {"url": url}})
    result = CliRunner().invoke(account, ["link", "Admin@Example.org"], obj=settings, catch_exceptions=False)
    base, token = result.output.strip().rsplit("/", 1)
    assert base == "http://localhost:8000/reset"
    assert Resets(database).redeem(token, "hash").id == school.admin.id
    with pytest.raises(RequestError, match=r"no account with the address nobody@example\.org"):
        CliRunner().invoke(account, ["link", "nobody@example.org"], obj=settings, catch_exceptions=False)
