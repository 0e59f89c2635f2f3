"""Which publisher the settings ask for."""

from __future__ import annotations

from engage.config import Settings
from engage.core.protocols import Publisher, Sender
from engage.publish.channel import ChannelPublisher


def build_publisher(settings: Settings, sender: Sender) -> Publisher:
    """Return the publisher for ``settings``: through the message queue where one is set, else by ``sender``.

    ``sender`` is the writing end of the channel "updates". Raises SettingsError where the queue's address is unusable.
    """
    queue = settings.socketio.message_queue
    if queue is None:
        return ChannelPublisher(sender)
    from engage.publish.message_queue import MessageQueuePublisher

    return MessageQueuePublisher(queue.get_secret_value(), settings.scoring.unknown_below)
