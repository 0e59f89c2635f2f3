"""Questions to the worker that looks at pictures: a few at a time, each with a time limit; nothing is decoded here."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from engage.core.clock import SystemClock
from engage.core.looks import DrawnMoment, LookAnswer, LookRequest
from engage.core.protocols import Receiver, Sender
from engage.core.types import Mode
from engage.errors import EngageError

EXTENSION = "engage.looks"

AT_ONCE = 4
"""Questions of one web process under way; whoever comes then is told to wait. Each holds a thread of the server."""
PATIENCE_S = 10.0
"""Loading the network at the first try takes the longest."""
RECEIVE_S = 0.5

log = logging.getLogger("engage.dashboard.looks")

OpenLooks = Callable[[str], tuple[Sender, Receiver]]
"""Opens the way to the worker, and the channel of this name for its answers."""


class Busy(EngageError):
    """A picture could not be looked at now; trying again may help."""


@dataclass(frozen=True, slots=True)
class _Ends:
    name: str
    sender: Sender
    receiver: Receiver


class LookDesk:
    """Takes questions from the threads of requests and brings each its answer."""

    def __init__(self, patience_s: float = PATIENCE_S, at_once: int = AT_ONCE) -> None:
        self._patience_s = patience_s
        self._places = threading.BoundedSemaphore(at_once)
        self._open: dict[str, Future[LookAnswer]] = {}
        self._clock = SystemClock()
        self._ends: _Ends | None = None

    def connect(self, open_looks: OpenLooks) -> None:
        """Open the way to the worker."""
        name = f"answers.{secrets.token_hex(8)}"
        self._ends = _Ends(name, *open_looks(name))

    def listen(self, running: Callable[[], bool]) -> None:
        """Hand answers to those who wait, while ``running()``; one thread of the server does this."""
        if self._ends is None:
            return
        receiver = self._ends.receiver
        try:
            while running():
                for message in receiver.receive(RECEIVE_S):
                    waiting = self._open.pop(message.id, None) if isinstance(message, LookAnswer) else None
                    if waiting is not None:
                        waiting.set_result(cast(LookAnswer, message))
        finally:
            receiver.close()

    def get_ready(self) -> None:
        """Have the network loaded: somebody is about to ask."""
        if self._ends is not None:
            self._ends.sender.send(LookRequest("", self._ends.name, Mode.PRESENCE, 0.0))

    def ask(self, mode: Mode, picture: bytes = b"", drawn: DrawnMoment | None = None) -> LookAnswer:
        """Return what a picture shows. Raises Busy, with one line, where nobody can look at it now."""
        ends = self._ends
        if ends is None:
            raise Busy("Nothing here looks at pictures; start the program with 'engage serve'.")
        if not self._places.acquire(blocking=False):
            raise Busy("Others are trying this right now; wait a moment, then try again.")
        question, waiting = secrets.token_hex(8), Future[LookAnswer]()
        self._open[question] = waiting
        try:
            until_s = self._clock.monotonic() + self._patience_s
            ends.sender.send(LookRequest(question, ends.name, mode, until_s, picture, drawn))
            return waiting.result(self._patience_s)
        except TimeoutError:
            log.warning("event=look_late bytes=%d", len(picture))
            raise Busy(
                f"No answer came within {self._patience_s:.0f} seconds: the machine is busy. Try again."
            ) from None
        finally:
            self._open.pop(question, None)
            self._places.release()


def attach(app: Flask) -> None:
    """Give the application its desk."""
    app.extensions[EXTENSION] = LookDesk()


def look_desk(app: Flask | None = None) -> LookDesk:
    """Return the desk of ``app``, else of the application at work."""
    return cast(LookDesk, (app or current_app).extensions[EXTENSION])
