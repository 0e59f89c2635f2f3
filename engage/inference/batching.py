"""Micro-batching of frames from all students, as a pure state machine with an injected clock.

Small batches cost speed (on one core PyTorch reads 54 crops a second one by one and 110 in batches of 32; int8 by
OpenVINO loses a tenth), waiting costs latency. So a batch leaves when it is full or its oldest message has waited
``max_wait_s``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from engage.core.types import FrameFaces, SourceStatus

BatchMessage = FrameFaces | SourceStatus
QUEUED_BATCHES = 4
"""How many full batches may wait; past that the oldest frames are dropped."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch leaves and when work is too old to be worth doing."""

    max_batch: int = 32
    """Frames in one batch, and crops in one batch unless a single frame has more."""
    max_wait_s: float = 0.01
    max_age_s: float = 2.0
    """Frames captured longer ago than this are discarded; statuses never are."""


class MicroBatcher:
    """Collects messages and hands them out in batches, in the order they came.

    Its queue is bounded: frames that are too old (``stale``) or too many (``crowded``) are dropped, oldest first, and
    counted. ``clock`` is the monotonic clock of the capturing machine.
    """

    def __init__(self, limits: BatchLimits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.stale = 0
        self.crowded = 0
        self._clock = clock
        self._queue: deque[tuple[float, BatchMessage]] = deque()
        self._frames = self._crops = 0

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._queue)

    def add(self, message: BatchMessage) -> None:
        """Take in one message."""
        self._queue.append((self._clock(), message))
        if isinstance(message, FrameFaces):
            self._count(message, 1)
            if self._frames > QUEUED_BATCHES * self.limits.max_batch:
                self._drop_oldest_frame()

    def due_in_s(self) -> float | None:
        """Return after how many seconds a batch should leave: 0 = now, None = nothing waits."""
        if not self._queue:
            return None
        if self._frames >= self.limits.max_batch or self._crops >= self.limits.max_batch:
            return 0.0
        return max(0.0, self._queue[0][0] + self.limits.max_wait_s - self._clock())

    def take(self) -> list[BatchMessage]:
        """Return the next batch, due or not, without frames that grew too old; empty when nothing is left."""
        batch: list[BatchMessage] = []
        frames = crops = 0
        while self._queue:
            message = self._queue[0][1]
            if isinstance(message, FrameFaces):
                full = frames == self.limits.max_batch or crops + len(message.faces) > self.limits.max_batch
                if self._is_stale(message):
                    self.stale += 1
                elif frames and full:
                    break
                else:
                    frames, crops = frames + 1, crops + len(message.faces)
                    batch.append(message)
                self._count(message, -1)
            else:
                batch.append(message)
            self._queue.popleft()
        return batch

    def _count(self, frame: FrameFaces, by: int) -> None:
        self._frames, self._crops = self._frames + by, self._crops + by * len(frame.faces)

    def _is_stale(self, frame: FrameFaces) -> bool:
        return self._clock() - frame.monotonic_s > self.limits.max_age_s

    def _drop_oldest_frame(self) -> None:
        for index, (_, message) in enumerate(self._queue):
            if isinstance(message, FrameFaces):
                del self._queue[index]
                self._count(message, -1)
                self.crowded += 1
                return
