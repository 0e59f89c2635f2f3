"""The worker that serves all students with one network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engage.core.meters import Meters
from engage.core.protocols import Clock, Receiver, Sender, Stop, WorkerContext
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.traces import NoTraces, Traces
from engage.core.types import CROP_SIZE_PX, FaceCrop, FrameFaces, Hint, Mode, Origin, SourceStatus, Strain
from engage.inference.batching import BatchLimits, BatchMessage, MicroBatcher
from engage.inference.reading import FaceReader, bare_signals

log = logging.getLogger(__name__)

FACES_CHANNEL, SIGNALS_CHANNEL = "faces", "signals"
IDLE_S = 0.2
"""How long to wait for messages when there are none: bounds how late a stop and a heartbeat may be."""
REPORT_EVERY_S = 30.0
STRAIN_EVERY_S = 1.0
HINTS_IDLE_S = 10.0
"""After this without a frame of its source, a channel of hints is let go."""

HintChannel = Callable[[Origin], str]
"""The name of the channel to the capture worker of a source."""


@dataclass(slots=True)
class InferenceCounts:
    """What the worker has done so far."""

    frames: int = 0
    crops: int = 0
    batches: int = 0
    failed: int = 0
    """Batches that the classifier could not answer; their detected faces went on with what the detector knew."""
    disbelieved: int = 0
    """Crops that were followed to and showed no face."""
    unexpected: int = 0
    """Messages of a kind that does not belong into the channel."""


@dataclass(slots=True)
class InferenceWorker:
    """Turns the crops of FrameFaces into FrameSignals, micro-batched over all students.

    Every frame that is not too old comes out, with or without faces, in the order it came in per source; SourceStatus
    passes in the same order. What may be read is up to each frame's mode (see FaceReader). A crop that was followed to
    and shows no face leaves its frame; where the face of any crop has moved goes back to the capture worker on
    ``hint_channel``, if there is one.
    """

    context: WorkerContext
    reader: FaceReader
    limits: BatchLimits = field(default_factory=BatchLimits)
    hint_channel: HintChannel | None = None
    counts: InferenceCounts = field(default_factory=InferenceCounts)
    meters: Meters = field(default_factory=Meters)
    faces_channel: str = FACES_CHANNEL
    """Whose crops it reads; where students are spread over several of these workers, each has its own."""
    traces: Traces = field(default_factory=NoTraces)

    def run(self, stop: Stop) -> None:
        """Work until ``stop`` is set, then finish what is at hand and return."""
        receiver = self.context.receiver(self.faces_channel)
        sender = self.context.sender(SIGNALS_CHANNEL)
        batcher = MicroBatcher(self.limits, self.context.clock.monotonic)
        hints = _Hints(self.context, self.hint_channel)
        try:
            reported = _Reported(self.context.clock, self.meters)
            while not stop.is_set():
                self.context.beat()
                self._receive(receiver, batcher)
                while batcher.due_in_s() == 0:
                    self._work_off(batcher.take(), sender, hints)
                reported.losses(batcher, self.counts)
                reported.strain(batcher, self.counts, sender)
            self._receive(receiver, batcher, wait=False)
            while len(batcher):
                self._work_off(batcher.take(), sender, hints)
        finally:
            receiver.close()
            sender.close()
            hints.close()

    def _receive(self, receiver: Receiver, batcher: MicroBatcher, wait: bool = True) -> None:
        due_in_s = batcher.due_in_s()
        timeout_s = IDLE_S if due_in_s is None else min(due_in_s, IDLE_S)
        for message in receiver.receive(timeout_s if wait else 0.0):
            if isinstance(message, FrameFaces | SourceStatus):
                batcher.add(message)
            else:
                self.counts.unexpected += 1
                log.warning("unexpected message kind=%s", type(message).__name__)

    def _work_off(self, batch: Sequence[BatchMessage], sender: Sender, hints: _Hints) -> None:
        frames = [message for message in batch if isinstance(message, FrameFaces)]
        began = self.context.clock.now().timestamp()
        found = iter(self._read([(crop, frame.mode) for frame in frames for crop in frame.faces]))
        ended = self.context.clock.now().timestamp()
        for frame in frames:
            self.traces.stage(
                "inference", (frame.origin.session_id, frame.origin.student_id, frame.captured_at), began, ended
            )
        for message in batch:
            if isinstance(message, SourceStatus):
                sender.send(message)
                continue
            faces = [next(found) for _ in message.faces]
            hints.send(message, faces)
            kept = [self.reader.believed(crop, face) for crop, face in zip(message.faces, faces, strict=True)]
            sender.send(_frame_signals(message, tuple(face for face, keep in zip(faces, kept, strict=True) if keep)))
            self.counts.frames += 1
            self.counts.disbelieved += kept.count(False)
        now_s = self.context.clock.monotonic()
        self.meters.observe("inferred_age_seconds", [now_s - frame.monotonic_s for frame in frames])

    def _read(self, crops: Sequence[tuple[FaceCrop, Mode]]) -> list[FaceSignals]:
        wanted = sum(self.reader.wants(mode) for _, mode in crops)
        self.counts.batches += wanted > 0
        self.counts.crops += wanted
        began_s = self.context.clock.monotonic()
        try:
            found = self.reader.read(crops)
            if wanted:
                self.meters.observe("batch_size", [wanted])
                self.meters.observe("batch_seconds", [self.context.clock.monotonic() - began_s])
            return found
        except Exception:  # the worker's boundary: one bad batch must not end the lesson of all students
            self.counts.failed += 1
            self.meters.count("batches_failed")
            log.exception("classification failed crops=%d size_px=%d", wanted, CROP_SIZE_PX)
            return [bare_signals(crop) for crop, _ in crops]


class _Hints:
    """The channels back to the capture workers, opened when first needed."""

    def __init__(self, context: WorkerContext, channel: HintChannel | None) -> None:
        self._context = context
        self._channel = channel
        self._senders: dict[str, tuple[Sender, float]] = {}

    def send(self, frame: FrameFaces, faces: Sequence[FaceSignals]) -> None:
        """Tell the frame's capture worker where its faces turned out to be."""
        if self._channel is None:
            return
        for face in faces:
            if face.face_score is not None and face.box_shift is not None:
                hint = Hint(frame.origin, frame.seq, frame.monotonic_s, face.track_id, face.face_score, face.box_shift)
                self._sender(self._channel(frame.origin)).send(hint)

    def close(self) -> None:
        """Let go of all channels."""
        for sender, _ in self._senders.values():
            sender.close()
        self._senders.clear()

    def _sender(self, channel: str) -> Sender:
        now_s = self._context.clock.monotonic()
        known = self._senders.get(channel)
        if known is None:
            for name, (sender, used_s) in list(self._senders.items()):
                if now_s - used_s > HINTS_IDLE_S:
                    sender.close()
                    del self._senders[name]
        sender = self._context.sender(channel) if known is None else known[0]
        self._senders[channel] = (sender, now_s)
        return sender


