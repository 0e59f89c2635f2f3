"""The message queue (Redis) between processes: its address, and the rooms of pages that several web processes share.

Events for pages go through it and nothing else, above all no picture: frames have channels of their own.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from socketio import RedisManager

from engage.errors import ChannelError, SettingsError

CHANNEL = "flask-socketio"
TIMEOUT_S = 2.0
"""How long Redis may take to connect or to answer."""
RETRY_S = 0.5
ASK_S = 1.0
SILENT_S = 3.0
"""A Redis that has not answered for this long is away, even if its connection stands."""
OWED_LIMIT = 1000
OWED_FOR_S = 10.0
"""What others must be told is told once a second for this long after the queue is back: they come back to it later."""

logger = logging.getLogger(__name__)

Heard = Callable[[str, Any], None]
"""Called with the event and its data that another process sent."""
Standing = Callable[[bool], None]
"""Called with False when the queue is lost, and with True when it is back."""


def checked(url: str) -> str:
    """Return the queue's address. Raises SettingsError where it is no Redis, or its client is not installed."""
    if urlsplit(url).scheme not in ("redis", "rediss"):
        raise SettingsError(
            "Setting 'socketio.message_queue' must be an address that begins with redis:// or rediss://."
        )
    if find_spec("redis") is None:
        raise SettingsError("Setting 'socketio.message_queue' needs the Redis client: pip install 'engage[redis]'.")
    return url


class QueueRooms(RedisManager):  # type: ignore[misc] # python-socketio publishes no types
    """The rooms of all web processes, over the queue; ``write_only`` for workers, which have no pages of their own.

    Beside the library's own manager: it comes back within a second of Redis, notices one that hangs, says so, and
    closes the sockets of a room wherever they are. Where it is ``write_only``, an event that cannot be sent raises
    ChannelError; in a web process its own pages have it then, and others learn by ``standing`` that they missed some.
    """

    def __init__(self, url: str, write_only: bool = False) -> None:
        super().__init__(checked(url), channel=CHANNEL, write_only=write_only)
        self.heard: Heard = lambda event, data: None
        self.standing: Standing = lambda up: None
        self._up = True
        self._not_before_s = 0.0
        self._client: Any = None
        self._lock = threading.Lock()
        self._owed: deque[dict[str, Any]] = deque(maxlen=OWED_LIMIT)
        self._back_s = self._told_s = 0.0

    def disconnect_room(self, room: str, namespace: str = "/") -> None:
        """Close the sockets of ``room`` in every web process; in the others once the queue is back, if it is away."""
        message = {"method": "disconnect_room", "room": room, "namespace": namespace, "host_id": self.host_id}
        disconnect(self, room, namespace)
        if not self._published(message):
            self._owed.append(message)

    def _publish(self, data: dict[str, Any]) -> None:
        if not self._published(data) and self.write_only:
            raise ChannelError("The message queue cannot be reached.")

    def _published(self, data: dict[str, Any]) -> bool:
        if time.monotonic() < self._not_before_s:
            return False
        try:
            self._redis().publish(self.channel, json.dumps(data))
        except _errors() as error:
            self._not_before_s = time.monotonic() + RETRY_S
            logger.log(logging.WARNING if self._up else logging.DEBUG, "event=not_published reason=%s", error)
            return False
        return True

    def _redis(self) -> Any:
        """Return this process's client; connections are made when they are needed."""
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        with self._lock:
            if self._client is None:
                self._client = redis.Redis.from_url(
                    self.redis_url,
                    socket_timeout=TIMEOUT_S,
                    socket_connect_timeout=TIMEOUT_S,
                    retry=Retry(NoBackoff(), 1),  # once more at once: a connection kept from before is gone
                )
            return self._client

    def _listen(self) -> Iterator[dict[str, Any]]:
        """Yield what other processes send, for ever."""
        while True:
            try:
                for message in self._subscribed():
                    if message.get("method") != "disconnect_room":
                        yield message
                    elif message.get("host_id") != self.host_id:
                        disconnect(self, message["room"], message["namespace"])
            except _errors() as error:
                self._stand(False, str(error))
            time.sleep(RETRY_S)

    def _subscribed(self) -> Iterator[dict[str, Any]]:
        """Yield messages until the connection fails, or is silent for too long."""
        with self._redis().pubsub() as subscription:
            subscription.subscribe(self.channel)
            heard_s, subscribed = time.monotonic(), False
            while True:
                self._tell_owed()
                message = subscription.get_message(timeout=ASK_S)
                if message is None:
                    if time.monotonic() - heard_s > SILENT_S:
                        raise TimeoutError(f"no answer for {SILENT_S:.0f} s")
                    subscription.ping()
                    continue
                heard_s = time.monotonic()
                if message["type"] == "subscribe":
                    if subscribed:  # the client has connected anew by itself
                        self._stand(False, "the connection broke")
                    subscribed = True
                    self._stand(True)
                if message["type"] == "message" and (known := _read(message["data"])):
                    yield known

    def _stand(self, up: bool, reason: str = "") -> None:
        if up == self._up:
            return
        self._up = up
        if up:
            self._back_s = time.monotonic()
            logger.info("event=queue_back")
        else:
            logger.warning("event=queue_lost reason=%s", reason)
        self.standing(up)

    def _tell_owed(self) -> None:
        now_s = time.monotonic()
        if not self._owed or not self._up or now_s - self._told_s < ASK_S:
            return
        self._told_s = now_s
        for message in list(self._owed):
            if not self._published(message):
                return
        if now_s - self._back_s > OWED_FOR_S:
            self._owed.clear()

    def _handle_emit(self, message: dict[str, Any]) -> None:
        super()._handle_emit(message)
        if message.get("host_id") != self.host_id:
            data = message["data"]
            self.heard(message["event"], data[0] if isinstance(data, list) and len(data) == 1 else data)


def disconnect(rooms: Any, room: str, namespace: str) -> None:
    """Close this process's sockets of ``room``; ``rooms`` is a manager of python-socketio."""
    for sid, _ in list(rooms.get_participants(namespace, room)):
        rooms.server.disconnect(sid, namespace=namespace, ignore_queue=True)


def _read(data: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(data)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _errors() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError)
