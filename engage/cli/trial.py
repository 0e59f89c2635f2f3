"""The real system, started in a folder of its own: what measurements and tests run against."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from engage.errors import EngageError
from engage.runtime.addresses import free_port

START_DEADLINE_S = 90.0
STOP_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A started ``engage serve``: its processes, its address, and what it printed so far."""

    process: psutil.Process
    server: subprocess.Popen[bytes]
    address: str
    log: Path
    authority: str | bool = True
    """What its certificate is checked with, as ``requests`` takes it: its own authority's, where it serves TLS."""

    def said(self) -> str:
        """Return everything that was printed."""
        return self.log.read_text("utf-8", "replace")

    @property
    def setup_link(self) -> str:
        """Return the one-time link for the first account, waiting for it to be printed."""
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline:
            if link := re.search(r"http\S+/setup/\S+", self.said()):
                return link[0]
            time.sleep(0.05)
        raise EngageError("No one-time link was printed.")

    def exit_code(self) -> int:
        """Wait for the system's end and return its exit code."""
        return self.server.wait(STOP_DEADLINE_S)

    def tree(self) -> Sequence[psutil.Process]:
        """Return all processes of the system."""
        return [self.process, *self.process.children(recursive=True)]

    def sign_in(self, email: str, password: str) -> str:
        """Return the Cookie header of a signed-in browser."""
        with requests.Session() as web:
            page = web.get(f"{self.address}/sign-in", timeout=10, verify=self.authority).text
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
            form = {"csrf_token": token[1] if token else "", "email": email, "password": password}
            web.headers["Referer"] = self.address  # asked for by HTTPS
            web.post(f"{self.address}/sign-in", data=form, timeout=30, verify=self.authority).raise_for_status()
            return "; ".join(f"{cookie.name}={cookie.value}" for cookie in web.cookies)


@contextmanager
def running_system(home: Path, values: Mapping[str, Any], *arguments: str) -> Iterator[RunningSystem]:
    """Run ``engage serve ARGUMENTS`` with the settings ``values`` in ``home``, and stop it after.

    Database and port are its own where ``values`` name none. Raises EngageError, with the last line it said, where it
    does not start.
    """
    port = values.get("web", {}).get("port") or free_port()
    web = {**values.get("web", {}), "port": port}
    database = values.get("database") or {"url": database_url(home)}
    config = home / "config.yaml"
    config.write_text(yaml.safe_dump({**values, "database": database, "web": web}), "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGE_")}
    log = home / "serve.log"
    with log.open("wb") as output:
        command = [sys.executable, "-u", "-m", "engage", "--config", str(config), "serve", *arguments]
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment)  # noqa: S603 (ourselves)
    scheme, authority = ("https", f"{home}/var/tls/ca.pem") if "--lan" in arguments else ("http", True)
    system = RunningSystem(psutil.Process(server.pid), server, f"{scheme}://127.0.0.1:{port}", log, authority)
    try:
        await_start(system)
        yield system
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(STOP_DEADLINE_S)


def database_url(home: Path) -> str:
    """Return the address of the database that ``running_system`` uses in ``home``."""
    return f"sqlite:///{home}/engage.db"


def await_start(system: RunningSystem) -> None:
    """Wait until the system answers at its address. Raises EngageError, with the last line it said, if it does not."""
    deadline = time.monotonic() + START_DEADLINE_S
    while not _ready(system):
        if system.server.poll() is not None or time.monotonic() > deadline:
            last = system.said().strip().splitlines()[-1:]
            raise EngageError(f"The system did not start: {' '.join(last) or 'it said nothing'}")
        time.sleep(0.1)


def _ready(system: RunningSystem) -> bool:
    try:
        return requests.get(f"{system.address}/healthz", timeout=1, verify=system.authority).ok
    except (requests.RequestException, OSError):  # OSError: its authority is not there yet
        return False