class _Reported:
    """Says in the log, at most every REPORT_EVERY_S, how much had to be dropped, and to the collector every second."""

    def __init__(self, clock: Clock, meters: Meters) -> None:
        self._clock = clock
        self._meters = meters
        self._at_s = self._strain_s = clock.monotonic()
        self._dropped = 0
        self._said = {"frames_inferred": 0, "frames_stale": 0, "frames_crowded": 0, "crops_disbelieved": 0}

    def strain(self, batcher: MicroBatcher, counts: InferenceCounts, sender: Sender) -> None:
        """Tell the collector how many frames were answered and dropped since the last time, once a second."""
        if self._clock.monotonic() - self._strain_s < STRAIN_EVERY_S:
            return
        self._strain_s = self._clock.monotonic()
        now = {
            "frames_inferred": counts.frames,
            "frames_stale": batcher.stale,
            "frames_crowded": batcher.crowded,
            "crops_disbelieved": counts.disbelieved,
        }
        new = {name: number - self._said[name] for name, number in now.items()}
        self._said = now
        for name, number in new.items():
            self._meters.count(name, number)
        self._meters.set("inference_queue", len(batcher))
        sender.send(Strain(new["frames_inferred"], new["frames_stale"] + new["frames_crowded"]))

    def losses(self, batcher: MicroBatcher, counts: InferenceCounts) -> None:
        dropped = batcher.stale + batcher.crowded
        if dropped > self._dropped and self._clock.monotonic() - self._at_s >= REPORT_EVERY_S:
            log.warning(
                "inference is late stale=%d crowded=%d frames=%d", batcher.stale, batcher.crowded, counts.frames
            )
            self._dropped, self._at_s = dropped, self._clock.monotonic()


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
