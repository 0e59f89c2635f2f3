"""The browser libraries: which files of ``node_modules`` are served, under which name, and what to do without them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent

LIBRARIES: Final = {
    "socket.io.js": "node_modules/socket.io-client/dist/socket.io.esm.min.js",
    "uplot.js": "node_modules/uplot/dist/uPlot.iife.min.js",
    "uplot.css": "node_modules/uplot/dist/uPlot.min.css",
}
"""Name in the address → file; nothing else of ``node_modules`` can be reached."""

HINT: Final = "The browser libraries are missing: run 'python -m dashboard.install', then reload this page."


def missing(folder: Path = FOLDER) -> list[str]:
    """Return the names of the libraries that are not installed."""
    return [name for name, path in LIBRARIES.items() if not (folder / path).is_file()]
