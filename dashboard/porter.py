"""Sees to it that no browser's socket holds a thread of the server for nothing.

The library keeps a thread per socket. It keeps it also for a client that opened a socket and never said what for (which
takes no account), and for one that ceased to read: it takes such a client for gone after its missed ping, but waits for
the operating system to send what the client will never read. Both lines are cut here.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

log = logging.getLogger("engage.dashboard.porter")

SAYS_WITHIN_S = 10.0
"""In this time a new socket has to be let in somewhere."""
GOES_WITHIN_S = 3.0
"""Time for a closed socket's last words."""
ROUND_S = 1.0


@dataclass(slots=True)
class _Line:
    socket: socket.socket | None
    """None where it is no WebSocket: polling holds no thread."""
    due_s: float
    closed: bool = False


class Porter:
    """Watches the sockets of one Socket.IO server; a thread of its own begins with the first."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connect, self._disconnect = (server.eio.handlers[name] for name in ("connect", "disconnect"))
        server.eio.on("connect", self._on_connect)
        server.eio.on("disconnect", self._on_disconnect)

    def _on_connect(self, sid: str, environ: dict[str, Any]) -> Any:
        line = _Line(environ.get("gunicorn.socket") if "HTTP_UPGRADE" in environ else None, _in(SAYS_WITHIN_S))
        with self._lock:
            self._lines[sid] = line
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="porter", daemon=True)
                self._thread.start()
        return self._connect(sid, environ)

    def _on_disconnect(self, sid: str, *reason: Any) -> Any:
        with self._lock:
            line = self._lines.get(sid)
            if line is not None:
                line.closed, line.due_s = True, _in(GOES_WITHIN_S)
        return self._disconnect(sid, *reason)

    def _run(self) -> None:
        while True:
            time.sleep(ROUND_S)
            now_s = time.monotonic()
            with self._lock:
                due = [(sid, line) for sid, line in self._lines.items() if line.due_s < now_s]
                for sid, _ in due:
                    del self._lines[sid]
            for sid, line in due:
                if line.closed:
                    _cut(line.socket)
                else:
                    self._look(sid, line)

    def _look(self, sid: str, line: _Line) -> None:
        """Leave a socket that was let in alone until it is closed; close another."""
        with self._lock:
            self._lines[sid] = line
            line.due_s = float("inf")
        if not any(each == sid for each in self._let_in()):
            log.info("event=socket_said_nothing")
            with suppress(KeyError):
                self._server.eio.disconnect(sid)

    def _let_in(self) -> list[str]:
        """Return the transport ids of all that were let into a namespace."""
        rooms = self._server.manager.rooms
        return [eio_sid for names in list(rooms.values()) for eio_sid in list(names.get(None, {}).values())]


def _in(seconds: float) -> float:
    return time.monotonic() + seconds


def _cut(line: socket.socket | None) -> None:
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
