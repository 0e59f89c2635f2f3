"""Where requests wait until they are there as a whole, so that a slow client takes up no thread of the server.

A thread of the server begins with a request when its head has arrived and, where it is small, its body. Half a request
costs its bytes and a file handle, and is dropped after ``ARRIVES_WITHIN_S``; where there are too many, the oldest goes.
"""

from __future__ import annotations

import re
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

ARRIVES_WITHIN_S = 15.0
"""For the head and a small body; also how long a connection may be kept open without a request."""
LARGEST_HEAD = 64 * 1024
"""Past this the server's own parser refuses it."""
WAITED_FOR = 256 * 1024
"""A larger body is read by the thread that takes it: only pictures and files of signed-in people are larger."""
MOST_WAITING = 512
TURN_S = 1.0
AT_ONCE = 64 * 1024

_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_NOT_WAITED_FOR = re.compile(rb"^(expect|transfer-encoding):", re.IGNORECASE | re.MULTILINE)


class Connection(Protocol):
    """What is needed of the server's record of a connection."""

    sock: socket.socket


@dataclass(slots=True)
class _Waiting:
    connection: Any
    due_s: float
    data: bytearray = field(default_factory=bytearray)


def whole(data: bytes | bytearray) -> bool:
    """Return whether a thread may begin with what has arrived."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return len(data) > LARGEST_HEAD
    head = bytes(data[: end + 2])
    length = _LENGTH.search(head)
    if length is None or _NOT_WAITED_FOR.search(head) or int(length[1]) > WAITED_FOR:
        return True
    return len(data) >= end + 4 + int(length[1])


class WaitingRoom:
    """Reads from connections until ``whole``, in a thread of its own, then calls ``ready(connection, data)``.

    Of one that came to nothing it calls ``gone(connection)``; closing it is up to the caller.
    """

    def __init__(self, ready: Callable[[Any, bytes], None], gone: Callable[[Any], None]) -> None:
        self._ready = ready
        self._gone = gone
        self._selector = selectors.DefaultSelector()
        self._waiting: dict[int, _Waiting] = {}
        self._new: list[_Waiting] = []
        self._lock = threading.Lock()
        self._over = False
        self._bell, self._ring = socket.socketpair()
        for end in (self._bell, self._ring):
            end.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="waiting-room", daemon=True)
        self._thread.start()

    def take(self, connection: Connection, data: bytes = b"") -> None:
        """Let a connection wait; ``data`` has been read from it already. Returns at once."""
        connection.sock.setblocking(False)
        with self._lock:
            self._new.append(_Waiting(connection, time.monotonic() + ARRIVES_WITHIN_S, bytearray(data)))
        with suppress(OSError):
            self._ring.send(b".")

    def close(self) -> None:
        """Let go of all that wait."""
        self._over = True
        with suppress(OSError):
            self._ring.send(b".")
        self._thread.join(2 * TURN_S)

    def _run(self) -> None:
        while not self._over:
            for key, _ in self._selector.select(TURN_S):
                if key.fileobj is self._bell:
                    with suppress(OSError):
                        self._bell.recv(AT_ONCE)
                else:
                    self._read(key.fd)
            self._take_new()
            self._drop_late()
        for fd in list(self._waiting):
            self._leave(fd, gone=True)
        self._selector.close()
        self._bell.close()
        self._ring.close()

    def _take_new(self) -> None:
        with self._lock:
            new, self._new = self._new, []
        for waiting in new:
            fd = waiting.connection.sock.fileno()
            if fd < 0:
                self._gone(waiting.connection)
                continue
            self._waiting[fd] = waiting
            self._selector.register(fd, selectors.EVENT_READ)
            if waiting.data and whole(waiting.data):
                self._leave(fd)

    def _read(self, fd: int) -> None:
        waiting = self._waiting[fd]
        try:
            data = waiting.connection.sock.recv(AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        waiting.data += data
        if not data:
            self._leave(fd, gone=True)
        elif whole(waiting.data):
            self._leave(fd)

    def _drop_late(self) -> None:
        now_s = time.monotonic()
        late = [fd for fd, waiting in self._waiting.items() if waiting.due_s < now_s]
        crowd = list(self._waiting)[: max(0, len(self._waiting) - MOST_WAITING)]  # the oldest: they came first
        for fd in {*late, *crowd}:
            self._leave(fd, gone=True)

    def _leave(self, fd: int, gone: bool = False) -> None:
        waiting = self._waiting.pop(fd)
        self._selector.unregister(fd)
        with suppress(OSError, ValueError):  # the server is stopping
            if gone:
                self._gone(waiting.connection)
            else:
                self._ready(waiting.connection, bytes(waiting.data))
