"""One process's side of the directory: it says what it receives, and learns where what it sends goes."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time

import msgspec
import zmq

from engage.errors import ChannelError
from engage.runtime.directory import Answer, Ask, Bound, Meeting

AGAIN_S = 2.0
ANSWER_S = 20.0
TRIES = 5


class Addresses:
    """Where the channels are that this process sends to. After a fork the child asks for itself.

    ``of`` and ``announce`` may be called from any thread and never wait.
    """

    def __init__(self, meeting: Meeting, process: str) -> None:
        self._meeting = meeting
        self._process = process
        self._closed = False
        self._bound: dict[str, Bound] = {}
        self.reset()

    def reset(self) -> None:
        """Forget what belongs to the parent process, as after a fork: its receivers stay its own."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake: tuple[socket.socket, socket.socket] | None = None
        self._bound = {}
        self._gone: list[str] = []
        self._known: dict[str, str | None] = {}
        self._new: list[str] = []

    def of(self, channel: str) -> str | None:
        """Return the address of the channel's receiver as far as it is known; it is asked for from now on."""
        try:
            return self._known[channel]
        except KeyError:
            with self._lock:
                self._known.setdefault(channel, None)
                self._new.append(channel)
                self._rouse()
            return None

    def announce(self, channel: str, address: str) -> str:
        """Say that this process receives ``channel`` at ``address``; return the word to take that back by."""
        token = secrets.token_hex(8)
        with self._lock:
            self._bound[channel] = Bound(token, address)
            self._rouse()
        return token

    def withdraw(self, channel: str, token: str) -> None:
        """Say that this receiver is there no more."""
        with self._lock:
            bound = self._bound.get(channel)
            if bound is not None and bound.token == token:
                del self._bound[channel]
            self._gone.append(token)
            self._rouse()

    def offset_s(self) -> float:
        """Return what must be added to this machine's monotonic clock to have the directory's, as closely as it goes.

        It is the quickest of some answers that tells most. Raises ChannelError where there is none.
        """
        context = zmq.Context()
        best: tuple[float, float] | None = None
        try:
            asking = self._connected(context)
            for _ in range(TRIES):
                asking.send(msgspec.msgpack.encode(Ask(self._process, time.monotonic())))
                if not asking.poll(int(ANSWER_S * 1000), zmq.POLLIN):
                    raise ChannelError(f"The supervisor does not answer at {self._meeting.address}.")
                answer, now_s = msgspec.msgpack.decode(asking.recv(), type=Answer), time.monotonic()
                told = now_s - answer.sent_s, answer.now_s - (answer.sent_s + now_s) / 2
                best = min(best, told) if best else told
        finally:
            context.destroy(linger=0)
        return best[1] if best else 0.0

    def close(self) -> None:
        """Say no more; what this process received is withdrawn."""
        with self._lock:
            self._closed = True
            self._gone += [bound.token for bound in self._bound.values()]
            self._bound.clear()
            thread = self._thread
            self._rouse()
        if thread is not None:
            thread.join(2.0)

    def _connected(self, context: zmq.SyncContext) -> zmq.SyncSocket:
        asking = context.socket(zmq.DEALER)
        asking.set(zmq.LINGER, 200)
        self._meeting.key.guard(asking, binds=False)
        asking.connect(self._meeting.address)
        return asking

    def _rouse(self) -> None:
        if self._thread is None and not self._closed:
            self._wake = socket.socketpair()
            for end in self._wake:
                end.setblocking(False)
            self._thread = threading.Thread(target=self._run, args=(self._wake[0],), name="addresses", daemon=True)
            self._thread.start()
        if self._wake is not None:
            with contextlib.suppress(OSError):
                self._wake[1].send(b".")

    def _run(self, woken: socket.socket) -> None:
        context = zmq.Context()
        asking = self._connected(context)
        poller = zmq.Poller()
        poller.register(asking, zmq.POLLIN)
        poller.register(woken, zmq.POLLIN)
        all_at_s = 0.0
        try:
            while not self._closed:
                ready = dict(poller.poll(int(AGAIN_S * 1000)))
                if asking in ready:
                    self._learn(msgspec.msgpack.decode(asking.recv(), type=Answer))
                roused = woken.fileno() in ready
                if roused:
                    with contextlib.suppress(OSError):
                        woken.recv(4096)
                now_s = time.monotonic()
                if now_s - all_at_s >= AGAIN_S:
                    all_at_s = now_s
                    self._say(asking, everything=True)
                elif roused:
                    self._say(asking, everything=False)
            self._say(asking, everything=False)
        finally:
            context.destroy(linger=200)
            for end in self._wake or ():
                end.close()

    def _say(self, asking: zmq.SyncSocket, everything: bool) -> None:
        with self._lock:
            wants = tuple(self._known) if everything else tuple(self._new)
            ask = Ask(self._process, time.monotonic(), dict(self._bound), tuple(self._gone), wants)
            self._new, self._gone = [], []
        with contextlib.suppress(zmq.Again):
            asking.send(msgspec.msgpack.encode(ask), zmq.NOBLOCK)

    def _learn(self, answer: Answer) -> None:
        for channel, address in answer.addresses.items():
            self._known[channel] = address
