"""Publishing to any number of web processes through Flask-SocketIO's message queue (Redis)."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from flask_socketio import SocketIO

from engage.core.live import EVENT, JOINERS, MISSED, OWN_EVENT, own_payloads, room, update_payload
from engage.core.shared import SHARED_EVENT, SharedView, shared_room, view_payload
from engage.core.updates import LiveUpdate
from engage.errors import ChannelError
from engage.message_queue import RETRY_S, QueueRooms

QUEUE_LIMIT = 256

Item = TypeVar("Item")

logger = logging.getLogger(__name__)


class _Outbox(Generic[Item]):
    """Items on their way to the queue. Talking to it can take seconds while it is away, so a thread does it.

    Beyond 256 waiting items the oldest is dropped and counted, as is one that cannot be sent; ``lost`` gets each.
    ``sent`` is called after every item that went through, with nothing to be said twice.
    """

    def __init__(self, send: Callable[[Item], None], lost: Callable[[Item], None], sent: Callable[[], None]) -> None:
        self.dropped = 0
        self._send, self._lost, self._sent = send, lost, sent
        self._waiting: deque[Item] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, item: Item) -> None:
        """Hand over one item; never blocks."""
        with self._changed:
            if len(self._waiting) >= QUEUE_LIMIT:
                self._drop(self._waiting.popleft())
            self._waiting.append(item)
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_all, name="publish", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _drop(self, item: Item) -> None:
        self.dropped += 1
        self._lost(item)

    def _send_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                item = self._waiting.popleft()
            try:
                self._send(item)
                self._sent()
            except ChannelError:
                with self._changed:
                    self._drop(item)
                time.sleep(RETRY_S)
            except Exception:
                logger.exception("not published")


class MessageQueuePublisher:
    """Emits updates to the pages in the session's room, whichever web process they are connected to.

    What could not be sent while the queue was away is told to the session's pages when it is back, so that they ask the
    database for it.
    """

    def __init__(self, url: str, unknown_below: float) -> None:
        self._socketio = write_only(url)
        self._unknown_below = unknown_below
        self._missed: dict[int, float] = {}
        self._outbox = _Outbox(self._emit, self._miss, self._tell_missed)

    @property
    def dropped(self) -> int:
        """Return how many updates were not sent so far."""
        return self._outbox.dropped

    def publish(self, update: LiveUpdate) -> None:
        """Hand over one update; never blocks, and never raises because the queue is away."""
        self._outbox.put(update)

    def _emit(self, update: LiveUpdate) -> None:
        payload = update_payload(update, self._unknown_below)
        self._socketio.emit(EVENT, payload, to=room(update.session_id))
        for place, own in own_payloads(update, self._unknown_below):
            self._socketio.emit(OWN_EVENT, own, to=place, namespace=JOINERS)

    def _miss(self, update: LiveUpdate) -> None:
        first = min([scored.sample.captured_at for scored in update.samples], default=update.committed_at)
        known = self._missed.get(update.session_id, float("inf"))
        self._missed[update.session_id] = min(known, first.timestamp())

    def _tell_missed(self) -> None:
        for session_id in list(self._missed):
            since = self._missed.pop(session_id)
            try:
                self._socketio.emit(MISSED, {"session": session_id, "since": since}, to=room(session_id))
            except ChannelError:
                self._missed[session_id] = min(since, self._missed.get(session_id, since))
                raise


class MessageQueueViews:
    """A Sender of SharedViews that shows them to the pages of every web process; lost ones are not made up for."""

    def __init__(self, url: str) -> None:
        self._socketio = write_only(url)
        self._outbox = _Outbox(self._emit, lambda view: None, lambda: None)

    @property
    def dropped(self) -> int:
        """Return how many views were not sent so far."""
        return self._outbox.dropped

    def send(self, message: object) -> None:
        """Hand over one view; never blocks."""
        if isinstance(message, SharedView):
            self._outbox.put(message)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of that ends before the process."""

    def _emit(self, view: SharedView) -> None:
        self._socketio.emit(SHARED_EVENT, view_payload(view), to=shared_room(view.session_id))


def write_only(url: str) -> SocketIO:
    """Return a SocketIO that emits through the queue and has no pages. SettingsError where the address is unusable."""
    return SocketIO(message_queue=url, client_manager=QueueRooms(url, write_only=True))
