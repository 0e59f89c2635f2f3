"""PostgreSQL's own programs: where they are, and ``pg_dump`` and ``pg_restore`` run on a database of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import URL

from engage.errors import StorageError

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep them, by version."""


def dump(url: URL, file: Path) -> None:
    """Write the database at ``url`` to ``file`` in PostgreSQL's custom format: one state, while others write on."""
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


def load(url: URL, file: Path) -> None:
    """Fill the empty database at ``url`` from ``file``, in one transaction."""
    _run("pg_restore", url, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(file))


def find(program: str) -> Path | None:
    """Return where ``program`` is: on PATH, else Debian's newest, else where pg_config says; None where it is not."""
    on_path = shutil.which(program)
    if on_path:
        return Path(on_path)
    installed = [file for file in DEBIAN.glob(f"*/bin/{program}") if file.parts[-3].isdigit()]
    if installed:
        return max(installed, key=lambda file: int(file.parts[-3]))
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)  # noqa: S607
        file = Path(asked.stdout.strip()) / program
        if file.is_file():
            return file
    return None


def found(program: str) -> Path:
    """Return where ``program`` is. StorageError where it is not."""
    file = find(program)
    if file is None:
        raise StorageError(
            f"{program} is not installed, and backups of PostgreSQL need it; install PostgreSQL's client programs "
            "(on Debian: postgresql-client)."
        )
    return file


def _run(program: str, url: URL, *arguments: str) -> None:
    """Run ``program``; the password goes by the environment, since everybody sees arguments."""
    from psycopg.conninfo import make_conninfo

    given = {**url.translate_connect_args(username="user", database="dbname"), **url.query}
    password = given.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    command = [str(found(program)), "--no-password", f"--dbname={make_conninfo('', **given)}", *arguments]
    done = subprocess.run(  # noqa: S603 (found above, no shell)
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()] or ["it does not say why"]
        raise StorageError(f"{program} failed ({said[0].rstrip('.')}).")
