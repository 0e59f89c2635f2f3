"""The whole system on faces, then a search for them: in everything that it, and the browsers, left anywhere."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard import create_app
from dashboard.join_keys import issue
from engage import config
from engage.storage.classroom import Classroom
from engage.storage.queries import Queries
from engage.storage.records import NewStudent
from tests.browser import networked
from tests.browser.conftest import CHROMIUM_ARGUMENTS, DESKTOP, chromium_program
from tests.conftest import shared_folder
from tests.privacy.searching import Find, search, search_bytes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

READ = "globalThis.engageJoin ? engageJoin.reading.count : 0"
STORED = """async () => JSON.stringify([
  {...localStorage}, {...sessionStorage}, await indexedDB.databases(), await caches.keys(),
  (await navigator.serviceWorker?.getRegistrations() ?? []).length,
])"""


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the folder for temporary files of everything that is started here; its name is short, for sockets' sake."""
    with tempfile.TemporaryDirectory(prefix="np-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.fixture
def cores_allowed() -> Iterator[None]:
    """Let processes started here dump core, unless they forbid it themselves."""
    resource = pytest.importorskip("resource", reason="no limits of processes on this system")
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.fixture
def system(tmp_path: Path, temporary: Path, cores_allowed: None) -> Iterator[networked.Network]:
    home = tmp_path / "home"
    home.mkdir()
    folders = [str(folder) for folder in (shared_folder() / "models",) if folder.is_dir()]
    values = {"models": {"folders": folders}, "inference": {"backend": "onnxruntime", "precision": "fp32"}}
    with networked.network(home, {**values, "logging": {"level": "DEBUG"}}) as running:
        yield running


@pytest.fixture
def profile(chromium: Browser, system: networked.Network, temporary: Path, tmp_path: Path) -> Iterator[BrowserContext]:
    """Yield a browser that keeps its profile and cache in a folder, with a drawn student before its camera."""
    film = tmp_path / "film"
    film.mkdir()
    arguments = [*CHROMIUM_ARGUMENTS, *networked.trusting(system.home), *networked.fake_camera(film)]
    context = chromium.browser_type.launch_persistent_context(
        str(tmp_path / "profile"),
        executable_path=chromium_program(),
        env={**os.environ, "TMPDIR": str(temporary)},
        args=arguments,
        viewport=DESKTOP,
        locale="en-GB",
    )
    context.set_default_timeout(60_000)
    yield context
    context.close()


def join(system: networked.Network, page: Page, until: Any) -> int:
    """Let a student of a course join with the browser's camera until results come back; return the session."""
    with system.database() as database:
        classroom = Classroom(database)
        course = classroom.create_course("Physics 9b", 1).id
        student = classroom.create_student(course, NewStudent("Amina Diallo", minor=False)).id
        session = classroom.start_session(course, 1).id
        settings = config.load(system.home / "config.yaml", environment={})
        with create_app(settings, database).test_request_context():
            (key,) = issue(course, [student], 1)
    page.goto(f"{system.address}/join/me/{key.token}")
    page.get_by_role("button", name="Yes").click()
    until(page, f"() => ({READ}) >= 3", timeout_s=120)
    return session


def crash_a_capture_worker(system: networked.Network) -> None:
    """Abort a process that holds frames, as a fault in native code would, and wait for its end."""
    victim = next(each for each in system.system.tree() if re.search(r"host capture-\d", " ".join(each.cmdline())))
    os.kill(victim.pid, signal.SIGABRT)
    psutil.wait_procs([victim], timeout=30)


def limits_of(process: psutil.Process) -> tuple[str, str]:
    """Return the limit of core dumps of a process, and which memory they would hold."""
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    found = re.search(r"Max core file size\s+(\S+)\s+(\S+)", limits)
    assert found is not None
    return f"{found[1]} {found[2]}", Path(f"/proc/{process.pid}/coredump_filter").read_text().strip()


def found_in_open_files(system: networked.Network) -> list[Find]:
    """Return what is found in every regular file that the system writes to now, deleted ones included."""
    found = []
    for process in system.system.tree():
        for handle in Path(f"/proc/{process.pid}/fd").iterdir():
            try:
                writable = (
                    int(
                        re.search(r"flags:\s+(\d+)", Path(f"/proc/{process.pid}/fdinfo/{handle.name}").read_text())[1],
                        8,
                    )
                    & 3
                )  # type: ignore[index]
                if writable and handle.is_file():
                    found += search_bytes(str(handle.readlink()), handle.read_bytes())
            except OSError:
                continue  # gone meanwhile
    return found


def kinds_of_values(database: Path) -> set[str]:
    """Return the SQLite types of all values in all tables."""
    kinds: set[str] = set()
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for column in [row[1] for row in connection.execute(f"PRAGMA table_info('{table}')")]:
                kinds |= {kind for (kind,) in connection.execute(f'SELECT DISTINCT typeof("{column}") FROM "{table}"')}
    connection.close()
    return kinds


def test_nothing_is_left_from_which_a_face_could_be_seen(
    system: networked.Network, profile: BrowserContext, temporary: Path, tmp_path: Path, until: Any
) -> None:
    demo = system.start_demo()
    teacher = profile.new_page()
    teacher.goto(f"{system.address}/sign-in")
    teacher.get_by_label("E-mail").fill(networked.EMAIL)
    teacher.get_by_label("Password").fill(networked.PASSWORD)
    teacher.get_by_role("button", name="Sign in").click()
    teacher.wait_for_url(f"{system.address}/")
    student = profile.new_page()
    session = join(system, student, until)
    teacher.goto(f"{system.address}/sessions/{demo}")
    expect(teacher.locator(".card[data-kind=present]").first).to_be_visible()

    if sys.platform == "linux":
        for process in system.system.tree():
            assert limits_of(process) == ("0 0", "00000000"), process.cmdline()
    crash_a_capture_worker(system)
    before = student.evaluate(READ)
    until(student, f"before => ({READ}) > before", before, timeout_s=120)
    assert found_in_open_files(system) == []
    for page in (student, teacher):
        assert search_bytes("the page's storage", page.evaluate(STORED).encode()) == []
    student.get_by_role("button", name="Stop").click()
    expect(student.get_by_text("Your camera is off")).to_be_visible()

    with system.database() as database:
        queries = Queries(database)
        seen = [queries.samples_since(number, 0) for number in (demo, session)]
        assert min(map(len, seen)) >= 3 and any(row.sample.expression for row in seen[1]), "faces were looked at"
        for number in (demo, session):
            Classroom(database).end_session(number)
    profile.close()

    places = [system.home, temporary, tmp_path / "profile", Path.cwd() / "core"]
    assert search(places) == []
    assert "blob" not in kinds_of_values(system.home / "engage.db")
    files = [file for place in places[:3] for file in place.rglob("*") if file.is_file()]
    assert len(files) > 20 and any(file.name == "engage.db-wal" for file in files), "there was something to search"
    assert not [file for file in files if re.fullmatch(r"core(\.\d+)?", file.name)]
