"""A picture with many people, along the whole line: what leaves its worker, and what is stored of whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from engage.capture.reading import Pace
from engage.capture.shared_view import NAME_TAKEN_OFF, SharedEnds, SharedParts, SharedViewWorker
from engage.core.policy import Consent, GivenBy, Jurisdiction, Subject
from engage.core.scoring_settings import ScoringSettings
from engage.core.shared import Hold, Nameable, NameFace, SharedView, Standing, standing
from engage.core.types import Face, Frame, FrameFaces, Image, Mode, Origin, SourceState, SourceStatus
from engage.errors import SourceEnded
from engage.inference.batching import BatchLimits
from engage.inference.reading import FaceReader
from engage.inference.worker import InferenceWorker
from engage.pipeline.collector import Collector, CollectorSettings
from engage.storage.database import Database
from engage.storage.store import SqlStore
from engage.vision.tiles import TileKeeper
from tests.pipeline.test_modes import Context, Network, Pages, Pipe, Time
from tests.vision.painted import Layout, row

FPS, FRAMES = 2, 20
ALL = row("ada", "ben", "cleo")
FREE = Standing(True, Mode.FULL)
STRANGER = 99


class Window:
    """Shows one layout per frame, then ends; ``before`` runs ahead of each frame. It is the detector too."""

    name, live, skipped = "window", False, 0

    def __init__(self, time: Time, layouts: Callable[[int], Layout], before: Callable[[int], None]) -> None:
        self.time, self.layouts, self.before = time, layouts, before
        self.seq = 0

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read(self, timeout_s: float) -> Frame | None:
        if self.seq == FRAMES:
            raise SourceEnded("over")
        self.seq += 1
        self.before(self.seq)
        image = self.layouts(self.seq).picture(self.time.s).image
        return Frame(image, self.seq, self.time.now(), self.time.s, self.time.s)

    def detect(self, image: Image) -> list[Face]:
        return [Face(box, 0.9) for box in self.layouts(self.seq).faces().values()]


@dataclass
class Words:
    """What the teacher has said and the worker not heard yet."""

    waiting: list[NameFace] = field(default_factory=list)

    def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
        heard, self.waiting = list(self.waiting), []
        return list(heard)

    def close(self) -> None:
        """Nothing to do."""


class Lesson:
    """A worker on a painted window, with everything that it says."""

    def __init__(
        self, session: int, students: tuple[int, int], layouts: Callable[[int], Layout] = lambda _: ALL
    ) -> None:
        self.ada, self.ben = students
        self.time, self.words, self.found, self.views = Time(), Words(), Pipe(), Pipe()
        self.standings = {self.ada: FREE, self.ben: FREE, STRANGER: Standing(False, None, "said no")}
        self.at: dict[int, Callable[[], None]] = {}
        self.origin = Origin(session, 7, 0)
        window = Window(self.time, layouts, lambda frame: self.at.get(frame, lambda: None)())
        parts = SharedParts(window, window, TileKeeper(), lambda: self.standings)
        ends = SharedEnds(self.found, self.views, self.words)
        self.worker = SharedViewWorker(self.origin, Pace(FPS), parts, ends, self.time)

    def say(self, student: int | None, who: int | None) -> None:
        """Put a student's name on the face at a place, from the left; None takes it off."""
        faces = self.view().faces
        face_id = None if who is None else sorted(faces, key=lambda face: face.box.x)[who].id
        self.words.waiting.append(NameFace(self.origin.session_id, 7, student, face_id))

    def view(self) -> SharedView:
        """Return the newest view."""
        view = self.views.messages[-1]
        assert isinstance(view, SharedView)
        return view

    def run(self) -> None:
        """Look at all frames."""
        self.worker.run(self.time)

    def frames(self, student: int) -> list[FrameFaces]:
        """Return what went on of a student."""
        sent = [message for message in self.found.messages if isinstance(message, FrameFaces)]
        return [frame for frame in sent if frame.origin.student_id == student]

    def statuses(self, student: int) -> list[tuple[SourceState, str]]:
        """Return what was told of a student's source."""
        told = [message for message in self.found.messages if isinstance(message, SourceStatus)]
        return [(status.state, status.detail) for status in told if status.origin.student_id == student]


