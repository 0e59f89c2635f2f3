"""What each mode lets through, along the whole line: capture → inference → collector → database → page.

Everything runs in this process and in one thread; the network is a double that would give all away.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from engage.capture.looking import FaceFinder
from engage.capture.worker import CaptureJob, CaptureWorker, Ends
from engage.core.live import EMOJI, update_payload
from engage.core.protocols import Message
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FrameSignals, SignalArrays
from engage.core.types import EMOTIONS, Box, Face, Frame, FrameFaces, Image, Mode, Origin
from engage.core.updates import LiveUpdate
from engage.errors import SourceEnded
from engage.inference.batching import BatchLimits
from engage.inference.reading import EXPRESSIVE, PLAIN, FaceReader
from engage.inference.worker import InferenceWorker
from engage.pipeline.collector import Collector, CollectorSettings
from engage.storage.database import Database
from engage.storage.store import SqlStore
from engage.vision.following import FollowRules

FPS, SECONDS = 5, 40
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LANDMARKS = np.array([[35, 50], [65, 50], [50, 65], [38, 80], [62, 80]], np.float32)


class Time:
    """A clock, a stop and a heartbeat in one; waiting moves it."""

    def __init__(self) -> None:
        self.clock = self
        self.s = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.s)

    def monotonic(self) -> float:
        return self.s

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        self.s += timeout or 0.0
        return False

    def beat(self) -> None:
        """Nobody watches."""


class Camera:
    """Shows noise for a while, then ends."""

    name, live, skipped = "camera", False, 0

    def __init__(self, time: Time) -> None:
        self.time = time
        self.seq = 0

    def open(self) -> None:
        """Nothing to do."""

    def read(self, timeout_s: float) -> Frame | None:
        if self.seq == FPS * SECONDS:
            raise SourceEnded("over")
        image = np.random.default_rng(self.seq).integers(90, 160, (120, 160, 3), np.uint8)
        self.seq += 1
        return Frame(image, self.seq, self.time.now(), self.time.s, self.time.s)

    def close(self) -> None:
        """Nothing to do."""


class Detector:
    """Finds one face with landmarks, whatever is shown."""

    name = "one"

    def detect(self, image: Image) -> list[Face]:
        return [Face(Box(20, 20, 60, 80), 0.9, LANDMARKS)]


class Network:
    """Sees a happy face that nods and yawns."""

    name = "network"
    reads_signals = True

    def __init__(self) -> None:
        self.crops = 0
        self.expressions = 0

    def predict(self, crops: Image) -> NDArray[np.float32]:
        self.expressions += len(crops)
        return np.tile(np.array([0.05, 0.93, *[0.02 / 6] * 6], np.float32), (len(crops), 1))

    def signals(self, crops: Image, expression: bool = True) -> SignalArrays:
        at_s = np.arange(self.crops, self.crops + len(crops), dtype=np.float32) / FPS
        self.crops += len(crops)
        half = np.full(len(crops), 0.5, np.float32)
        values: dict[str, Any] = dict.fromkeys((*PLAIN, *EXPRESSIVE), half)
        values["pitch_deg"] = 8 * np.sin(2 * np.pi * 1.2 * at_s)
        values["mouth_open"] = np.where((at_s > 10) & (at_s < 15), 0.95, 0.0).astype(np.float32)
        shown = self.predict(crops) if expression else None
        return SignalArrays(
            expression=shown, face_score=half * 1.9, box_shift=np.zeros((len(crops), 3), np.float32), **values
        )


@dataclass
class Pipe:
    """A channel that keeps everything; closed when read empty."""

    messages: list[Message] = field(default_factory=list)
    given: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    dropped: int = 0

    def send(self, message: Message) -> None:
        self.messages.append(message)

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        found = self.messages[self.given : self.given + 4]
        self.given += len(found)
        if self.given == len(self.messages):
            self.stop.set()
        return found

    def close(self) -> None:
        """Nothing to do."""


@dataclass
class Context:
    """Gives the inference worker its pipes."""

    pipes: dict[str, Pipe]
    clock: Time
    name: str = "inference"

    def sender(self, channel: str) -> Pipe:
        return self.pipes.setdefault(channel, Pipe())

    receiver = sender

    def beat(self) -> None:
        """Nobody watches."""


class Pages:
    """Keeps what live pages are told, as text."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def publish(self, update: LiveUpdate) -> None:
        self.told.append(update_payload(update, 0.4))


@dataclass
class Trace:
    """What each part of the line passed on."""

    network: Network
    faces: list[FrameFaces]
    signals: list[FrameSignals]
    hints: int
    samples: Sequence[dict[str, Any]]
    gestures: int
    pages: list[dict[str, Any]]


@pytest.fixture
def backend() -> str:
    """One database is enough: what is stored is decided before it."""
    return "sqlite"


