"""Named channels between processes, on ZeroMQ: many senders push, one receiver pulls.

The receiver binds and the senders connect, so either end may start first, and a receiver that was killed is found again
by its senders at the same address. Nothing here waits for the other end without a limit.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import zmq

from engage.core.clock import SystemClock
from engage.core.protocols import Clock, Receiver, Sender
from engage.core.types import Origin
from engage.errors import ChannelError
from engage.runtime.addresses import AddressBook, check_name
from engage.runtime.encoding import Codec
from engage.runtime.ends import FLUSH_S, POLL_MS, Connect, PullReceiver, PushSender

SIGNALS, UPDATES, HEARTBEATS = "signals", "updates", "heartbeats"

LIMITS = {"faces": 64, "signals": 8192, "heartbeats": 16, "assignments": 16, "hints": 8, "looks": 8}
"""Messages a sender keeps, per kind of channel: faces are too old after seconds, signals outlast a restart."""
DEFAULT_LIMIT = 256

LATEST_ONLY = frozenset({"frames"})
"""Kinds of channels that hold nothing but the newest message: a picture that was not read yet is replaced by the next.
Their readers tell from the messages what they missed."""

HIGH_WATER = 64
"""Messages that ZeroMQ may hold at each end behind a sender's own queue."""
RECONNECT_MS = 50
TAKE_OVER_S = 2.0
LARGEST_MESSAGE = 16 * 2**20
MAX_SOCKETS = 8192


def faces(number: int, replicas: int) -> str:
    """Return the name of the channel on which the faces of source ``number`` reach the network.

    Every replica of the network reads one channel; a source stays with one, so that its frames keep their order.
    """
    return "faces" if replicas == 1 else f"faces.{1 + number % replicas}"


def assignments(group: str) -> str:
    """Return the name of the channel that tells a capture group which workers to run."""
    return f"assignments.{group}"


def hints(origin: Origin) -> str:
    """Return the name of the channel on which inference tells the source's capture worker where its face has moved."""
    return f"hints.{origin.session_id}-{origin.source_id}"


def frames(origin: Origin) -> str:
    """Return the name of the channel on which a browser's pictures reach the source's capture worker."""
    return f"frames.{origin.session_id}-{origin.source_id}"


def words(origin: Origin) -> str:
    """Return the name of the channel on which a teacher says who is who in a picture with many people."""
    return f"words.{origin.session_id}-{origin.source_id}"


class ChannelHub(Protocol):
    """Hands out the ends of channels to one process; every launcher brings its own."""

    def sender(self, channel: str) -> Sender:
        """Return a new writing end of ``channel``."""

    def receiver(self, channel: str) -> Receiver:
        """Return the reading end of ``channel``; a channel has one, and a new one takes over."""

    def close(self) -> None:
        """Flush and close all ends, within about a second."""

    def counters(self) -> dict[str, int]:
        """Return how many messages were sent, dropped and unreadable so far, per channel: ``dropped.faces``."""

    @property
    def clock(self) -> Clock:
        """Return the clock that all processes of the deployment agree on, on whatever machine they run."""


class Channels:
    """The channels of one process. After a fork, the child's senders connect anew by themselves."""

    def __init__(self, addresses: AddressBook) -> None:
        self.clock: Clock = SystemClock()
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
        connect = self._line_to(channel)
        limit = 1 if is_latest_only(channel) else LIMITS.get(channel.partition(".")[0], DEFAULT_LIMIT)
        sender = PushSender(channel, self._codec.encode, connect, limit)
        with self._lock:
            self._forget_closed()
            self._senders.append(sender)
        return sender

    def receiver(self, channel: str) -> PullReceiver:
        """Return the reading end of ``channel``. Raises ChannelError where it cannot be opened."""
        check_name(channel)
        socket = self._socket(zmq.PULL)
        bound(socket, zmq.RCVHWM, is_latest_only(channel))
        socket.set(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        try:
            let_go = self._serve(channel, socket)
        except zmq.ZMQError as error:
            socket.close(linger=0)
            raise ChannelError(f"The channel {channel} cannot be opened: {error}.") from None
        receiver = PullReceiver(channel, self._codec.decode, socket, let_go)
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
            end.join(FLUSH_S + 2 * POLL_MS / 1000)

    def counters(self) -> dict[str, int]:
        """Return how many messages were sent, dropped and unreadable so far, per channel: ``dropped.faces``."""
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

    def _push_socket(self, channel: str) -> zmq.SyncSocket:
        socket = self._socket(zmq.PUSH)
        bound(socket, zmq.SNDHWM, is_latest_only(channel))
        socket.set(zmq.RECONNECT_IVL, RECONNECT_MS)
        return socket

    def _line_to(self, channel: str) -> Connect:
        address = self._addresses.address(channel)

        def connect(socket: zmq.SyncSocket | None) -> zmq.SyncSocket:
            if socket is None:
                socket = self._push_socket(channel)
                socket.connect(address)
            return socket

        return connect

    def _serve(self, channel: str, socket: zmq.SyncSocket) -> Callable[[], None]:
        """Bind the receiver's ``socket``; return what is to be done when it is closed."""
        _bind(socket, self._addresses.address(channel))
        return _nothing


def open_local(folder: str | None, port: int, shared: str | None = None) -> Channels:
    """Return the channels of a process on one machine; a HubSpec names this."""
    return Channels(AddressBook(folder, port, shared))


def is_latest_only(channel: str) -> bool:
    """Return whether the channel holds nothing but the newest message."""
    return channel.partition(".")[0] in LATEST_ONLY


def _nothing() -> None:
    """Do nothing."""


def bound(socket: zmq.SyncSocket, high_water: int, latest_only: bool) -> None:
    """Have the socket hold the newest message alone, or as many as it may."""
    if latest_only:
        socket.set(zmq.CONFLATE, 1)
    else:
        socket.set(high_water, HIGH_WATER)


def _bind(socket: zmq.SyncSocket, address: str) -> None:
    """Bind, waiting a moment for the receiver before this one, which ZeroMQ closes in the background."""
    deadline_s = time.monotonic() + TAKE_OVER_S
    while True:
        try:
            socket.bind(address)
            return
        except zmq.ZMQError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline_s:
                raise
        time.sleep(0.02)


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
