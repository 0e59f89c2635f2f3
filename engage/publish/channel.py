"""Publishing through the web process of this machine: it receives the update and emits it."""

from __future__ import annotations

from engage.core.protocols import Sender
from engage.core.types import LiveUpdate


class ChannelPublisher:
    """Sends updates down a channel to the one web process."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def publish(self, update: LiveUpdate) -> None:
        """Send one update; never blocks."""
        self._sender.send(update)
