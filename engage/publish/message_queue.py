"""Publishing to any number of web processes through Flask-SocketIO's message queue (Redis)."""

from __future__ import annotations

import logging
import threading
from collections import deque
from importlib.util import find_spec
from urllib.parse import urlsplit, urlunsplit

from flask_socketio import SocketIO

from engage.core.live import EVENT, JOINERS, OWN_EVENT, own_payloads, room, update_payload
from engage.core.types import LiveUpdate
from engage.errors import SettingsError

QUEUE_LIMIT = 256
TIMEOUT_S = 2

logger = logging.getLogger(__name__)


class MessageQueuePublisher:
    """Emits updates to the pages in the session's room, whichever web process they are connected to.

    Talking to the queue can take seconds while it is away, so a thread does it; beyond 256 waiting updates the oldest
    is dropped and counted. Pages that missed some catch up from the database.
    """

    def __init__(self, url: str, unknown_below: float) -> None:
        self.dropped = 0
        self._socketio = _write_only(url)
        self._unknown_below = unknown_below
        self._waiting: deque[LiveUpdate] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def publish(self, update: LiveUpdate) -> None:
        """Hand over one update; never blocks, and never raises because the queue is away."""
        with self._changed:
            if len(self._waiting) >= QUEUE_LIMIT:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(update)
            if self._thread is None:
                self._thread = threading.Thread(target=self._emit_all, name="publish", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _emit_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                update = self._waiting.popleft()
            try:
                payload = update_payload(update, self._unknown_below)
                self._socketio.emit(EVENT, payload, to=room(update.session_id))
                for place, own in own_payloads(update, self._unknown_below):
                    self._socketio.emit(OWN_EVENT, own, to=place, namespace=JOINERS)
            except Exception:
                logger.exception("update not published session=%s", update.session_id)


def _write_only(url: str) -> SocketIO:
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss"):
        raise SettingsError(
            "Setting 'socketio.message_queue' must be an address that begins with redis:// or rediss://."
        )
    if find_spec("redis") is None:
        raise SettingsError("Setting 'socketio.message_queue' needs the Redis client: pip install 'engage[redis]'.")
    limits = f"socket_timeout={TIMEOUT_S}&socket_connect_timeout={TIMEOUT_S}"
    return SocketIO(message_queue=urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, limits))))))
