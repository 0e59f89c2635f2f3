"""The worker behind "Try it": looks at one picture at a time for whoever asked, answers, and forgets it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from engage.core.looks import LOOKS, DrawnMoment, LookAnswer, LookRequest
from engage.core.protocols import Sender, Stop, WorkerContext
from engage.core.signals import FaceSignals
from engage.core.types import FaceCrop, Frame, Image, Mode
from engage.errors import EngageError
from engage.inference.reading import FaceReader

log = logging.getLogger(__name__)

IDLE_S = 0.2
WAITING = 8
"""Pictures that may wait; those that waited longest are answered as refused."""
ANSWERS_IDLE_S = 30.0
"""After this without a question from it, the channel to a web process is let go."""

BUSY = "Others are trying this right now; wait a moment, then try again."
STARTING = "The network is still being loaded; try again in a few seconds."
FAILED = "This picture could not be looked at; it has been written to the log, the picture has not."


class Looked(Protocol):
    """What a frame shows."""

    @property
    def faces(self) -> tuple[FaceCrop, ...]:
        """Return the crops of its faces; in mode PRESENCE their places alone."""


class Finder(Protocol):
    """Finds the faces of single pictures (see ``capture.looking.FaceFinder``)."""

    def look(self, frame: Frame, mode: Mode) -> Looked:
        """Return all faces in ``frame``."""

    def reset(self) -> None:
        """Forget the picture before."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looking takes; loaded when first needed, since few ever try."""

    finder: Finder
    reader: FaceReader


@dataclass(frozen=True, slots=True)
class LookParts:
    """What the worker is put together from; ``load`` takes seconds."""

    load: Callable[[], Eyes]
    decode: Callable[[bytes], Image]
    """Raises SourceError with one line for a picture that cannot, or may not, be read."""
    draw: Callable[[DrawnMoment], tuple[Image, bytes]]
    """A drawn student, and the same as a JPEG."""


@dataclass(slots=True)
class LookWorker:
    """Answers LookRequests in their order; keeps nothing, and lets nothing wait past its time.

    A request without a picture has the network loaded, and gets no answer.
    """

    context: WorkerContext
    parts: LookParts
    eyes: Future[Eyes] | None = None
    waiting: deque[LookRequest] = field(default_factory=deque)
    answers: dict[str, tuple[Sender, float]] = field(default_factory=dict)

    def run(self, stop: Stop) -> None:
        """Answer until ``stop`` is set."""
        receiver = self.context.receiver(LOOKS)
        loader = ThreadPoolExecutor(1, "load")
        try:
            while not stop.is_set():
                self.context.beat()
                for message in receiver.receive(0.0 if self.waiting and self._ready() else IDLE_S):
                    if isinstance(message, LookRequest):
                        self.eyes = self.eyes or loader.submit(self.parts.load)
                        self._queue(message)
                self._work()
        finally:
            loader.shutdown(wait=False, cancel_futures=True)
            receiver.close()
            for sender, _ in self.answers.values():
                sender.close()

    def _ready(self) -> bool:
        return self.eyes is not None and self.eyes.done()

    def _queue(self, request: LookRequest) -> None:
        if not request.picture and request.drawn is None:
            return
        self.waiting.append(request)
        if len(self.waiting) > WAITING:
            late = self.waiting.popleft()
            self._answer(late, LookAnswer(late.id, refusal=BUSY if self._ready() else STARTING))

    def _work(self) -> None:
        """Answer the oldest request that somebody still waits for."""
        now_s = self.context.clock.monotonic()
        while self.waiting and self.waiting[0].until_s < now_s:
            self.waiting.popleft()
        if not self.waiting or not self._ready():
            return
        request = self.waiting.popleft()
        try:
            answer = self._look(request)
        except EngageError as error:
            answer = LookAnswer(request.id, refusal=str(error))
            if self.eyes is not None and self.eyes.exception() is not None:
                self.eyes = None  # the network could not be loaded; the next request tries again
        except Exception:  # the worker's boundary: one strange picture must not end it for others
            log.exception("event=look_failed bytes=%d", len(request.picture))
            answer = LookAnswer(request.id, refusal=FAILED)
        self._answer(request, answer)

    def _look(self, request: LookRequest) -> LookAnswer:
        assert self.eyes is not None  # ``_ready`` has asked  # noqa: S101
        eyes = self.eyes.result()
        image, shown = self.parts.draw(request.drawn) if request.drawn else (self.parts.decode(request.picture), b"")
        height, width = image.shape[:2]
        eyes.finder.reset()
        frame = Frame(image, 0, self._now(), self.context.clock.monotonic(), 0.0)
        crops = eyes.finder.look(frame, request.mode).faces
        signals = eyes.reader.read([(crop, request.mode) for crop in crops])
        faces: tuple[FaceSignals, ...] = tuple(
            face for crop, face in zip(crops, signals, strict=True) if eyes.reader.believed(crop, face)
        )
        return LookAnswer(request.id, width, height, faces, shown)

    def _now(self) -> datetime:
        return self.context.clock.now()

    def _answer(self, request: LookRequest, answer: LookAnswer) -> None:
        now_s = self.context.clock.monotonic()
        for name, (sender, used_s) in list(self.answers.items()):
            if now_s - used_s > ANSWERS_IDLE_S:
                sender.close()
                del self.answers[name]
        known = self.answers.get(request.answer_to)
        sender = known[0] if known else self.context.sender(request.answer_to)
        self.answers[request.answer_to] = (sender, now_s)
        sender.send(answer)