@pytest.fixture
def trace(request: pytest.FixtureRequest, database: Database, school: Any) -> Trace:
    """Return what a lesson of one student leaves behind in the mode asked for."""
    mode, time, network = request.param, Time(), Network()
    origin = Origin(school.session.id, 1, school.students[0].id)
    pipes = {"faces": Pipe(), "signals": Pipe()}
    following = FollowRules(enabled=mode is not Mode.PRESENCE)
    CaptureWorker(
        CaptureJob(origin, mode, FPS), Camera(time), FaceFinder(Detector(), following=following),
        Ends(pipes["faces"]), time,
    ).run(time)  # fmt: skip
    limits = BatchLimits(max_age_s=1e6)
    inference = InferenceWorker(Context(pipes, time), FaceReader(network), limits, lambda _: "hints")
    inference.run(pipes["faces"].stop)
    pages = Pages()
    settings = CollectorSettings(ScoringSettings())
    collector = Collector(settings, SqlStore(database, settings.scoring), pages, lambda *_: ((), ()), time)
    collector.run(pipes["signals"], lambda: None, pipes["signals"].stop)
    with database.engine.connect() as connection:
        samples = [dict(row) for row in connection.execute(text("SELECT * FROM samples")).mappings()]
        scores = [dict(row) for row in connection.execute(text("SELECT * FROM scores")).mappings()]
        gestures = connection.execute(text("SELECT count(*) FROM gestures")).scalar_one()
    rows = [{**sample, **score} for sample, score in zip(samples, scores, strict=True)]
    return Trace(
        network,
        [message for message in pipes["faces"].messages if isinstance(message, FrameFaces)],
        [message for message in pipes["signals"].messages if isinstance(message, FrameSignals)],
        len(pipes["hints"].messages) if "hints" in pipes else 0,
        rows,
        gestures,
        pages.told,
    )


def known(rows: Sequence[dict[str, Any]], *starts: str) -> set[str]:
    """Return the columns, of those that start so, that hold anything."""
    return {name for row in rows for name, value in row.items() if name.startswith(starts) and value is not None}


def words(pages: Sequence[dict[str, Any]]) -> str:
    return json.dumps(pages, ensure_ascii=False)


@pytest.mark.parametrize("trace", [Mode.FULL], indirect=True)
def test_full_mode_passes_everything(trace: Trace) -> None:
    assert trace.network.expressions == trace.network.crops == FPS * SECONDS
    assert all(getattr(face, name) is not None for one in trace.signals for face in one.faces for name in EXPRESSIVE)
    assert len(known(trace.samples, "p_")) == len(EMOTIONS)
    assert trace.gestures > 0 and trace.hints == FPS * SECONDS
    assert EMOJI["happiness"] in words(trace.pages)
    assert any(row["value"] is not None for row in trace.samples)


@pytest.mark.parametrize("trace", [Mode.ATTENTION], indirect=True)
def test_attention_mode_passes_nothing_of_expression(trace: Trace) -> None:
    assert trace.network.crops == FPS * SECONDS and trace.network.expressions == 0
    for face in (face for one in trace.signals for face in one.faces):
        assert (face.expression, face.smile, face.brow) == (None, None, None)
        assert None not in (face.yaw_deg, face.gaze_x, face.left_eye_open, face.mouth_open)
    assert known(trace.samples, "p_") == set()
    assert {"yaw_deg", "pitch_deg", "gaze_x", "eyes_open"} <= known(trace.samples, "yaw", "pitch", "gaze", "eyes")
    assert any(row["value"] is not None for row in trace.samples)
    assert trace.gestures > 0 and trace.hints == FPS * SECONDS
    shown = words(trace.pages)
    assert not [mark for mark in (*EMOTIONS, *EMOJI.values()) if mark in shown]
    assert all("expression" not in sample["terms"] for page in trace.pages for sample in page["samples"])


@pytest.mark.parametrize("trace", [Mode.PRESENCE], indirect=True)
def test_presence_mode_passes_presence_alone(trace: Trace) -> None:
    assert trace.network.crops == trace.network.expressions == trace.hints == trace.gestures == 0
    assert all(crop.pixels.size == 0 and crop.pose is None for one in trace.faces for crop in one.faces)
    for face in (face for one in trace.signals for face in one.faces):
        assert face == type(face)(face.track_id, face.box, face.confidence)
    allowed = {
        "session_id", "student_id", "second", "captured_at", "frames", "duration_s", "face_share", "confidence",
        "brightness", "mode", "scoring_version_id", "reason", "terms",
    }  # fmt: skip
    assert known(trace.samples, "") <= allowed
    assert {row["reason"] for row in trace.samples} == {"presence only"}
    assert {name for row in trace.samples for name in json.loads(row["terms"])} <= {"presence"}
    shown = words(trace.pages)
    assert not [mark for mark in (*EMOTIONS, *EMOJI.values()) if mark in shown]
    assert {sample["score"] for page in trace.pages for sample in page["samples"]} == {None}
