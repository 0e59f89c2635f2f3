"""Tracks: ids that stay, whatever the order, the rate and short losses."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.core.types import Box, Face
from engage.vision.tracking import Tracker


def face(x: float, y: float = 100.0, size: float = 50.0, confidence: float = 0.9) -> Face:
    return Face(Box(x, y, size, size * 1.2), confidence)


def ids(tracker: Tracker, faces: list[Face], at_s: float) -> list[int]:
    return [tracked.track_id for tracked in tracker.update(faces, at_s)]


boxes = st.builds(Box, st.floats(-50, 700), st.floats(-50, 500), st.floats(5, 300), st.floats(5, 300))
faces_of_a_frame = st.lists(st.builds(Face, boxes, st.floats(0, 1)), max_size=6)


@settings(max_examples=80, deadline=None)
@given(frames=st.lists(st.tuples(faces_of_a_frame, st.floats(0, 3)), max_size=8))
def test_ids_are_unique_in_every_frame_and_faces_come_in_their_order(
    frames: list[tuple[list[Face], float]],
) -> None:
    tracker, now_s = Tracker(), 0.0
    for faces, gap_s in frames:
        now_s += gap_s
        tracked = tracker.update(faces, now_s)
        found = [one.track_id for one in tracked]
        assert len(set(found)) == len(found)
        assert set(found) <= set(tracker.expected(now_s))
        remaining = iter(faces)
        assert all(any(one.face is other for other in remaining) for one in tracked)
        assert (tracker.primary() is None) == (not tracker.expected(now_s))


@settings(max_examples=80, deadline=None)
@given(frames=st.lists(st.tuples(faces_of_a_frame, st.floats(0, 3)), max_size=6), seed=st.integers())
def test_the_order_of_detections_changes_nothing(frames: list[tuple[list[Face], float]], seed: int) -> None:
    shuffle, now_s = random.Random(seed), 0.0
    one, other = Tracker(), Tracker()
    for faces, gap_s in frames:
        now_s += gap_s
        mixed = shuffle.sample(faces, len(faces))
        expected = sorted((tracked.track_id, repr(tracked.face)) for tracked in one.update(faces, now_s))
        assert sorted((tracked.track_id, repr(tracked.face)) for tracked in other.update(mixed, now_s)) == expected
        assert one.primary() == other.primary()


@settings(max_examples=60, deadline=None)
@given(memory_s=st.floats(0.2, 5), share=st.floats(0.01, 0.99), count=st.integers(1, 5))
def test_still_faces_survive_a_loss_shorter_than_the_memory(memory_s: float, share: float, count: int) -> None:
    tracker = Tracker(memory_s)
    faces = [face(150.0 * index) for index in range(count)]
    before = ids(tracker, faces, 0.0)
    assert ids(tracker, faces, 0.1) == before == list(range(1, count + 1))
    assert tracker.update([], 0.1 + memory_s * share / 2) == []
    assert ids(tracker, faces, 0.1 + memory_s * share) == before


def test_after_the_memory_a_face_is_a_new_one() -> None:
    tracker = Tracker(memory_s=2.0)
    assert ids(tracker, [face(100)], 0.0) == [1]
    assert tracker.expected(2.0) and not tracker.expected(2.1)
    assert ids(tracker, [face(100)], 2.1) == [2]


@pytest.mark.parametrize("rate_fps", [2, 5, 15])
def test_two_who_sway_and_one_who_passes_behind_keep_their_ids(rate_fps: int) -> None:
    tracker, seen = Tracker(), set()
    for step in range(rate_fps * 8):
        now_s = step / rate_fps
        sway = 15 * math.sin(now_s * 2)
        walker = face(-60 + 60 * now_s, 20, 25)
        seen.add(tuple(ids(tracker, [face(100 + sway), face(300 - sway, size=60), walker], now_s)))
    assert len(seen) == 1


@pytest.mark.parametrize("rate_fps", [2, 5, 15])
def test_a_head_that_leans_in_and_away_is_one_track(rate_fps: int) -> None:
    tracker = Tracker()
    seen = set()
    for step in range(rate_fps * 6):
        size = 80 * (1 + 0.4 * math.sin(step / rate_fps * 2))
        seen.update(ids(tracker, [face(200 - size / 2, 200 - size / 2, size)], step / rate_fps))
    assert seen == {1}


def test_two_faces_that_pass_each_other_keep_their_speed() -> None:
    tracker = Tracker()
    first: list[int] = []
    for step in range(41):
        now_s = step / 10
        left, right = face(100 + 60 * now_s, 100), face(340 - 60 * now_s, 130)
        found = ids(tracker, [left, right], now_s)
        first = first or found
        assert found == first


def test_a_flicker_does_not_count_until_it_is_seen_again() -> None:
    tracker = Tracker()
    tracker.update([face(100)], 0.0)
    assert ids(tracker, [face(100), face(400, confidence=0.62)], 0.2) == [1]
    assert tracker.expected(0.2).keys() == {1}
    assert ids(tracker, [face(100)], 0.4) == [1]
    assert ids(tracker, [face(100), face(400, confidence=0.62)], 0.6) == [1, 2]


def test_a_sure_face_counts_at_once_and_so_does_any_in_a_single_picture() -> None:
    tracker = Tracker()
    assert ids(tracker, [face(100, confidence=0.61)], 0.0) == [1]
    assert ids(tracker, [face(100), face(400, confidence=0.75)], 0.2) == [1, 2]


def test_how_often_and_how_sure_can_be_set() -> None:
    tracker = Tracker(sightings=3, sure=0.95)
    tracker.update([], 0.0)
    counted = [ids(tracker, [face(100)], step / 5) for step in range(1, 4)]
    assert counted == [[], [], [1]]


def test_the_primary_is_the_largest_and_stays_while_another_passes() -> None:
    tracker, seen = Tracker(), set()
    student, passer_size = face(200, size=80), itertools.chain([0] * 20, [130] * 8, [0] * 40)
    for step, size in enumerate(passer_size):
        others = [face(30, 40, 30)] + ([face(400, 30, size)] if size else [])
        tracked = tracker.update([*others, student], step / 5)
        assert tracker.primary() == tracked[-1].track_id
        seen.add(tracker.primary())
    assert len(seen) == 1


def test_the_primary_does_not_flip_between_two_alike() -> None:
    tracker, seen = Tracker(), set()
    for step in range(100):
        wobble = 8 * (-1) ** step
        tracker.update([face(100, size=60 + wobble), face(400, size=60 - wobble)], step / 5)
        seen.add(tracker.primary())
    assert len(seen) == 1


def test_the_primary_is_kept_through_a_short_loss_and_given_up_after_the_memory() -> None:
    tracker = Tracker(memory_s=2.0)
    for step in range(10):
        tracker.update([face(100, size=80), face(400, size=50)], step / 5)
    assert tracker.primary() == 1
    tracker.update([face(400, size=50)], 3.0)
    assert tracker.primary() == 1
    tracker.update([face(400, size=50)], 4.0)
    assert tracker.primary() == 2


def test_somebody_clearly_larger_for_long_becomes_the_primary() -> None:
    tracker = Tracker()
    for step in range(25):
        tracker.update([face(100, size=30)], step / 5)
    for step in range(25, 125):
        tracker.update([face(100, size=30), face(400, size=120)], step / 5)
    assert tracker.primary() == 2


def test_reset_forgets_the_faces_and_the_time_but_not_the_ids() -> None:
    tracker = Tracker()
    assert ids(tracker, [face(100)], 10.0) == [1]
    tracker.reset()
    assert tracker.primary() is None
    assert ids(tracker, [face(100)], 0.0) == [2]


def test_time_that_goes_back_is_refused() -> None:
    tracker = Tracker()
    tracker.update([], 5.0)
    with pytest.raises(ValueError, match="time goes back"):
        tracker.update([], 4.9)
