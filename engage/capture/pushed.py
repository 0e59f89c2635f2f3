"""Frames that a browser pushes: they arrive on a channel, not decoded, and are decoded here, within bounds."""

from __future__ import annotations

from collections.abc import Callable

from engage.capture.decoding import WHOLE, Need, decode
from engage.capture.native import quiet_opencv
from engage.core.clock import SystemClock
from engage.core.protocols import Clock, Receiver
from engage.core.types import Frame, Image, PushedFrame
from engage.errors import SourceError, SourceLost

MAX_AGE_S = 2.0
"""An older frame, kept by a channel whose reader was away, is not worth looking at."""


class PushedSource:
    """What one browser sends (see FrameSource): the newest frame on its channel, skipped and unreadable ones counted.

    A browser that falls silent is lost once, after ``silent_after_s``; opened again, the source waits for it without
    complaint, so that the first frame after a dropped connection is looked at when it comes.
    """

    live = True

    def __init__(
        self,
        address: str,
        open_frames: Callable[[], Receiver],
        silent_after_s: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        self.name = "browser" if address.startswith("browser:") else "shared window"
        self.skipped = 0
        self.need: Callable[[float], Need] = lambda position_s: WHOLE
        """How much of a frame at that time, in seconds since the first, will be looked at."""
        self._open_frames = open_frames
        self._silent_after_s = silent_after_s
        self._clock = clock or SystemClock()
        self._frames: Receiver | None = None
        self._shown: PushedFrame | None = None
        self._seq = self._last_seq = 0
        self._first_s: float | None = None
        self._heard_s = 0.0
        self._missed = False

    def open(self) -> None:
        """Listen to the channel. Raises ChannelError where it cannot be opened."""
        self.close()
        quiet_opencv()
        self._frames = self._open_frames()
        self._heard_s = self._clock.monotonic()

    def read(self, timeout_s: float) -> Frame | None:
        """Return the newest frame, or None after ``timeout_s``; raise SourceLost when the browser fell silent."""
        if self._frames is None:
            raise SourceError(f"The {self.name} is not open.")
        pushed = [message for message in self._frames.receive(timeout_s) if isinstance(message, PushedFrame)]
        if not pushed:
            self._check()
            return None
        frame = pushed[-1]
        first_s = frame.monotonic_s if self._first_s is None else self._first_s
        position_s = frame.monotonic_s - first_s
        need = self.need(position_s)
        image = self._picture(frame, need)
        if image is None:
            self._check()
            return None
        self._shown, self._first_s = frame, first_s
        self._heard_s, self._missed = self._clock.monotonic(), False
        self._seq += 1
        return Frame(image, self._seq, frame.captured_at, frame.monotonic_s, position_s, 1 / need.reduced)

    def close(self) -> None:
        """Let go of the channel."""
        frames, self._frames = self._frames, None
        if frames is not None:
            frames.close()

    def _picture(self, frame: PushedFrame, need: Need) -> Image | None:
        """Return the picture where it is recent, newer than the last and readable, counting it otherwise.

        What it replaced on its way is counted too; a sender that starts anew counts from one again.
        """
        self.skipped += max(0, frame.seq - self._last_seq - 1) if self._last_seq else 0
        self._last_seq = frame.seq
        before = self._shown
        late = before is not None and (
            frame.monotonic_s <= before.monotonic_s or frame.captured_at <= before.captured_at
        )
        old = late or self._clock.monotonic() - frame.monotonic_s > MAX_AGE_S
        image = None if old else decode(frame.data, need)
        self.skipped += image is None
        return image

    def _check(self) -> None:
        if self._clock.monotonic() - self._heard_s > self._silent_after_s and not self._missed:
            self._missed = True
            raise SourceLost(f"The {self.name} has sent no picture for {self._silent_after_s:g} s.")
