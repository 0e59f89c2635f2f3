"""Running lessons for all faults of a module; they outlive one another's faults, which is what is asked of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.lesson import Lesson, running_lesson

SMALL = "48m"


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """Yield a small file system's folder, or None where this account may not mount one."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "engage", folder], capture_output=True)
    if mounted.returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory, small_disk: Path | None) -> Iterator[Lesson]:
    """Yield a lesson of drawn students on SQLite, its database on the small file system where there is one."""
    home = tmp_path_factory.mktemp("lesson")
    folder = small_disk or home
    with running_lesson(home, f"sqlite:///{folder}/engage.db") as lesson:
        yield lesson
        lesson.assert_told_is_stored()
