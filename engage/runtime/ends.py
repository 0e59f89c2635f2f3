"""The two ends of a channel on ZeroMQ; ``engage.runtime.channels`` makes them."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable

import zmq

from engage.core.protocols import Message
from engage.errors import ChannelError

FLUSH_S = 1.0
POLL_MS = 50

Connect = Callable[[zmq.SyncSocket | None], zmq.SyncSocket]
"""Given the socket in use, if any, returns one connected to where the receiver is now; called before each use."""

logger = logging.getLogger(__name__)


class PushSender:
    """The writing end of a channel; may be used by several threads.

    ``send`` hands over to ZeroMQ directly where it takes the message, else queues it; then a thread empties the queue,
    and while it runs only it touches the socket. Beyond ``limit`` the oldest message is dropped and counted; a limit of
    one keeps the newest message alone, and what it replaces is no loss.
    """

    def __init__(self, channel: str, encode: Callable[[Message], bytes], connect: Connect, limit: int) -> None:
        self.channel = channel
        self.dropped = 0
        self.sent = 0
        self._encode = encode
        self._connect = connect
        self._limit = limit
        self.reset()

    def reset(self) -> None:
        """Start afresh with a socket of this process, as after a fork."""
        self._lock = threading.Lock()
        self._queue: deque[bytes] = deque()
        self._thread: threading.Thread | None = None
        self._flush_until_s: float | None = None
        self._socket: zmq.SyncSocket | None = None

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more and nothing is left to flush."""
        return self._flush_until_s is not None and self._thread is None

    def send(self, message: Message) -> None:
        """Hand over one message and return at once. Raises ChannelError if it is no record of a channel."""
        data = self._encode(message)
        with self._lock:
            if self._flush_until_s is not None:
                self.dropped += 1
                return
            if self._thread is None and self._hand_over(data):
                return
            if len(self._queue) >= self._limit:
                self._queue.popleft()
                self.dropped += self._limit > 1
            self._queue.append(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._drain, name=f"send-{self.channel}", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Flush for at most a second and let go; what is left then is dropped and counted."""
        thread = self.begin_close()
        if thread is not None:
            thread.join(FLUSH_S + 2 * POLL_MS / 1000)

    def begin_close(self) -> threading.Thread | None:
        """Take no more messages; return the thread that still flushes, if any."""
        with self._lock:
            if self._flush_until_s is None:
                self._flush_until_s = time.monotonic() + FLUSH_S
            if self._thread is None:
                self._let_go()
            return self._thread

    def _hand_over(self, data: bytes) -> bool:
        """Give ``data`` to ZeroMQ; return whether it is off the sender's hands."""
        try:
            self._socket = self._connect(self._socket)
            self._socket.send(data, zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if not self.dropped:
                logger.warning("cannot send channel=%s reason=%s (the next are only counted)", self.channel, error)
            self.dropped += 1
            return True
        self.sent += 1
        return True

    def _drain(self) -> None:
        while not self._drained():
            with contextlib.suppress(zmq.ZMQError):
                if self._socket is not None:
                    self._socket.poll(POLL_MS, zmq.POLLOUT)

    def _drained(self) -> bool:
        """Hand over what ZeroMQ takes; return whether the thread's work is over, and if so let go of its part."""
        with self._lock:
            while self._queue and self._hand_over(self._queue[0]):
                self._queue.popleft()
            late = self._flush_until_s is not None and time.monotonic() > self._flush_until_s
            if self._queue and not late:
                return False
            self._thread = None
            if self._flush_until_s is not None:
                self._let_go()
            return True

    def _let_go(self) -> None:
        self.dropped += len(self._queue)
        self._queue.clear()
        if self._socket is not None:
            left_s = max(0.0, (self._flush_until_s or 0.0) - time.monotonic())
            self._socket.close(linger=int(left_s * 1000))
            self._socket = None


class PullReceiver:
    """The reading end of a channel, for one thread. ``undecoded`` counts messages that were dropped as unreadable."""

    def __init__(
        self, channel: str, decode: Callable[[bytes], Message], socket: zmq.SyncSocket, let_go: Callable[[], None]
    ) -> None:
        self.channel = channel
        self.undecoded = 0
        self._let_go = let_go
        self._decode = decode
        self._socket = socket

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        """Return the messages at hand, waiting up to ``timeout_s`` for the first. Raises ChannelError once closed."""
        messages: list[Message] = []
        try:
            if not self._socket.poll(max(0, math.ceil(timeout_s * 1000)), zmq.POLLIN):
                return messages
            for _ in range(limit):
                self._take(self._socket.recv(zmq.NOBLOCK), messages)
        except zmq.Again:
            pass
        except zmq.ZMQError as error:
            self.close()
            raise ChannelError(f"The channel {self.channel} is closed ({error}).") from None
        return messages

    def close(self) -> None:
        """Let go of the channel."""
        self._let_go()
        self._socket.close(linger=0)

    def _take(self, data: bytes, messages: list[Message]) -> None:
        try:
            messages.append(self._decode(data))
        except ChannelError as error:
            self.undecoded += 1
            if self.undecoded == 1:
                logger.warning(
                    "unreadable message channel=%s reason=%s (the next are only counted)", self.channel, error
                )
