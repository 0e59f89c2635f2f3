"""A PostgreSQL server for a test or a measurement: made from the installed binaries, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from engage.errors import StorageError

UNSAFE = ("-c", "fsync=off", "-c", "full_page_writes=off")
"""What makes a server quick that need not survive a power cut; a measurement leaves it out."""


def postgres_binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs: the newest of Debian's, else what pg_config says."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    if found:
        return found[-1].parent
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)  # noqa: S607
        folder = Path(asked.stdout.strip())
        if (folder / "initdb").is_file():
            return folder
    return None


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


@contextmanager
def postgres(durable: bool = True) -> Iterator[URL]:
    """Give the address of the database "postgres" of a new server, on a socket in a folder of its own.

    StorageError where the binaries are not installed, there is no user to run them as, or the server does not start.
    """
    binaries, account = postgres_binaries(), server_account()
    if binaries is None or account is None:
        raise StorageError("PostgreSQL's server binaries are not installed, or there is no user to run them as.")
    folder = Path(tempfile.mkdtemp(prefix="engage-pg-"))
    os.chown(folder, account.pw_uid, account.pw_gid)

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), "-D", str(folder / "data"), *arguments]
        with (folder / "output").open("ab") as output:
            root = os.geteuid() == 0
            subprocess.run(  # noqa: S603 (the installed server)
                command,
                check=True,
                stdout=output,
                stderr=output,
                cwd=folder,
                user=account.pw_uid if root else None,
                group=account.pw_gid if root else None,
                extra_groups=[] if root else None,
            )

    where = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
    options = where if durable else " ".join((where, *UNSAFE))
    try:
        try:
            run("initdb", "-U", "engage", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
            run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        except subprocess.CalledProcessError as error:
            said = (folder / "output").read_text().strip().splitlines() or [str(error)]
            raise StorageError(f"The temporary PostgreSQL server does not start: {said[-1]}.") from error
        try:
            yield URL.create("postgresql+psycopg", "engage", database="postgres", query={"host": str(folder)})
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
