"""The capture worker: pace, reconnecting, statuses, what leaves it. All time is made by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from engage.capture.looking import Looked
from engage.capture.worker import CaptureJob, CaptureWorker, Ends
from engage.core.types import Box, FaceCrop, Frame, FrameFaces, Hint, Mode, Origin, RateHint, SourceState, SourceStatus
from engage.errors import SourceEnded, SourceError, SourceLost

ORIGIN = Origin(1, 2, 3)
JOB = CaptureJob(ORIGIN, Mode.FULL, rate_fps=5.0, reconnect_first_s=0.5, reconnect_longest_s=4.0)
CROP = FaceCrop(1, np.zeros((48, 48), np.uint8), Box(0, 0, 10, 10), 0.9)


class World:
    """A clock, a stop and a heartbeat in one; waiting moves the clock, and at ``end_s`` stopping is asked for."""

    def __init__(self, end_s: float = 10.0) -> None:
        self.clock = self
        self.s = 0.0
        self.end_s = end_s
        self.beats: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.s)

    def monotonic(self) -> float:
        return self.s

    def is_set(self) -> bool:
        return self.s >= self.end_s

    def wait(self, timeout: float | None = None) -> bool:
        self.s += timeout or 0.0
        return self.is_set()

    def beat(self) -> None:
        self.beats.append(self.s)


class Script:
    """A source that follows a script: each item is an error, None for silence, or the seconds a frame takes."""

    live = True

    def __init__(self, world: World, items: Iterable[Exception | float | None], opens: Iterable[Exception | None] = ()):
        self.name = "script"
        self.skipped = 0
        self.world = world
        self.items = iter(items)
        self.opens = iter(opens)
        self.opened_at: list[float] = []
        self.closed = 0
        self.seq = 0

    def open(self) -> None:
        self.opened_at.append(self.world.s)
        error = next(self.opens, None)
        if error:
            raise error

    def read(self, timeout_s: float) -> Frame | None:
        item = next(self.items, 0.01)
        if isinstance(item, Exception):
            raise item
        if item is None:
            self.world.s += timeout_s
            return None
        self.world.s += item
        self.seq += 1
        self.skipped += 2
        return Frame(np.zeros((4, 4, 3), np.uint8), self.seq, self.world.now(), self.world.s, self.world.s)

    def close(self) -> None:
        self.closed += 1


class Eyes:
    """Finds one face in every frame, or does what ``look`` says."""

    def __init__(self, faces: tuple[FaceCrop, ...] = (CROP,), fail: Callable[[Frame], bool] = lambda _: False) -> None:
        self.faces = faces
        self.fail = fail
        self.modes: set[Mode] = set()
        self.learnt: list[Hint] = []
        self.resets = 0

    def look(self, frame: Frame, mode: Mode) -> Looked:
        self.modes.add(mode)
        if self.fail(frame):
            raise ValueError("odd frame")
        return Looked(self.faces, 0.5)

    def learn(self, hint: Hint) -> None:
        self.learnt.append(hint)

    def reset(self) -> None:
        self.resets += 1


class Inbox:
    """Gives out one group of messages per call, without time passing."""

    def __init__(self, groups: Iterable[Sequence[object]]) -> None:
        self.groups = iter(groups)
        self.waits: set[float] = set()
        self.closed = False

    def receive(self, timeout_s: float, limit: int = 256) -> list[object]:
        self.waits.add(timeout_s)
        return list(next(self.groups, ()))

    def close(self) -> None:
        self.closed = True


class Outbox:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.dropped = 0
        self.closed = False
        self.messages: list[object] = []

    def send(self, message: object) -> None:
        assert not self.closed
        self.messages.append(message)

    def close(self) -> None:
        self.closed = True

    @property
    def frames(self) -> list[FrameFaces]:
        return [message for message in self.messages if isinstance(message, FrameFaces)]

    @property
    def statuses(self) -> list[tuple[SourceState, str]]:
        return [(found.state, found.detail) for found in self.messages if isinstance(found, SourceStatus)]


def run(
    source: Script, eyes: Eyes | None = None, job: CaptureJob = JOB, hints: Inbox | None = None
) -> tuple[CaptureWorker, Outbox]:
    outbox = Outbox()
    worker = CaptureWorker(job, source, eyes or Eyes(), Ends(outbox, hints), source.world)
    worker.run(source.world)
    assert outbox.closed and source.closed
    return worker, outbox


@pytest.mark.parametrize("frame_s", [0.01, 0.1, 0.18])
def test_keeps_the_agreed_rate_whatever_the_camera_takes(frame_s: float) -> None:
    world = World(end_s=20.0)
    worker, outbox = run(Script(world, [frame_s] * 1000))
    assert 98 <= len(outbox.frames) <= 101
    assert worker.counts.read == len(outbox.frames)
    assert worker.counts.skipped == 2 * worker.counts.read


def test_catches_up_on_nothing_after_a_slow_frame() -> None:
    world = World(end_s=10.0)
    _, outbox = run(Script(world, [0.01, 5.0]))
    times = [frame.monotonic_s for frame in outbox.frames]
    assert sum(later - earlier < 0.15 for earlier, later in itertools.pairwise(times)) <= 1


def test_frames_carry_their_origin_and_come_also_without_a_face() -> None:
    world = World(end_s=1.0)
    _, outbox = run(Script(world, []), Eyes(faces=()))
    assert len(outbox.frames) == 5
    for frame in outbox.frames:
        assert (frame.origin, frame.mode, frame.faces, frame.brightness) == (ORIGIN, Mode.FULL, (), 0.5)
    assert outbox.statuses == [(SourceState.LIVE, "script")]


def test_says_live_once_and_before_the_first_frame() -> None:
    _, outbox = run(Script(World(), [None, None, 0.1]))
    assert isinstance(outbox.messages[0], SourceStatus)
    assert outbox.statuses == [(SourceState.LIVE, "script")]


def test_a_lost_source_is_opened_again_and_said_once_each() -> None:
    world = World(end_s=5.0)
    eyes = Eyes()
    worker, outbox = run(Script(world, [0.1, SourceLost("gone"), 0.1, 0.1]), eyes)
    assert outbox.statuses == [
        (SourceState.LIVE, "script"),
        (SourceState.LOST, "gone"),
        (SourceState.LIVE, "script"),
    ]
    assert eyes.resets == 1 and worker.counts.lost == 1


def test_pauses_between_tries_double_up_to_the_longest_and_start_over_after_a_frame() -> None:
    world = World(end_s=40.0)
    opens = [SourceError("no answer")] * 6 + [None]
    source = Script(world, [0.0, SourceLost("gone")], opens)
    _, outbox = run(source)
    tries = source.opened_at
    pauses = [round(later - earlier, 6) for earlier, later in itertools.pairwise(tries)]
    assert pauses[:6] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert pauses[6] < 1.0
    assert outbox.statuses[0] == (SourceState.LOST, "no answer")
    assert len(outbox.statuses) == 4


def test_ends_with_its_source() -> None:
    world = World(end_s=1e9)
    _, outbox = run(Script(world, [0.1, 0.1, SourceEnded("over")]))
    assert outbox.statuses[-1] == (SourceState.ENDED, "over")
    assert len(outbox.frames) == 2


def test_an_error_nobody_thought_of_does_not_end_the_worker() -> None:
    world = World(end_s=5.0)
    worker, outbox = run(Script(world, [0.1, RuntimeError("secret detail"), 0.1]))
    states = [state for state, _ in outbox.statuses]
    assert states == [SourceState.LIVE, SourceState.LOST, SourceState.LIVE]
    assert "secret" not in outbox.statuses[1][1]
    assert worker.counts.lost == 1


def test_a_frame_that_cannot_be_looked_at_is_counted_and_passed_over() -> None:
    world = World(end_s=1.9)
    worker, outbox = run(Script(world, []), Eyes(fail=lambda frame: frame.seq % 2 == 0))
    assert worker.counts.failed == 5
    assert [frame.seq % 2 for frame in outbox.frames] == [1] * 5


@pytest.mark.parametrize(
    "items", [[None] * 100, [SourceLost("gone")] * 100, [0.01] * 1000], ids=["silent", "lost", "live"]
)
def test_beats_at_least_every_second_whatever_happens(items: list[Exception | float | None]) -> None:
    world = World(end_s=30.0)
    run(Script(world, items))
    beats = [0.0, *world.beats, 30.0]
    assert max(later - earlier for earlier, later in itertools.pairwise(beats)) <= 1.0


def test_stops_within_a_second_while_it_waits_to_reconnect() -> None:
    world = World(end_s=3.2)
    job = replace(JOB, reconnect_first_s=1000.0, reconnect_longest_s=1000.0)
    run(Script(world, [], [SourceError("no answer")] * 9), job=job)
    assert world.s < 4.2


def test_hands_its_mode_to_the_finder() -> None:
    eyes = Eyes()
    _, outbox = run(Script(World(end_s=1.0), []), eyes, replace(JOB, mode=Mode.PRESENCE))
    assert eyes.modes == {Mode.PRESENCE}
    assert {frame.mode for frame in outbox.frames} == {Mode.PRESENCE}


def test_hints_reach_the_finder_and_nobody_waits_for_them() -> None:
    world, eyes = World(end_s=1.0), Eyes()
    hints = [Hint(ORIGIN, seq, 0.0, 1, 0.9, (0.1, 0.0, 0.0)) for seq in range(3)]
    inbox = Inbox([hints[:2], [], [object(), hints[2]]])
    _, outbox = run(Script(world, [0.01] * 10), eyes, hints=inbox)
    assert eyes.learnt == hints
    assert inbox.waits == {0.0} and inbox.closed
    assert len(outbox.frames) == 5


def test_a_worker_that_adapts_begins_with_the_least_and_follows_hints_within_bounds() -> None:
    def frames_between(outbox: Outbox, begin_s: float, end_s: float) -> int:
        return sum(begin_s <= frame.monotonic_s < end_s for frame in outbox.frames)

    hints = Inbox([(), *[()] * 18, [RateHint(ORIGIN, 4.0)], *[()] * 38, [RateHint(ORIGIN, 0.5)], *[()] * 18])
    hints.groups = itertools.chain(hints.groups, [[RateHint(ORIGIN, 99.0)]])
    _, outbox = run(Script(World(end_s=40.0), []), job=replace(JOB, first_fps=2.0), hints=hints)
    assert frames_between(outbox, 0.0, 9.0) == pytest.approx(18, abs=1)
    assert frames_between(outbox, 10.0, 19.0) == pytest.approx(36, abs=1)
    assert frames_between(outbox, 20.0, 28.0) == pytest.approx(16, abs=1), "never below what a score needs"
    assert frames_between(outbox, 31.0, 39.0) == pytest.approx(40, abs=1), "never above what was agreed"


def test_a_worker_that_does_not_adapt_keeps_its_rate() -> None:
    _, outbox = run(Script(World(end_s=10.0), []), hints=Inbox([[RateHint(ORIGIN, 2.0)]]))
    assert 49 <= len(outbox.frames) <= 51
