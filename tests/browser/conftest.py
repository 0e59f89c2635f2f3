"""A real Chromium, and a real dashboard server for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (dev extra)")

playwright_api.expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong

HERE = Path(__file__).parent
OUT = HERE / "out"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


class Served:
    """A dashboard server in a process of its own, that can be stopped and started again at the same address."""

    def __init__(self, home: Path, students: int) -> None:
        self.home, self.students = home, students
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, str(HERE / "served.py"), str(self.home), str(self.port), str(self.students)]
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, (self.home / "server.log").read_text()
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)

    def stop(self) -> float:
        """Stop it as an operating system would and return the seconds it took."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - begun

    def steer(self, **control: object) -> None:
        """Change what arrives from now on; see ``served.py``."""
        draft = self.home / "control.tmp"
        draft.write_text(json.dumps(control))
        draft.rename(self.home / "control.json")

    def past_session(self, seconds: int) -> str:
        """Start a session that has a past, and return its address."""
        made = self.home / "past.made"
        made.unlink(missing_ok=True)
        draft = self.home / "past.draft"
        draft.write_text(str(seconds))
        draft.rename(self.home / "past.wanted")
        deadline = time.monotonic() + 60
        while not made.exists():
            assert time.monotonic() < deadline, (self.home / "server.log").read_text()
            time.sleep(0.05)
        return f"{self.address}/sessions/{int(made.read_text())}"

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[int], Served]]:
    """Yield a starter of servers by number of students (0: before the first account)."""
    started: list[Served] = []

    def start(students: int) -> Served:
        server = Served(tmp_path, students)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        if server.process is not None and server.process.poll() is None:
            server.stop()


def chromium_program() -> str | None:
    """Return the path of a Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[playwright_api.Browser]:
    """Yield a running Chromium, or skip."""
    executable = chromium_program()
    if executable is None:
        pytest.skip("no Chromium on PATH (Debian: apt-get install chromium)")
    from dashboard.libraries import HINT, missing

    if missing():
        pytest.skip(HINT)
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: playwright_api.Browser) -> Iterator[playwright_api.Page]:
    """Yield a page whose console must stay free of errors, apart from lost connections."""
    context = chromium.new_context(viewport=DESKTOP, color_scheme="light", locale="en-GB")
    context.set_default_timeout(30_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    expected = ("ERR_CONNECTION", "WebSocket", "status of 4", "ERR_EMPTY_RESPONSE")
    assert [text for text in errors if not any(part in text for part in expected)] == []


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a system that serves the local network by HTTPS, for all tests that need one (see ``networked.py``)."""
    from tests.browser import networked
    from tests.conftest import shared_folder

    folders = [str(folder) for folder in (shared_folder() / "models",) if folder.is_dir()]
    values = {"models": {"folders": folders}, "inference": {"backend": "onnxruntime", "precision": "fp32"}}
    with networked.network(tmp_path_factory.mktemp("lan"), values) as running:
        yield running


@pytest.fixture(scope="session")
def secure_chromium(chromium: playwright_api.Browser, network: Any) -> Iterator[playwright_api.Browser]:
    """Yield a Chromium that finds and trusts ``network``, with a drawn student before its camera."""
    from tests.browser import networked

    arguments = [*CHROMIUM_ARGUMENTS, *networked.trusting(network.home), *networked.fake_camera(network.home)]
    browser = chromium.browser_type.launch(executable_path=chromium_program(), args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def secure_page(secure_chromium: playwright_api.Browser, network: Any) -> Iterator[playwright_api.Page]:
    """Yield a page of ``network``'s administrator, signed in by HTTPS."""
    from tests.browser import networked

    context = secure_chromium.new_context(viewport=DESKTOP, color_scheme="light", locale="en-GB")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(f"{network.address}/sign-in")
    page.get_by_label("E-mail").fill(networked.EMAIL)
    page.get_by_label("Password").fill(networked.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{network.address}/")
    yield page
    context.close()


@pytest.fixture
def sign_in(page: playwright_api.Page) -> Callable[[Served], None]:
    """Return a function that signs the seeded teacher in."""

    def enter(server: Served) -> None:
        page.goto(f"{server.address}/sign-in")
        page.get_by_label("E-mail").fill("teacher@school.example")
        page.get_by_label("Password").fill("a quiet morning")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{server.address}/")

    return enter


@pytest.fixture
def look(page: playwright_api.Page) -> Callable[..., None]:
    """Return a function that saves the page as it is: desktop and phone, light and dark, for people to look at."""
    OUT.mkdir(exist_ok=True)

    def save(name: str, full: bool = False) -> None:
        for size_name, size in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.wait_for_timeout(300)  # canvases are drawn anew
                page.screenshot(path=OUT / f"{name}-{size_name}-{scheme}.png", full_page=full)
        page.set_viewport_size(DESKTOP)
        page.emulate_media(color_scheme="light")

    return save


@pytest.fixture
def until() -> Callable[..., None]:
    """Return a function that waits until JavaScript gives something true.

    Playwright's ``wait_for_function`` runs it by ``eval``, which our Content-Security-Policy rightly refuses.
    """

    def wait(page: playwright_api.Page, function: str, argument: object = None, timeout_s: float = 40) -> None:
        deadline = time.monotonic() + timeout_s
        while not page.evaluate(function, argument):
            assert time.monotonic() < deadline, f"never true: {function}"
            page.wait_for_timeout(100)

    return wait


@pytest.fixture
def accessible(page: playwright_api.Page) -> Callable[[], None]:
    """Return a function that fails where axe finds something against WCAG 2.2 AA, or the page does not fit at 200 %."""
    axe = HERE.parents[1] / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"

    def check() -> None:
        run = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate(axe.read_text("utf-8"))
            found = page.evaluate(run)["violations"]
            told = [
                f"{item['id']}: {node['html'][:120]} {node['failureSummary']}"
                for item in found
                for node in item["nodes"]
            ]
            assert told == [], scheme
        page.emulate_media(color_scheme="light")
        wide = """[...document.querySelectorAll('body *')].filter(node =>
            node.getBoundingClientRect().right > innerWidth + 1 && !node.closest('.scroll, .hidden-text, .bar')
        ).map(node => node.outerHTML.slice(0, 100))"""
        for width, height in ((720, 450), (320, 640)):  # a laptop at 200 % zoom; WCAG 1.4.10
            page.set_viewport_size({"width": width, "height": height})
            fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert fits, f"cut off at {width} px: {page.evaluate(wide)}"
        page.set_viewport_size(DESKTOP)

    return check
