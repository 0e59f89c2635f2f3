"""Where the receivers of a deployment's channels are, on whatever machine: one directory, kept beside the supervisor.

Processes say what they receive and ask for what they send to; the answer comes at once where it is known, and again
whenever it changes. All is said again every few seconds, so that no lost word is missed for long.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import zmq

from engage.errors import ChannelError
from engage.runtime.curve import RunKey

TICK_MS = 200
FORGET_S = 30.0
"""A process that has said nothing for so long is told nothing any more."""

SIBLINGS = frozenset({"faces"})
"""Kinds of channels whose receivers do the same work: while one is away, another stands in for it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a process must know to find all others."""

    address: str
    key: RunKey


class Bound(msgspec.Struct, frozen=True):
    """A receiver: a word that tells it from all others, and its address."""

    token: str
    address: str


class Ask(msgspec.Struct, frozen=True):
    """What a process says: who it is, what it receives, what it received until now, what it sends to."""

    process: str
    sent_s: float
    bound: dict[str, Bound] = {}
    gone: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """The addresses of channels asked for, None where there is no receiver; the times of answer and question."""

    addresses: dict[str, str | None]
    now_s: float
    sent_s: float = 0.0


class Register:
    """Which receiver each channel has now. A newer one takes over; one that was replaced never comes back. Pure."""

    def __init__(self) -> None:
        self._bound: dict[str, tuple[str, Bound]] = {}
        self._past: set[str] = set()

    def bind(self, process: str, channel: str, bound: Bound) -> bool:
        """Take in a receiver; return whether that changes anything."""
        known = self._bound.get(channel)
        if bound.token in self._past or (known is not None and known[1] == bound):
            return False
        if known is not None:
            self._past.add(known[1].token)
        self._bound[channel] = (process, bound)
        return True

    def unbind(self, tokens: Iterable[str]) -> list[str]:
        """Forget receivers; return the channels that have none now."""
        gone = set(tokens)
        self._past |= gone
        return self._drop([channel for channel, (_, bound) in self._bound.items() if bound.token in gone])

    def forget(self, process: str) -> list[str]:
        """Forget what a process that has ended received; return those channels."""
        mine = [channel for channel, (whose, _) in self._bound.items() if whose == process]
        self._past |= {self._bound[channel][1].token for channel in mine}
        return self._drop(mine)

    def address(self, channel: str) -> str | None:
        """Return where the channel's receiver is, or one that stands in for it; None where there is neither."""
        known = self._bound.get(channel)
        kind = channel.partition(".")[0]
        if known is None and kind in SIBLINGS:
            others = sorted(each for each in self._bound if each.partition(".")[0] == kind)
            known = self._bound[others[sum(channel.encode()) % len(others)]] if others else None
        return known[1].address if known else None

    def _drop(self, channels: list[str]) -> list[str]:
        for channel in channels:
            del self._bound[channel]
        return channels


class Directory:
    """Answers all processes of one run, in a thread, until closed."""

    def __init__(self, host: str, ports: tuple[int, int]) -> None:
        """Listen at ``host`` on a port from ``ports``, first and last. Raises ChannelError where that is impossible."""
        key = RunKey.fresh()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.set(zmq.LINGER, 0)
        key.guard(self._socket, binds=True)
        try:
            port = self._socket.bind_to_random_port(f"tcp://{host}", *ports, 1000)
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            raise ChannelError(f"The directory of channels cannot be opened at {host}: {error}.") from None
        self.meeting = Meeting(f"tcp://{host}:{port}", key)
        self._register = Register()
        self._wanted: dict[str, set[bytes]] = {}
        self._told: dict[tuple[bytes, str], str | None] = {}
        self._heard_s: dict[bytes, float] = {}
        self._ended: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="directory", daemon=True)
        self._thread.start()

    def forget(self, process: str) -> None:
        """Have nothing sent any more to a process that has ended."""
        self._ended.append(process)

    def close(self) -> None:
        """Answer no more."""
        self._stop.set()
        self._thread.join(5.0)
        self._context.destroy(linger=0)

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._socket.poll(TICK_MS, zmq.POLLIN):
                self._answer(*self._socket.recv_multipart()[:2])
            while self._ended:
                self._tell(self._register.forget(self._ended.pop()))

    def _answer(self, who: bytes, data: bytes) -> None:
        try:
            ask = msgspec.msgpack.decode(data, type=Ask)
        except msgspec.DecodeError as error:
            logger.warning("unreadable question reason=%s", error)
            return
        self._heard_s[who] = time.monotonic()
        self._forget_silent()
        changed = self._register.unbind(ask.gone)
        changed += [channel for channel, bound in ask.bound.items() if self._register.bind(ask.process, channel, bound)]
        for channel in ask.wants:
            self._wanted.setdefault(channel, set()).add(who)
        addresses = {channel: self._register.address(channel) for channel in ask.wants}
        self._told |= {(who, channel): address for channel, address in addresses.items()}
        self._send(who, Answer(addresses, time.monotonic(), ask.sent_s))
        if changed:
            self._tell(changed)

    def _tell(self, changed: Iterable[str]) -> None:
        """Tell those who want a channel that changed, or one for which another may stand in."""
        kinds = {channel.partition(".")[0] for channel in changed} & SIBLINGS
        concerned = {*changed, *(each for each in self._wanted if each.partition(".")[0] in kinds)}
        for channel in concerned:
            address = self._register.address(channel)
            for who in self._wanted.get(channel, ()):
                if self._told.get((who, channel)) != address:
                    self._told[who, channel] = address
                    self._send(who, Answer({channel: address}, time.monotonic()))

    def _send(self, who: bytes, answer: Answer) -> None:
        try:
            self._socket.send_multipart([who, msgspec.msgpack.encode(answer)], zmq.NOBLOCK)
        except zmq.ZMQError:  # it asks again
            logger.debug("an answer was not taken")

    def _forget_silent(self) -> None:
        now_s = time.monotonic()
        silent = {who for who, heard_s in self._heard_s.items() if now_s - heard_s > FORGET_S}
        if silent:
            self._heard_s = {who: at for who, at in self._heard_s.items() if who not in silent}
            self._told = {key: address for key, address in self._told.items() if key[0] not in silent}
            for channel in list(self._wanted):
                self._wanted[channel] -= silent
                if not self._wanted[channel]:
                    del self._wanted[channel]
