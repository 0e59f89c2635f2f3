"""Which publisher the settings ask for."""

from __future__ import annotations

from collections.abc import Callable

from engage.config import Settings
from engage.core.protocols import Publisher, Receiver, Sender
from engage.publish.channel import ChannelPublisher, NoUpdates


def build_publisher(settings: Settings, sender: Sender) -> Publisher:
    """Return the publisher for ``settings``: through the message queue where one is set, else by ``sender``.

    ``sender`` is the writing end of the channel "updates". Raises SettingsError where the queue's address is unusable.
    """
    queue = settings.socketio.message_queue
    if queue is None:
        return ChannelPublisher(sender)
    from engage.publish.message_queue import MessageQueuePublisher

    return MessageQueuePublisher(queue.get_secret_value(), settings.scoring.unknown_below)


def build_views(settings: Settings, sender: Sender) -> Sender:
    """Return what SharedViews are sent with: through the message queue where one is set, else ``sender`` itself."""
    queue = settings.socketio.message_queue
    if queue is None:
        return sender
    from engage.publish.message_queue import MessageQueueViews

    sender.close()
    return MessageQueueViews(queue.get_secret_value())


def open_updates(settings: Settings, open_channel: Callable[[], Receiver]) -> Receiver:
    """Return where a web process receives what it has to send to its pages; the queue has them sent without it."""
    return open_channel() if settings.socketio.message_queue is None else NoUpdates()
