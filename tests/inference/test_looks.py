"""The worker behind "Try it": one answer for each who waits, and nothing for nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from engage.core.looks import LOOKS, DrawnMoment, LookAnswer, LookRequest
from engage.core.types import Box, FaceCrop, Frame, Image, Mode
from engage.errors import ModelError, SourceError
from engage.inference.looks import BUSY, STARTING, WAITING, Eyes, LookParts, LookWorker
from engage.inference.reading import FaceReader

PICTURE = np.full((30, 40, 3), 128, np.uint8)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.now_s


@dataclass
class Context:
    """Channels as lists; the stop is asked for when nothing is left to receive, or answered."""

    requests: list[LookRequest]
    stop: threading.Event
    name: str = "looks"
    clock: Clock = field(default_factory=Clock)
    sent: list[tuple[str, LookAnswer]] = field(default_factory=list)
    beats: int = 0
    wanted: int | None = None

    def sender(self, channel: str) -> Sent:
        return Sent(channel, self)

    def receiver(self, channel: str) -> Context:
        assert channel == LOOKS
        return self

    def receive(self, timeout_s: float, limit: int = 256) -> list[LookRequest]:
        found, self.requests = self.requests, []
        if not found and (self.wanted is None or len(self.sent) >= self.wanted):
            self.stop.set()
        return found

    def beat(self) -> None:
        self.beats += 1
        assert self.beats < 100_000, "no answer came"

    def close(self) -> None:
        pass


@dataclass
class Sent:
    channel: str
    context: Context
    dropped: int = 0

    def send(self, message: object) -> None:
        assert isinstance(message, LookAnswer)
        self.context.sent.append((self.channel, message))

    def close(self) -> None:
        pass


class Happy:
    """A classifier that finds everyone happy."""

    name = "happy"

    def predict(self, crops: Image) -> NDArray[np.float32]:
        row = np.full(8, 0.02, np.float32)
        row[1] = 0.86
        return np.tile(row, (len(crops), 1))


@dataclass(frozen=True)
class Seen:
    faces: tuple[FaceCrop, ...]


class OneFace:
    """A finder of one face in every picture; in mode PRESENCE without pixels, as the real one."""

    def look(self, frame: Frame, mode: Mode) -> Seen:
        pixels = np.zeros((0, 0) if mode is Mode.PRESENCE else (48, 48), np.uint8)
        return Seen((FaceCrop(1, pixels, Box(1, 2, 3, 4), 0.9),))

    def reset(self) -> None:
        pass


def load() -> Eyes:
    return Eyes(OneFace(), FaceReader(Happy()))


def request(name: str, until_s: float = 200.0, mode: Mode = Mode.FULL, picture: bytes = b"p") -> LookRequest:
    return LookRequest(name, "answers.a", mode, until_s, picture)


def decode(data: bytes) -> Image:
    if data == b"bad":
        raise SourceError("This picture is damaged and cannot be read.")
    if data == b"strange":
        raise RuntimeError("a bug of a decoder")
    return PICTURE


def work(*requests: LookRequest, wanted: int, loading: Callable[[], Eyes] = load) -> Context:
    """Return what the worker sent until ``wanted`` answers were there."""
    stop = threading.Event()
    context = Context(list(requests), stop, wanted=wanted)
    parts = LookParts(loading, decode, lambda moment: (PICTURE, b"jpeg of %d" % moment.seed))
    LookWorker(context, parts).run(stop)
    return context


def test_each_request_gets_its_answer_at_its_channel() -> None:
    other = LookRequest("2", "answers.b", Mode.FULL, 200.0, b"p")
    sent = work(request("1"), other, wanted=2).sent
    assert [(channel, answer.id) for channel, answer in sent] == [("answers.a", "1"), ("answers.b", "2")]
    answer = sent[0][1]
    assert (answer.width, answer.height, answer.picture) == (40, 30, b"")
    assert answer.faces[0].box == Box(1, 2, 3, 4)
    assert answer.faces[0].expression is not None
    assert np.argmax(answer.faces[0].expression) == 1


@pytest.mark.parametrize("mode", [Mode.ATTENTION, Mode.PRESENCE])
def test_what_the_mode_forbids_is_not_computed(mode: Mode) -> None:
    class Asked(Happy):
        def predict(self, crops: Image) -> NDArray[np.float32]:
            raise AssertionError("an expression was computed")

    sent = work(request("1", mode=mode), wanted=1, loading=lambda: Eyes(OneFace(), FaceReader(Asked()))).sent
    assert sent[0][1].refusal is None
    assert sent[0][1].faces[0].expression is None


def test_a_drawn_face_comes_with_its_picture() -> None:
    drawn = LookRequest("1", "answers.a", Mode.FULL, 200.0, drawn=DrawnMoment(7, 1.0))
    answer = work(drawn, wanted=1).sent[0][1]
    assert answer.picture == b"jpeg of 7"
    assert answer.faces


def test_a_bad_picture_is_refused_and_the_next_is_read() -> None:
    sent = work(request("1", picture=b"bad"), request("2", picture=b"strange"), request("3"), wanted=3).sent
    refusals = [answer.refusal for _, answer in sent]
    assert refusals[0] == "This picture is damaged and cannot be read."
    assert "log" in (refusals[1] or "")
    assert refusals[2] is None


def test_what_nobody_waits_for_is_dropped() -> None:
    sent = work(request("late", until_s=99.0), request("1"), wanted=1).sent
    assert [answer.id for _, answer in sent] == ["1"]


def test_a_full_queue_refuses_the_oldest() -> None:
    requests = [request(str(number)) for number in range(WAITING + 3)]
    refused = {answer.id: answer.refusal for _, answer in work(*requests, wanted=WAITING + 3).sent if answer.refusal}
    assert set(refused) == {"0", "1", "2"}
    assert set(refused.values()) <= {BUSY, STARTING}


def test_the_network_is_loaded_when_first_asked_for() -> None:
    loads: list[int] = []

    def loading() -> Eyes:
        loads.append(1)
        return load()

    assert work(wanted=0, loading=loading).sent == []
    assert loads == []
    ready = LookRequest("", "answers.a", Mode.PRESENCE, 0.0)
    assert [answer.id for _, answer in work(ready, request("1"), wanted=1, loading=loading).sent] == ["1"]
    assert loads == [1]


def test_a_network_that_cannot_be_loaded_is_said_and_tried_again() -> None:
    tries: list[int] = []

    def loading() -> Eyes:
        tries.append(1)
        raise ModelError("The model file is missing; fetch it again.")

    stop = threading.Event()
    context = Context([request("1")], stop, wanted=1)
    worker = LookWorker(context, LookParts(loading, decode, lambda _: (PICTURE, b"")))
    worker.run(stop)
    assert context.sent[0][1].refusal == "The model file is missing; fetch it again."
    stop.clear()
    context.requests, context.wanted = [request("2")], 2
    worker.run(stop)
    assert tries == [1, 1]
