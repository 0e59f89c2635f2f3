"""A PostgreSQL server for a test or a measurement: made from the installed binaries, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from engage.errors import StorageError
from engage.storage import postgres_programs

UNSAFE = ("-c", "fsync=off", "-c", "full_page_writes=off")
"""What makes a server quick that need not survive a power cut; a measurement leaves it out."""


def postgres_binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs; None where they are not installed."""
    initdb = postgres_programs.find("initdb")
    return None if initdb is None else initdb.resolve().parent


def server_account() -> pwd.struct_passwd | None:
    """Return whom the server must run as: it refuses to be root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server of one's own: its database "postgres", and a way to have it away for a while."""

    url: URL
    folder: Path
    options: str

    def start(self) -> None:
        """Start it and wait until it answers. StorageError where it does not."""
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", self.options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; ``immediate`` as if it had crashed, ``fast`` in order."""
        self.run("pg_ctl", "-w", "-m", mode, "stop")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs on its data. StorageError with what it said last, where it fails."""
        binaries, account = postgres_binaries(), server_account()
        if binaries is None or account is None:
            raise StorageError("PostgreSQL's server binaries are not installed, or there is no user to run them as.")
        command = [str(binaries / program), "-D", str(self.folder / "data"), *arguments]
        root = os.geteuid() == 0
        with (self.folder / "output").open("ab") as output:
            ended = subprocess.run(  # noqa: S603 (the installed server)
                command,
                check=False,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                user=account.pw_uid if root else None,
                group=account.pw_gid if root else None,
                extra_groups=[] if root else None,
            )
        if ended.returncode:
            said = (self.folder / "output").read_text().strip().splitlines() or [f"{program} failed"]
            raise StorageError(f"The temporary PostgreSQL server does not start: {said[-1]}.")


@contextmanager
def postgres(durable: bool = True) -> Iterator[URL]:
    """Give the address of the database "postgres" of a new server, on a socket in a folder of its own.

    StorageError where the binaries are not installed, there is no user to run them as, or the server does not start.
    """
    with server(durable) as running:
        yield running.url


@contextmanager
def server(durable: bool = True) -> Iterator[Server]:
    """Give a new server; it must run again, or still, at the end. Raises as ``postgres``."""
    binaries, account = postgres_binaries(), server_account()
    if binaries is None or account is None:
        raise StorageError("PostgreSQL's server binaries are not installed, or there is no user to run them as.")
    folder = Path(tempfile.mkdtemp(prefix="engage-pg-"))
    os.chown(folder, account.pw_uid, account.pw_gid)
    where = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
    url = URL.create("postgresql+psycopg", "engage", database="postgres", query={"host": str(folder)})
    made = Server(url, folder, where if durable else " ".join((where, *UNSAFE)))
    try:
        made.run("initdb", "-U", "engage", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
