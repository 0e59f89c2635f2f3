"""Virtual students without pictures: what the network would read of them, sent to a running collector at 1 Hz each."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

from engage.capture.virtual.roster import virtual_class
from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.truth import frames
from engage.cli.trial import START_DEADLINE_S
from engage.core.clock import SystemClock
from engage.core.signals import FrameSignals
from engage.core.types import Origin
from engage.errors import EngageError
from engage.runtime.addresses import AddressBook
from engage.runtime.channels import SIGNALS, Channels

SCRIPT_S = 60
"""The scripts begin anew after this."""
SCRIPTS = 12
"""Different parts; each is played by every twelfth student, begun at another second."""


class Feeder:
    """Sends one reading a second of each of ``students``, evenly spread over the second, until stopped.

    It stands in for cameras, detection and network; from the channel "signals" on all is the running system's own.
    """

    def __init__(self, home: Path, session_id: int, students: list[int]) -> None:
        """Feed the collector of the ``engage serve`` that runs in ``home``. EngageError where none does."""
        self.sent = 0
        self.fed: set[tuple[int, int]] = set()
        """(student, second) of all that was sent: each must become a sample."""
        self._session_id, self._students = session_id, students
        self._channels = Channels(AddressBook(str(_run_folder(home))))
        self._sender = self._channels.sender(SIGNALS)
        self._parts = [_part(member.script, member.seed) for member in virtual_class(SCRIPTS)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._feed, name="feeder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; every reading so far is sent. It may be called again."""
        self._stop.set()
        self._thread.join()
        self._sender.close()
        self._channels.close()

    def _feed(self) -> None:
        clock, step_s = SystemClock(), 1.0 / len(self._students)
        began_s, number = time.monotonic(), 0
        while not self._stop.wait(max(0.0, began_s + number * step_s - time.monotonic())):
            second, place = divmod(number, len(self._students))
            student = self._students[place]
            part = self._parts[place % SCRIPTS]
            reading = part[(second + 7 * place) % len(part)]
            origin = Origin(self._session_id, student, student)
            at = clock.now()
            self._sender.send(
                replace(reading, origin=origin, seq=second, captured_at=at, monotonic_s=clock.monotonic())
            )
            self.fed.add((student, int(at.timestamp())))
            number += 1
            self.sent = number


def _part(kind: ScriptKind, seed: int) -> list[FrameSignals]:
    return list(frames(Script(kind, seed), 1.0, SCRIPT_S))


def _run_folder(home: Path) -> Path:
    deadline_s = time.monotonic() + START_DEADLINE_S
    while not (found := sorted((home / "var" / "run").glob(f"run-*/{SIGNALS}.sock"))):
        if time.monotonic() > deadline_s:
            raise EngageError(f"No collector runs in {home}.")
        time.sleep(0.1)
    return found[-1].parent
