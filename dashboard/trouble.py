"""What does not work at the moment and concerns whoever looks at a live page; each web process tells its own pages.

A page shows it in words, and once it is over asks the API for what it missed. Nothing here goes through the message
queue, which may be the very thing that is away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

from flask import Flask, current_app
from flask_socketio import SocketIO

from dashboard.services import Services
from engage.errors import StorageError

EXTENSION = "engage.trouble"
TROUBLE = "trouble"
"""The event: ``{"what": ["database", "queue"], "since": 1764320400.0}``; nothing in ``what`` means that it is over."""
DATABASE, QUEUE = "database", "queue"

ASK_EVERY_S = 1.0
LATE_S = 3.0
"""A database that has not answered for this long is away, even if its connection stands."""


class Troubles:
    """What is away, and since when; may be used by several threads."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._away: dict[str, float] = {}
        self._since: float | None = None

    def known(self) -> list[str]:
        """Return what is away now."""
        return sorted(self._away)

    def note(self, what: str, away: bool) -> None:
        """Take note that something is away, or back; the pages are told where that is new."""
        here = cast(Services, self._app.extensions["engage"])
        now = here.clock.now().timestamp()
        with self._lock:
            if away == (what in self._away):
                return
            if away:
                self._away[what] = now
                self._since = min(now, self._since or now)
            else:
                del self._away[what]
            told = {"what": self.known(), "since": self._since}
            if not self._away:
                self._since = None
        cast(SocketIO, self._app.extensions["socketio"]).emit(TROUBLE, told, ignore_queue=True)


class DatabaseWatch:
    """Asks the database every second while pages are open, in a thread of its own: it may take long to say no."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._here = cast(Services, app.extensions["engage"])
        self._asked_s: float | None = None

    def run(self, running: Callable[[], bool], wait: Callable[[float], Any]) -> None:
        """Ask while ``running()``; ``wait`` sleeps between two questions."""
        while running():
            if cast(SocketIO, self._app.extensions["socketio"]).server.eio.sockets:
                self._asked_s = self._here.clock.monotonic()
                troubles(self._app).note(DATABASE, not self._answers())
                self._asked_s = None
            wait(ASK_EVERY_S)

    def look(self) -> None:
        """Take note of an answer that is late; called again and again by another thread."""
        asked_s = self._asked_s
        if asked_s is not None and self._here.clock.monotonic() - asked_s > LATE_S:
            troubles(self._app).note(DATABASE, True)

    def _answers(self) -> bool:
        try:
            self._here.database.ask()
        except StorageError:
            return False
        return True


def attach(app: Flask, rooms: Any) -> None:
    """Give the application its troubles, with those of the message queue behind ``rooms``."""
    found = app.extensions[EXTENSION] = Troubles(app)
    rooms.standing = lambda up: found.note(QUEUE, not up)


def troubles(app: Flask | None = None) -> Troubles:
    """Return the troubles of ``app``, or of the application at work."""
    return cast(Troubles, (app or current_app).extensions[EXTENSION])
