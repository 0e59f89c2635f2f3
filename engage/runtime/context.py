"""What a worker is given."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from engage.config import Settings
from engage.core.clock import SystemClock
from engage.core.protocols import Clock, Receiver, Sender
from engage.runtime.channels import ChannelHub


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all workers of one process share."""

    settings: Settings
    channels: ChannelHub
    on_first_beat: Callable[[], None]


class Context:
    """A worker's name, settings, clock, channels and heartbeat; implements ``core.protocols.WorkerContext``."""

    def __init__(self, name: str, surroundings: Surroundings) -> None:
        self.name = name
        self.settings = surroundings.settings
        self.clock: Clock = SystemClock()
        self._surroundings = surroundings
        self._ends: list[Sender | Receiver] = []
        self._lock = threading.Lock()
        self._started_s = self.clock.monotonic()
        self._beat_s: float | None = None

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
        first = self._beat_s is None
        self._beat_s = self.clock.monotonic()
        if first:
            self._surroundings.on_first_beat()

    def age_s(self) -> tuple[float, bool]:
        """Return seconds since the last beat and True, or since the start and False where no beat came yet."""
        beat_s = self._beat_s
        return self.clock.monotonic() - (self._started_s if beat_s is None else beat_s), beat_s is not None

    def close(self) -> None:
        """Close the worker's ends of channels; called by its thread."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            end.close()

    def _keep(self, end: Sender | Receiver) -> None:
        with self._lock:
            self._ends.append(end)
