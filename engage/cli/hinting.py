"""How the collector's word on the rate reaches the capture workers, and how busy this machine is."""

from __future__ import annotations

import os

import psutil

from engage.core.pacing import Tempo
from engage.core.protocols import Sender
from engage.core.types import RateHint
from engage.pipeline.feedback import Feedback
from engage.runtime.channels import hints
from engage.runtime.context import Context

KEPT_S = 15.0
"""A channel on which nothing was said for so long is let go: its source is gone."""


class Hinting:
    """Hands hints to the capture workers of their sources; never waits for one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lines: dict[str, tuple[Sender, float]] = {}

    def __call__(self, hint: RateHint) -> None:
        """Hand over one hint."""
        now_s, channel = self._context.clock.monotonic(), hints(hint.origin)
        known = self._lines.get(channel)
        if known is None:
            self._forget(now_s)
        sender = known[0] if known else self._context.sender(channel)
        self._lines[channel] = (sender, now_s)
        sender.send(hint)

    def close(self) -> None:
        """Let go of all channels."""
        for sender, _ in self._lines.values():
            sender.close()
        self._lines.clear()

    def _forget(self, now_s: float) -> None:
        for channel, (sender, used_s) in list(self._lines.items()):
            if now_s - used_s > KEPT_S:
                sender.close()
                del self._lines[channel]


def feedback(context: Context, hinting: Hinting) -> Feedback:
    """Return what watches the load of the line that ends in ``context``, and hints at a rate."""
    capture = context.settings.capture
    tempo = Tempo(capture, os.cpu_count() or 1)
    return Feedback(tempo, hinting, busy_share, context.meters, adapts=capture.adapt)


def busy_share() -> float | None:
    """Return the share of this machine's processors at work since the last call, whoever keeps them so."""
    return psutil.cpu_percent(None) / 100.0
