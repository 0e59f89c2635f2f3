"""Requests to stop that come from outside: signals, and the end of the parent process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from types import FrameType, TracebackType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """While entered, SIGTERM and SIGINT set ``stop``; use it in the main thread. ``received`` is the first that came.

    The signal's number is written to a socket and a thread sets the event: a handler that did so itself could meet the
    event's lock held by the code that it interrupts.
    """

    def __init__(self, stop: threading.Event) -> None:
        self.received: signal.Signals | None = None
        self._stop = stop

    def __enter__(self) -> StopSignals:
        """Begin to listen."""
        self._ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self._theirs = theirs
        self._wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, _take_note) for number in STOP_SIGNALS}
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._theirs.close()
        self._thread.join(1.0)
        self._ours.close()

    def _listen(self) -> None:
        while numbers := self._ours.recv(64):
            for number in numbers:
                if number in STOP_SIGNALS:
                    self.received = self.received or signal.Signals(number)
                    self._stop.set()


def stop_with_parent(parent: int, stop: threading.Event) -> None:
    """Set ``stop`` when the parent closes its end of the pipe ``parent``, as the system does for a parent that died.

    SIGTERM is raised too, for a worker that has taken over the signals (gunicorn does).
    """

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(parent, 64):
                pass
        stop.set()
        if os.name == "posix":
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _take_note(number: int, frame: FrameType | None) -> None:
    """Do nothing: the number is already on its way to the listening thread."""
