"""What several web processes have in common, by the message queue where one is set: rooms of pages, and counted tries.

Without a queue there is one web process, and all of it lies in its memory.
"""

from __future__ import annotations

from typing import Any

import socketio

from engage.config import Settings
from engage.message_queue import TIMEOUT_S, QueueRooms, checked, disconnect

Rooms = Any
"""A manager of python-socketio with ``disconnect_room``, ``heard`` and ``standing`` (see ``QueueRooms``)."""


class OwnRooms(socketio.Manager):  # type: ignore[misc] # python-socketio publishes no types
    """The rooms of the one web process, with what ``QueueRooms`` offers beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = self.standing = lambda *_: None

    def disconnect_room(self, room: str, namespace: str = "/") -> None:
        """Close the sockets of ``room``."""
        disconnect(self, room, namespace)


def open_rooms(settings: Settings) -> Rooms:
    """Return the rooms of live pages. Raises SettingsError where the queue's address is unusable."""
    queue = settings.socketio.message_queue
    return OwnRooms() if queue is None else QueueRooms(queue.get_secret_value())


def counted_tries(settings: Settings) -> dict[str, Any]:
    """Return where Flask-Limiter counts; while the queue is away each process counts for itself."""
    queue = settings.socketio.message_queue
    if queue is None:
        return {"storage_uri": "memory://"}
    return {
        "storage_uri": checked(queue.get_secret_value()),
        "storage_options": {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S},
        "in_memory_fallback_enabled": True,
        "key_prefix": "engage",
    }
