"""Cameras that no machine can look at now, as when that of their site is gone: said like any other lost camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engage.core.clock import SystemClock
from engage.core.protocols import Clock, Sender
from engage.core.sites import NO_MACHINE
from engage.core.types import Origin, SourceState, SourceStatus
from engage.runtime.channels import SIGNALS
from engage.runtime.launcher import Launcher
from engage.runtime.schedule import Job
from engage.runtime.specs import WorkerSpec
from engage.runtime.supervisor import Supervisor

LOOK_EVERY_S = 3.0


@dataclass
class Unplaced:
    """Tells the collector of each camera that got no place, once; what runs it later says itself that it is live.

    ``found`` returns the capture workers that have no place now; the channel is opened when there is something to say.
    """

    found: Callable[[], Sequence[WorkerSpec]]
    open_channel: Callable[[], Sender]
    clock: Clock = field(default_factory=SystemClock)
    _told: set[str] = field(default_factory=set)
    _sender: Sender | None = None

    def __call__(self) -> None:
        """Say what is new."""
        without = {spec.name: spec for spec in self.found()}
        self._told &= without.keys()
        for name in sorted(without.keys() - self._told):
            if self._sender is None:
                self._sender = self.open_channel()
            origin = without[name].arguments.get("origin")
            if origin is not None:
                self._sender.send(SourceStatus(Origin(*origin), SourceState.LOST, self.clock.now(), NO_MACHINE))
            self._told.add(name)


def unplaced_job(supervisor: Supervisor, launcher: Launcher) -> Job:
    """Return the job that tells pages of cameras without a machine."""
    tell = Unplaced(supervisor.unplaced, lambda: launcher.channels.sender(SIGNALS))
    return Job("cameras without a machine", tell, LOOK_EVERY_S, everywhere=True)
