"""The worker that serves all students with one network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engage.core.protocols import Clock, ExpressionClassifier, Receiver, Sender, Stop, WorkerContext
from engage.core.types import CROP_SIZE_PX, FaceCrop, FaceSignals, FrameFaces, FrameSignals, Mode, SourceStatus
from engage.inference.batching import BatchLimits, BatchMessage, MicroBatcher

log = logging.getLogger(__name__)

FACES_CHANNEL, SIGNALS_CHANNEL = "faces", "signals"
IDLE_S = 0.2
"""How long to wait for messages when there are none: bounds how late a stop and a heartbeat may be."""
REPORT_EVERY_S = 30.0


@dataclass(slots=True)
class InferenceCounts:
    """What the worker has done so far."""

    frames: int = 0
    crops: int = 0
    batches: int = 0
    failed: int = 0
    """Batches that the classifier could not answer; their faces went on without an expression."""
    unexpected: int = 0
    """Messages of a kind that does not belong into the channel."""


@dataclass(slots=True)
class InferenceWorker:
    """Turns the crops of FrameFaces into FrameSignals, micro-batched over all students.

    Every frame that is not too old comes out, with or without faces, in the order it came in per source; SourceStatus
    passes in the same order. Only in mode FULL is an expression computed at all (DESIGN.md section 6).
    """

    context: WorkerContext
    classifier: ExpressionClassifier
    limits: BatchLimits = field(default_factory=BatchLimits)
    counts: InferenceCounts = field(default_factory=InferenceCounts)

    def run(self, stop: Stop) -> None:
        """Work until ``stop`` is set, then finish what is at hand and return."""
        receiver = self.context.receiver(FACES_CHANNEL)
        sender = self.context.sender(SIGNALS_CHANNEL)
        batcher = MicroBatcher(self.limits, self.context.clock.monotonic)
        try:
            reported = _Reported(self.context.clock)
            while not stop.is_set():
                self.context.beat()
                self._receive(receiver, batcher)
                while batcher.due_in_s() == 0:
                    self._work_off(batcher.take(), sender)
                reported.losses(batcher, self.counts)
            self._receive(receiver, batcher, wait=False)
            while len(batcher):
                self._work_off(batcher.take(), sender)
        finally:
            receiver.close()
            sender.close()

    def _receive(self, receiver: Receiver, batcher: MicroBatcher, wait: bool = True) -> None:
        due_in_s = batcher.due_in_s()
        timeout_s = IDLE_S if due_in_s is None else min(due_in_s, IDLE_S)
        for message in receiver.receive(timeout_s if wait else 0.0):
            if isinstance(message, FrameFaces | SourceStatus):
                batcher.add(message)
            else:
                self.counts.unexpected += 1
                log.warning("unexpected message kind=%s", type(message).__name__)

    def _work_off(self, batch: Sequence[BatchMessage], sender: Sender) -> None:
        frames = [message for message in batch if isinstance(message, FrameFaces)]
        expressions = iter(self._classify([crop for frame in frames if _is_read(frame) for crop in frame.faces]))
        for message in batch:
            if isinstance(message, SourceStatus):
                sender.send(message)
            else:
                read = _is_read(message)
                faces = tuple(face_signals(crop, next(expressions) if read else None) for crop in message.faces)
                sender.send(_frame_signals(message, faces))
                self.counts.frames += 1

    def _classify(self, crops: Sequence[FaceCrop]) -> Sequence[tuple[float, ...] | None]:
        if not crops:
            return ()
        self.counts.batches += 1
        self.counts.crops += len(crops)
        try:
            rows = self.classifier.predict(np.stack([crop.pixels for crop in crops]))
        except Exception:  # the worker's boundary: one bad batch must not end the lesson of all students
            self.counts.failed += 1
            log.exception("classification failed crops=%d size_px=%d", len(crops), CROP_SIZE_PX)
            return (None,) * len(crops)
        return [tuple(float(value) for value in row) for row in rows]


class _Reported:
    """Says in the log, at most every REPORT_EVERY_S, how much had to be dropped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at_s = clock.monotonic()
        self._dropped = 0

    def losses(self, batcher: MicroBatcher, counts: InferenceCounts) -> None:
        dropped = batcher.stale + batcher.crowded
        if dropped > self._dropped and self._clock.monotonic() - self._at_s >= REPORT_EVERY_S:
            log.warning(
                "inference is late stale=%d crowded=%d frames=%d", batcher.stale, batcher.crowded, counts.frames
            )
            self._dropped, self._at_s = dropped, self._clock.monotonic()


def _is_read(frame: FrameFaces) -> bool:
    return frame.mode is Mode.FULL


def face_signals(crop: FaceCrop, expression: tuple[float, ...] | None) -> FaceSignals:
    """Return the signals of one face; those of the pose are None where the detector gives no landmarks."""
    pose = crop.pose
    return FaceSignals(
        track_id=crop.track_id,
        box=crop.box,
        confidence=crop.confidence,
        expression=expression,
        yaw_deg=pose.yaw_deg if pose else None,
        pitch_deg=pose.pitch_deg if pose else None,
        roll_deg=pose.roll_deg if pose else None,
    )


def _frame_signals(frame: FrameFaces, faces: tuple[FaceSignals, ...]) -> FrameSignals:
    return FrameSignals(
        origin=frame.origin,
        mode=frame.mode,
        seq=frame.seq,
        captured_at=frame.captured_at,
        monotonic_s=frame.monotonic_s,
        brightness=frame.brightness,
        faces=faces,
    )
