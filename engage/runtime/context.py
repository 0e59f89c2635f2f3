"""What a worker is given."""

from __future__ import annotations

import mmap
import os
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from engage.config import Settings
from engage.core.clock import SystemClock
from engage.core.meters import Meters
from engage.core.protocols import Clock, Receiver, Sender
from engage.core.traces import NoTraces, Traces
from engage.runtime.channels import ChannelHub


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all workers of one process share."""

    settings: Settings
    channels: ChannelHub
    on_first_beat: Callable[[], None]
    meters: Meters = field(default_factory=Meters)
    clock: Clock = field(default_factory=SystemClock)
    traces: Callable[[], Traces] = NoTraces
    """Returns what follows frames; made when first asked for, since most processes follow none."""


class Context:
    """A worker's name, settings, clock, channels and heartbeat; implements ``core.protocols.WorkerContext``.

    The time of the last beat lies in shared memory, so that a process forked by the worker (gunicorn's) may beat too.
    """

    def __init__(self, name: str, surroundings: Surroundings) -> None:
        self.name = name
        self.settings = surroundings.settings
        self.meters = surroundings.meters
        self.clock: Clock = surroundings.clock
        self._surroundings = surroundings
        self._ends: list[Sender | Receiver] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._started_s = self.clock.monotonic()
        self._beat_s = memoryview(mmap.mmap(-1, struct.calcsize("d"))).cast("d")

    @property
    def traces(self) -> Traces:
        """Return what follows frames through their stages. Raises SettingsError where its package is missing."""
        return self._surroundings.traces()

    def sender(self, channel: str) -> Sender:
        """Return a new writing end of the channel of this name; it is closed with the worker."""
        end = self._surroundings.channels.sender(channel)
        self._keep(end)
        return end

    def receiver(self, channel: str) -> Receiver:
        """Return the reading end of the channel of this name; it is closed with the worker."""
        end = self._surroundings.channels.receiver(channel)
        self._keep(end)
        return end

    def beat(self) -> None:
        """Say that this worker is alive."""
        first = not self._beat_s[0]
        self._beat_s[0] = self.clock.monotonic()
        if first and os.getpid() == self._pid:
            self._surroundings.on_first_beat()

    def age_s(self) -> tuple[float, bool]:
        """Return seconds since the last beat and True, or since the start and False where no beat came yet."""
        beat_s = self._beat_s[0]
        return self.clock.monotonic() - (beat_s or self._started_s), bool(beat_s)

    def close(self) -> None:
        """Close the worker's ends of channels; called by its thread."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            end.close()

    def _keep(self, end: Sender | Receiver) -> None:
        with self._lock:
            self._ends.append(end)
