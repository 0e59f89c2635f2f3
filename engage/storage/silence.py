"""What is known of a database's server that ceased to answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

RESTS_S = 1.0
"""So long nobody asks a server that did not answer; then one does, for all."""


class Silence:
    """Remembers that a server did not answer, so that not everybody waits for it; used by several threads."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._asking = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Yield whether to ask now. Leaving the block means that there was some answer, unless ``begin`` follows."""
        last_s = self._last_s
        if last_s is None:
            yield True
        elif time.monotonic() - last_s < RESTS_S or not self._asking.acquire(blocking=False):
            yield False
        else:
            try:
                yield True
            finally:
                self._last_s = None
                self._asking.release()

    def begin(self) -> None:
        """Take note that the server did not answer."""
        self._last_s = time.monotonic()
