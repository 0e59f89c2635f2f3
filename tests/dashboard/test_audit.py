"""What ``make audit`` says: nothing known, something known, or not looked up, which is not the same as nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.audit import judge, main

CLEAN: dict[str, Any] = {"name": "flask", "version": "3.1.3", "vulns": []}
FLAWED = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "odd", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([CLEAN], 0, "1 packages: no known vulnerability"),
        ([CLEAN, FLAWED], 1, "old 1.0: PYSEC-1, mended in 1.1"),
        ([CLEAN, SKIPPED], 2, "1 of 2 packages could not be looked up"),
        ([FLAWED, SKIPPED], 2, "PYSEC-1"),
    ],
)
def test_what_was_not_looked_up_is_not_called_clean(packages: list[dict[str, Any]], code: int, says: str) -> None:
    answer, lines = judge(json.dumps({"dependencies": packages, "fixes": []}))
    assert answer == code and any(says in line for line in lines)


@pytest.mark.parametrize("report", ["", "ERROR: no network", "[]"])
def test_without_an_answer_it_is_one_line(report: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(lambda: report) == 2
    assert capsys.readouterr().out.count("\n") == 1
