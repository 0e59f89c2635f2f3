"""A line between a page and the server that can be cut and made slow."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

CHUNK = 1024


class Line:
    """A TCP proxy before ``port``; ``bytes_per_s`` bounds what comes back from the server, None does not."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.bytes_per_s: float | None = None
        self.passed = 0
        self._cut = False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """Drop all connections, and let none through any more."""
        self._cut = True
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        self._cut = False

    def close(self) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._cut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._port))
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # or the kernel would take it all in
                self._open += [near, far]
                for ends in ((near, far, False), (far, near, True)):
                    self._threads.append(threading.Thread(target=self._pass, args=ends, daemon=True))
                    self._threads[-1].start()

    def _pass(self, source: socket.socket, sink: socket.socket, back: bool) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                if back and self.bytes_per_s is not None:
                    time.sleep(len(data) / self.bytes_per_s)
                sink.sendall(data)
                self.passed += len(data) if back else 0
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
