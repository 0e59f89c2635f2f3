"""The web's end of the message queue (Redis), through which the collector's updates come where one is set.

The library's own end waits longer and longer before it asks for a lost queue again, up to a minute, and says nothing to
the pages about what they missed. This one asks every second, and closes the live pages' sockets when the queue is lost:
they say that the connection is lost, try again by themselves, and catch up from the database once they are let in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from socketio import RedisManager

log = logging.getLogger("engage.dashboard.queue")

AGAIN_S = 1.0
TIMEOUT_S = 2.0
CHANNEL = "flask-socketio"
"""As Flask-SocketIO names it for those that only write."""


class Queue(RedisManager):  # type: ignore[misc] # the library publishes no types
    """Receives what is published and hands it to this process's sockets; ``on_lost`` is called when that stops."""

    def __init__(self, url: str, on_lost: Callable[[], None]) -> None:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        quick = {"socket_connect_timeout": TIMEOUT_S, "socket_keepalive": True, "retry": Retry(NoBackoff(), 0)}
        super().__init__(url, channel=CHANNEL, redis_options=quick)
        self.lost = False
        """Whether the queue was asked for and is not there."""
        self._on_lost = on_lost

    def _redis_listen_with_retries(self) -> Iterator[dict[str, Any]]:
        """Yield messages for ever; the name is the library's."""
        while True:
            try:
                self._redis_connect()
                self.pubsub.subscribe(self.channel)
                if self.lost:
                    log.warning("event=queue_back")
                self.lost = False
                yield from self.pubsub.listen()
            except Exception as error:  # whatever the queue does, it is asked for again
                if not self.lost:
                    log.warning("event=queue_lost reason=%s", error)
            if not self.lost:
                self.lost = True
                self._on_lost()
            time.sleep(AGAIN_S)
