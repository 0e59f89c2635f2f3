"""Channels between machines: TCP sockets that the processes of one run alone can read and write.

Every receiver listens on its machine's address in the cluster, and a directory beside the supervisor tells senders
where it is now. What is sent is encrypted; it passes no server and no store on its way.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import zmq

from engage.core.clock import SystemClock
from engage.core.protocols import Clock
from engage.runtime.addresses import AddressBook, check_name
from engage.runtime.channels import Channels
from engage.runtime.curve import RunKey
from engage.runtime.directory import Meeting
from engage.runtime.ends import Connect
from engage.runtime.finding import Addresses

OPEN = "engage.runtime.cluster:open_cluster"
"""What a HubSpec names; its arguments are those of ``Place.arguments``."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands: its name, its machine's address in the cluster, the ports it may listen on."""

    process: str
    host: str
    first_port: int
    last_port: int


@dataclass(frozen=True, slots=True)
class SharedClock:
    """The supervisor's monotonic clock, kept on another machine; the time of day is this machine's own."""

    offset_s: float

    def now(self) -> datetime:
        """Return the time of day, aware UTC."""
        return SystemClock().now()

    def monotonic(self) -> float:
        """Return seconds as the supervisor counts them, as closely as was measured when this process began."""
        return SystemClock().monotonic() + self.offset_s


class ClusterChannels(Channels):
    """The channels of one process of a cluster (see Channels)."""

    def __init__(self, meeting: Meeting, place: Place, clock: Clock | None = None) -> None:
        """Meet the others at ``meeting``; without ``clock``, the supervisor's is asked for (ChannelError without)."""
        self._key = meeting.key
        self._place = place
        self._found = Addresses(meeting, place.process)
        super().__init__(AddressBook(None))
        self.clock = clock or SharedClock(self._found.offset_s())

    def close(self) -> None:
        """Close the ends as Channels does, and withdraw from the directory."""
        super().close()
        self._found.close()

    def reset(self) -> None:
        """Forget what belongs to the parent process, as after a fork."""
        self._found.reset()
        super().reset()

    def _line_to(self, channel: str) -> Connect:
        check_name(channel)
        return _Line(lambda: self._push_socket(channel), lambda: self._found.of(channel))

    def _push_socket(self, channel: str) -> zmq.SyncSocket:
        socket = super()._push_socket(channel)
        self._key.guard(socket, binds=False)
        socket.set(zmq.IMMEDIATE, 1)  # what no receiver takes yet waits in the sender's queue, not for an old address
        return socket

    def _serve(self, channel: str, socket: zmq.SyncSocket) -> Callable[[], None]:
        self._key.guard(socket, binds=True)
        address = self._bind_near(channel, socket)
        token = self._found.announce(channel, address)
        return lambda: self._found.withdraw(channel, token)

    def _bind_near(self, channel: str, socket: zmq.SyncSocket) -> str:
        """Listen where the receiver before this one on the same machine did, if that is free, else anywhere."""
        place = self._place
        usual = place.first_port + zlib.crc32(channel.encode()) % (place.last_port - place.first_port)
        try:
            socket.bind(f"tcp://{place.host}:{usual}")
            return f"tcp://{place.host}:{usual}"
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE:
                raise
        port = socket.bind_to_random_port(f"tcp://{place.host}", place.first_port, place.last_port, 1000)
        return f"tcp://{place.host}:{port}"


class _Line:
    """A sender's way to wherever the receiver is; used by one thread at a time."""

    def __init__(self, make: Callable[[], zmq.SyncSocket], where: Callable[[], str | None]) -> None:
        self._make = make
        self._where = where
        self._at: str | None = None

    def __call__(self, socket: zmq.SyncSocket | None) -> zmq.SyncSocket:
        if socket is None:
            socket, self._at = self._make(), None
        address = self._where()
        if address != self._at:
            if self._at is not None:
                socket.disconnect(self._at)
            if address is not None:
                socket.connect(address)
            self._at = address
        return socket


def arguments_for(meeting: Meeting, place: Place) -> dict[str, Any]:
    """Return what ``open_cluster`` needs in another process; it holds the key of the run."""
    ports = [place.first_port, place.last_port]
    key = [meeting.key.public, meeting.key.secret]
    return {"meeting": meeting.address, "key": key, "process": place.process, "host": place.host, "ports": ports}


def open_cluster(meeting: str, key: Sequence[str], process: str, host: str, ports: Sequence[int]) -> ClusterChannels:
    """Return the channels of a process of a cluster. Raises ChannelError where the supervisor does not answer."""
    return ClusterChannels(Meeting(meeting, RunKey(*key)), Place(process, host, *ports))
