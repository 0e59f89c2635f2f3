"""A test of a protection is worth something if it fails without it: each is taken out of a copy of this repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "var", "*.egg-info", "docs")
FAILED = 1
"""pytest's exit code where tests ran and some failed; 2 to 5 mean that none ran as asked."""


class Protection(NamedTuple):
    """What is taken out where, and the test (under ``tests/``) that must fail then."""

    what: str
    file: str
    old: str
    new: str
    test: str


ALL = [
    Protection(**row) for row in tomllib.loads(Path(__file__).with_name("protections.toml").read_text())["protection"]
]


@pytest.mark.parametrize("protection", ALL, ids=lambda protection: protection.what)
def test_what_is_taken_out_stands_there_once(protection: Protection) -> None:
    assert (ROOT / protection.file).read_text().count(protection.old) == 1
    assert (ROOT / "tests" / protection.test.partition("::")[0]).is_file()


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("copied") / "engage"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    return copy


def outcome(copy: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run ``tests`` on the copy, in a process of their own."""
    options = ["-m", "", "-p", "no:randomly", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-x", *options, *(f"tests/{test}" for test in tests)]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_all_pass_on_the_copy_as_it_is(copied: Path) -> None:
    done = outcome(copied, sorted({protection.test for protection in ALL}))
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.nightly
@pytest.mark.timeout(700)
@pytest.mark.parametrize("protection", ALL, ids=lambda protection: protection.what)
def test_its_test_fails_without_it(copied: Path, protection: Protection) -> None:
    file = copied / protection.file
    whole = file.read_text()
    file.write_text(whole.replace(protection.old, protection.new))
    try:
        done = outcome(copied, [protection.test])
    finally:
        file.write_text(whole)
    assert done.returncode == FAILED, done.stdout[-2000:] + done.stderr[-500:]
