"""The dashboard's real server with few threads, on a database of its own: ``python plain_server.py HOME PORT THREADS``.

It emits one update with ``HOME/say`` bytes of text to the running session, ten times a second, where that file exists.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from dashboard.server import Lines, serve
from engage.config import Settings
from engage.core.protocols import Message
from engage.core.types import Origin, SourceState, SourceStatus
from engage.core.updates import LiveUpdate


class Talk:
    """A receiver of updates that makes them up."""

    def __init__(self, home: Path) -> None:
        self._wanted = home / "say"

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        time.sleep(0.1)
        try:
            size = int(self._wanted.read_text() or 0)
        except (OSError, ValueError):
            return []
        now = datetime.now(UTC)
        return [LiveUpdate(1, now, (), (SourceStatus(Origin(1, 1, 1), SourceState.LIVE, now, "x" * size),))]

    def close(self) -> None:
        """Nothing to do."""


if __name__ == "__main__":
    home = Path(sys.argv[1])
    values = {
        "home": home,
        "web": {"port": int(sys.argv[2]), "threads": int(sys.argv[3])},
        "database": {"url": f"sqlite:///{home}/engage.db"},
    }
    serve(Settings(**values), Lines(lambda: Talk(home), lambda: None))
