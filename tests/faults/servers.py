"""A PostgreSQL and a Redis server that a test stops and starts again, on the same data."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import URL

from engage.runtime.addresses import free_port
from engage.storage.throwaway import UNSAFE, postgres, postgres_binaries, server_account


@dataclass(frozen=True)
class Postgres:
    """A server in a folder of its own."""

    url: URL

    @property
    def address(self) -> str:
        return self.url.render_as_string(hide_password=False)

    def stop(self) -> None:
        self._run("-m", "immediate", "stop")

    def start(self) -> None:
        folder = self.url.query["host"]
        options = " ".join((f"-c listen_addresses='' -c unix_socket_directories='{folder}'", *UNSAFE))
        self._run("-l", f"{folder}/log", "-o", options, "start")

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stop all its processes as they are: they keep their connections, and do nothing."""
        first = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        stopped = []
        try:
            for process in (first, *first.children()):  # the first makes no others then
                process.suspend()
                stopped.append(process)
            yield
        finally:
            for process in stopped:
                process.resume()

    @property
    def folder(self) -> Path:
        return Path(str(self.url.query["host"]))

    def _run(self, *arguments: str) -> None:
        binaries, account, folder = postgres_binaries(), server_account(), Path(str(self.url.query["host"]))
        assert binaries is not None and account is not None
        root = os.geteuid() == 0
        with (folder / "output").open("ab") as output:
            subprocess.run(
                [binaries / "pg_ctl", "-D", folder / "data", "-w", *arguments],
                check=True,
                stdout=output,
                stderr=output,
                cwd=folder,
                user=account.pw_uid if root else None,
                group=account.pw_gid if root else None,
                extra_groups=[] if root else None,
            )


@contextmanager
def restartable_postgres() -> Iterator[Postgres]:
    with postgres(durable=False) as url:
        server = Postgres(url)
        try:
            yield server
        finally:
            if not Path(f"{url.query['host']}/data/postmaster.pid").exists():
                server.start()  # whoever made it stops it


class Redis:
    """A server that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"redis://127.0.0.1:{self.port}/0"
        program = shutil.which("redis-server")
        assert program is not None
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        while "Ready to accept connections" not in self._process.stdout.readline():
            assert self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()
