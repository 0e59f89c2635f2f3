"""Publishing through the web process of this machine: it receives the update and emits it."""

from __future__ import annotations

import time

from engage.core.protocols import Message, Sender
from engage.core.updates import LiveUpdate


class ChannelPublisher:
    """Sends updates down a channel to the one web process."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def publish(self, update: LiveUpdate) -> None:
        """Send one update; never blocks."""
        self._sender.send(update)


class NoUpdates:
    """The end of a channel that nobody writes to: where the message queue brings the pages their updates."""

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        """Return nothing, after ``timeout_s``."""
        time.sleep(timeout_s)
        return []

    def close(self) -> None:
        """Do nothing."""