@pytest.fixture
def backend() -> str:
    """One database is enough: what is stored is decided before it."""
    return "sqlite"


def test_named_faces_are_stored_and_the_others_are_boxes_and_nothing_more(database: Database, school: Any) -> None:
    lesson = Lesson(school.session.id, (school.students[0].id, school.students[1].id))
    lesson.at = {3: lambda: lesson.say(lesson.ada, 0), 4: lambda: lesson.say(lesson.ben, 1)}
    lesson.run()
    assert len(lesson.view().faces) == 3
    assert lesson.worker.counts.faces == 3 * FRAMES
    assert lesson.worker.counts.crops == sum(len(lesson.frames(each)) for each in (lesson.ada, lesson.ben))

    network, signals = Network(), Pipe()
    context = Context({"faces": lesson.found, "signals": signals}, lesson.time)
    InferenceWorker(context, FaceReader(network), BatchLimits(max_age_s=1e6)).run(lesson.found.stop)
    settings = CollectorSettings(ScoringSettings())
    collector = Collector(settings, SqlStore(database, settings.scoring), Pages(), lambda *_: ((), ()), lesson.time)
    collector.run(signals, lambda: None, signals.stop)
    assert network.crops == lesson.worker.counts.crops  # of the third face, none
    with database.engine.connect() as connection:
        stored = connection.execute(text("SELECT student_id, count(*) FROM samples GROUP BY student_id")).all()
    assert {student for student, _ in stored} == {lesson.ada, lesson.ben}
    assert all(count >= FRAMES / FPS - 4 for _, count in stored)


def test_without_a_name_nothing_leaves_but_boxes() -> None:
    lesson = Lesson(1, (1, 2))
    lesson.run()
    assert lesson.found.messages == []
    assert [len(view.faces) for view in lesson.views.messages if isinstance(view, SharedView)] == [3] * FRAMES


def test_who_may_not_be_named_is_not() -> None:
    lesson = Lesson(1, (1, 2))
    lesson.at = {3: lambda: lesson.say(STRANGER, 0), 4: lambda: lesson.say(12345, 1)}
    lesson.run()
    assert lesson.found.messages == [] and lesson.view().names == ()


def test_a_withdrawn_yes_takes_the_name_off_with_the_next_frame() -> None:
    lesson = Lesson(1, (1, 2))
    refuse = {lesson.ada: Standing(False, None, "said no")}
    lesson.at = {3: lambda: lesson.say(lesson.ada, 0), 10: lambda: lesson.standings.update(refuse)}
    lesson.run()
    assert max(frame.seq for frame in lesson.frames(lesson.ada)) == 9
    assert lesson.statuses(lesson.ada)[-1] == (SourceState.ENDED, NAME_TAKEN_OFF)
    assert lesson.view().names == ()


def test_a_pause_keeps_the_name_and_sends_nothing() -> None:
    lesson = Lesson(1, (1, 2))
    paused, going_on = {lesson.ada: Standing(True, None, "paused")}, {lesson.ada: FREE}
    lesson.at = {
        3: lambda: lesson.say(lesson.ada, 0),
        8: lambda: lesson.standings.update(paused),
        14: lambda: lesson.standings.update(going_on),
    }
    lesson.run()
    assert {frame.seq for frame in lesson.frames(lesson.ada)} == {*range(4, 8), *range(14, FRAMES + 1)}


def test_under_presence_no_pixels_leave() -> None:
    lesson = Lesson(1, (1, 2))
    lesson.standings[lesson.ada] = Standing(True, Mode.PRESENCE)
    lesson.at = {3: lambda: lesson.say(lesson.ada, 0)}
    lesson.run()
    crops = [face for frame in lesson.frames(lesson.ada) for face in frame.faces]
    assert crops and all(crop.pixels.size == 0 and crop.pose is None for crop in crops)


