"""Network cameras for faults, each on its own port, that can be stopped, frozen and broken; here by HTTP."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from enum import StrEnum

import cv2

from engage.capture.virtual.source import VirtualSource
from engage.runtime.addresses import free_port

FPS = 5.0
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


class Doing(StrEnum):
    """What a camera does."""

    SENDING = "sending"
    FROZEN = "frozen"
    """It holds its connections and takes new ones, and says nothing."""
    CORRUPT = "corrupt"
    """Its pictures are noise behind a JPEG's first bytes, cut off in the middle, or of no length."""
    STOPPED = "stopped"
    """Its server is gone."""


class Camera:
    """One camera with one drawn student before it."""

    scheme = "http"

    def __init__(self, seed: int, fps: float = FPS) -> None:
        self.fps = fps
        self.port = free_port()
        self.address = f"{self.scheme}://127.0.0.1:{self.port}/live.mjpg"
        self.doing = Doing.STOPPED
        self._pictures = drawn(seed)
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._over = threading.Event()
        self.do(Doing.SENDING)

    def do(self, doing: Doing) -> None:
        """Begin to do something else; stopping closes the server and all its connections."""
        before, self.doing = self.doing, doing
        if doing is Doing.STOPPED and self._listener is not None:
            for each in (self._listener, *self._open):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._listener, self._open = None, []
        elif before is Doing.STOPPED and doing is not Doing.STOPPED:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self.do(Doing.STOPPED)

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._send, args=(connection,), daemon=True).start()

    def _send(self, connection: socket.socket) -> None:
        number = 0
        with suppress(OSError), connection:
            connection.recv(4096)
            said_head = False
            while not self._over.wait(1 / self.fps):
                if self.doing is Doing.STOPPED:
                    return
                if self.doing is Doing.FROZEN:
                    continue
                number += 1
                body = self._broken(number) if self.doing is Doing.CORRUPT else self._picture(number)
                part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body)
                connection.sendall((b"" if said_head else HEAD) + part + body + b"\r\n")
                said_head = True

    def _picture(self, number: int) -> bytes:
        return self._pictures[number % len(self._pictures)]

    def _broken(self, number: int) -> bytes:
        whole = self._picture(number)
        return (whole[:20] + os.urandom(4000), whole[: len(whole) // 2], b"", os.urandom(200))[number % 4]


def drawn(seed: int, count: int = 10) -> list[bytes]:
    """Return JPEGs of a drawn student."""
    source = VirtualSource(f"virtual:{seed}?script=attentive&fps=5&realtime=0")
    source.open()
    pictures = []
    for _ in range(count):
        frame = source.read(1.0)
        assert frame is not None
        pictures.append(cv2.imencode(".jpg", frame.image)[1].tobytes())
    return pictures


def stand_still(seconds: float) -> None:
    """Let a fault last: what it does is done by other processes, and there is no event to wait for."""
    time.sleep(seconds)
