"""Named channels between processes, on ZeroMQ: many senders push, one receiver pulls.

The receiver binds and the senders connect, so either end may start first, and a receiver that was killed is found again
by its senders at the same address. Nothing here waits for the other end without a limit.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

import zmq

from engage.core.protocols import Message, Receiver, Sender
from engage.errors import ChannelError
from engage.runtime.addresses import AddressBook
from engage.runtime.encoding import Codec

CROPS, SIGNALS, UPDATES, HEARTBEATS = "crops", "signals", "updates", "heartbeats"

LIMITS = {"crops": 64, "signals": 8192, "heartbeats": 16, "assignments": 16, "hints": 64}
"""Messages a sender keeps, per kind of channel: crops are too old after seconds, signals outlast a restart."""
DEFAULT_LIMIT = 256

HIGH_WATER = 64
"""Messages that ZeroMQ may hold at each end behind a sender's own queue."""
FLUSH_S = 1.0
RECONNECT_MS = 50
POLL_MS = 50
LARGEST_MESSAGE = 16 * 2**20
MAX_SOCKETS = 8192

logger = logging.getLogger(__name__)


def assignments(group: str) -> str:
    """Return the name of the channel that tells a capture group which workers to run."""
    return f"assignments.{group}"


class ChannelHub(Protocol):
    """Hands out the ends of channels to one process; every launcher brings its own."""

    def sender(self, channel: str) -> Sender:
        """Return a new writing end of ``channel``."""

    def receiver(self, channel: str) -> Receiver:
        """Return the reading end of ``channel``; a channel has one, and a new one takes over."""

    def close(self) -> None:
        """Flush and close all ends, within about a second."""


class PushSender:
    """The writing end of a channel; may be used by several threads.

    ``send`` hands over to ZeroMQ directly where it takes the message, else queues it; then a thread empties the queue,
    and while it runs only it touches the socket. Beyond ``limit`` the oldest message is dropped and counted.
    """

    def __init__(
        self, channel: str, encode: Callable[[Message], bytes], connect: Callable[[], zmq.SyncSocket], limit: int
    ) -> None:
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
                self.dropped += 1
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
            if self._socket is None:
                self._socket = self._connect()
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
            self._socket.close()
            self._socket = None


class PullReceiver:
    """The reading end of a channel, for one thread. ``undecoded`` counts messages that were dropped as unreadable."""

    def __init__(self, channel: str, decode: Callable[[bytes], Message], socket: zmq.SyncSocket) -> None:
        self.channel = channel
        self.undecoded = 0
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


class Channels:
    """The channels of one process. After a fork, the child's senders connect anew by themselves."""

    def __init__(self, addresses: AddressBook) -> None:
        self._addresses = addresses
        self._codec = Codec()
        self._lock = threading.Lock()
        self._context: zmq.SyncContext | None = None
        self._closed = False
        self._senders: list[PushSender] = []
        self._receivers: weakref.WeakSet[PullReceiver] = weakref.WeakSet()
        self._past: Counter[str] = Counter()
        _reset_after_fork(self)

    def sender(self, channel: str) -> PushSender:
        """Return a new writing end of ``channel``. Raises ChannelError for an impossible name."""
        address = self._addresses.address(channel)
        limit = LIMITS.get(channel.partition(".")[0], DEFAULT_LIMIT)
        sender = PushSender(channel, self._codec.encode, lambda: self._connect(address), limit)
        with self._lock:
            self._forget_closed()
            self._senders.append(sender)
        return sender

    def receiver(self, channel: str) -> PullReceiver:
        """Return the reading end of ``channel``. Raises ChannelError where it cannot be opened."""
        address = self._addresses.address(channel)
        socket = self._socket(zmq.PULL)
        socket.set(zmq.RCVHWM, HIGH_WATER)
        socket.set(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        try:
            socket.bind(address)
        except zmq.ZMQError as error:
            socket.close(linger=0)
            raise ChannelError(f"The channel {channel} cannot be opened: {error}.") from None
        receiver = PullReceiver(channel, self._codec.decode, socket)
        with self._lock:
            self._receivers.add(receiver)
        return receiver

    def close(self) -> None:
        """Close the senders, flushing for about a second in all; a receiver in use ends with ChannelError."""
        with self._lock:
            self._closed = True
            context, self._context = self._context, None
            senders = list(self._senders)
        threads = [sender.begin_close() for sender in senders]
        deadline = time.monotonic() + FLUSH_S + 2 * POLL_MS / 1000
        for thread in threads:
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        if context is not None:
            end = threading.Thread(target=context.term, name="end-channels", daemon=True)
            end.start()
            end.join(2 * FLUSH_S)

    def counters(self) -> dict[str, int]:
        """Return how many messages were sent, dropped and unreadable so far, per channel: ``dropped.crops``."""
        with self._lock:
            self._forget_closed()
            counts = Counter(self._past)
            for sender in self._senders:
                counts.update(_counts(sender))
            for receiver in self._receivers:
                counts[f"undecoded.{receiver.channel}"] += receiver.undecoded
        return dict(counts)

    def reset(self) -> None:
        """Forget what belongs to the parent process, as after a fork."""
        self._lock = threading.Lock()
        self._context = None
        for sender in self._senders:
            sender.reset()

    def _forget_closed(self) -> None:
        for sender in self._senders:
            if sender.closed:
                self._past.update(_counts(sender))
        self._senders = [sender for sender in self._senders if not sender.closed]

    def _socket(self, kind: int) -> zmq.SyncSocket:
        with self._lock:
            if self._closed:
                raise ChannelError("The channels of this process are closed.")
            if self._context is None:
                self._context = zmq.Context()
                self._context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
            socket = self._context.socket(kind)
        socket.set(zmq.LINGER, int(FLUSH_S * 1000))
        return socket

    def _connect(self, address: str) -> zmq.SyncSocket:
        socket = self._socket(zmq.PUSH)
        socket.set(zmq.SNDHWM, HIGH_WATER)
        socket.set(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.connect(address)
        return socket


def _counts(sender: PushSender) -> dict[str, int]:
    return {f"sent.{sender.channel}": sender.sent, f"dropped.{sender.channel}": sender.dropped}


def _reset_after_fork(channels: Channels) -> None:
    reference = weakref.ref(channels)

    def reset() -> None:
        found = reference()
        if found is not None:
            found.reset()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=reset)
