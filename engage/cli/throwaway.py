"""A Redis and an nginx for a test or a measurement: started from the installed programs, gone afterwards."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engage.errors import EngageError
from engage.runtime.addresses import free_port

START_WITHIN_S = 30.0


class Redis:
    """A Redis server of one's own that keeps nothing on disk; it can be killed, started again, and made to hang."""

    def __init__(self, folder: Path) -> None:
        """Choose a port; ``folder`` is where it works. EngageError where Redis is not installed."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [_program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--dir", str(folder), "--loglevel", "warning"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)  # noqa: S603 (the installed server)
        _await_port(self.port, self._process)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Have it keep its connections and answer nothing, until ``thaw``."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on after ``freeze``."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)


@contextmanager
def redis(folder: Path) -> Iterator[Redis]:
    """Give a running Redis. EngageError where it is not installed or does not start."""
    server = Redis(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass(frozen=True, slots=True)
class Place:
    """Where nginx works, and the port by which one knows that it runs."""

    folder: Path
    port: int


@contextmanager
def nginx(http: str, place: Place) -> Iterator[None]:
    """Run nginx with ``http`` as what stands in its http section. EngageError where it is missing or refuses it."""
    folder = place.folder
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    )
    main = f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{ worker_connections 1024; }}\n"
    file = folder / "nginx.conf"
    silent = "" if "access_log" in http else "access_log off;\n"
    file.write_text(f"{main}http {{\n{silent}{temporary}\n{http}\n}}\n", "utf-8")
    program = _program("nginx")
    command = [program, "-p", str(folder), "-c", str(file)]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)  # noqa: S603
    if tried.returncode:
        raise EngageError(f"nginx refuses the configuration: {tried.stderr.strip().splitlines()[0]}")
    process = subprocess.Popen([*command, "-g", "daemon off; master_process on;"], stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _await_port(place.port, process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise EngageError(f"{name} is not installed (Debian: apt-get install {name}).")
    return found


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + START_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise EngageError(f"The program behind port {port} does not start.") from None
        time.sleep(0.02)