def test_unsure_stops_at_once_and_asks() -> None:
    look_alike = row("ada", "ben", "cleo", "eve")
    lesson = Lesson(1, (1, 2), lambda frame: ALL if frame < 10 else look_alike)
    lesson.at = {3: lambda: lesson.say(lesson.ada, 0), 4: lambda: lesson.say(lesson.ben, 1)}
    lesson.run()
    assert max(frame.seq for frame in lesson.frames(lesson.ada)) < 10
    assert max(frame.seq for frame in lesson.frames(lesson.ben)) == FRAMES
    names = {name.student_id: name for name in lesson.view().names}
    assert names[lesson.ada].hold is Hold.UNSURE and names[lesson.ada].alike
    assert lesson.statuses(lesson.ada)[-2][0] is SourceState.LOST


def test_who_is_away_from_a_tile_in_view_is_told_so_and_who_is_hidden_is_no_data() -> None:
    away, hidden = row("ada", "ben", "cleo", absent=("ada",)), row("ben", "cleo")
    lesson = Lesson(1, (1, 2), lambda frame: ALL if frame < 8 else away if frame < 14 else hidden)
    lesson.at = {3: lambda: lesson.say(lesson.ada, 0)}
    lesson.run()
    empty = [frame.seq for frame in lesson.frames(lesson.ada) if not frame.faces]
    assert empty == list(range(8, 14))
    assert max(frame.seq for frame in lesson.frames(lesson.ada)) == 13


def test_taking_off_one_name_or_all(backend: str) -> None:
    lesson = Lesson(1, (1, 2))
    lesson.at = {
        3: lambda: lesson.say(lesson.ada, 0),
        4: lambda: lesson.say(lesson.ben, 1),
        9: lambda: lesson.say(lesson.ada, None),
        13: lambda: lesson.say(None, None),
    }
    lesson.run()
    assert max(frame.seq for frame in lesson.frames(lesson.ada)) == 9
    assert max(frame.seq for frame in lesson.frames(lesson.ben)) == 13


def test_without_the_gates_answer_nothing_goes_on() -> None:
    lesson = Lesson(1, (1, 2))

    def fail() -> None:
        lesson.standings = {}  # and nobody is allowed

    lesson.at = {3: lambda: lesson.say(lesson.ada, 0), 8: fail}
    lesson.run()
    assert max(frame.seq for frame in lesson.frames(lesson.ada)) == 7


YES = Consent(True, GivenBy.STUDENT, datetime(2026, 3, 2, tzinfo=UTC))
AMINA = Nameable(1, "Amina", "A1", Subject(virtual=False, minor=False, consent=YES), paused=False, own_camera=False)


@pytest.mark.parametrize(
    ("person", "jurisdiction", "expected"),
    [
        (AMINA, Jurisdiction.UK, (True, Mode.FULL)),
        (AMINA, Jurisdiction.EU, (True, Mode.PRESENCE)),
        (AMINA, None, (False, None)),
        (replace(AMINA, paused=True), Jurisdiction.UK, (True, None)),
        (replace(AMINA, own_camera=True), Jurisdiction.UK, (False, None)),
        (replace(AMINA, subject=Subject(False, False, None)), Jurisdiction.UK, (False, None)),
        (replace(AMINA, subject=Subject(True, False, None)), Jurisdiction.UK, (False, None)),
        (replace(AMINA, subject=Subject(False, True, YES)), Jurisdiction.UK, (False, None)),
    ],
)
def test_the_gate(person: Nameable, jurisdiction: Jurisdiction | None, expected: tuple[bool, Mode | None]) -> None:
    found = standing(jurisdiction, Mode.FULL, person)
    assert (found.nameable, found.mode) == expected
    assert bool(found.reason) is (found.mode is None)
