"""Following: few detections, boxes that stay on their faces, and no face taken for another.

The network is played by a double that knows where the faces are: it sees what lies in a crop as the real one would,
and errs by a few per cent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from engage.core.types import Box, Face, Hint, Origin
from engage.vision.boxes import centre, overlap
from engage.vision.crops import Shift, crop_square, shift_between
from engage.vision.following import DENIED_S, Follower, FollowRules, Look, Sighting
from engage.vision.tracking import Tracker

ORIGIN = Origin(1, 1, 1)
REACH, ERROR = 0.35, 0.02
"""How far in crop widths the double sees, and how far it errs."""

Scene = Callable[[float], Sequence[Box]]
"""Where the faces are at a moment, the nearest to the camera first."""


def judge(box: Box, faces: Sequence[Box], noise: np.random.Generator) -> tuple[float, Shift]:
    """Return the face score and the shift of the crop cut from ``box``: those of the face most in its middle."""
    square = crop_square(box)
    seen = [shift_between(square, face) for k, face in enumerate(faces) if not _hidden(face, faces[:k])]
    shift = min(seen, key=lambda one: math.hypot(*one), default=(2.0, 2.0, 0.0))
    score = 1 / (1 + math.exp(12 * (math.hypot(*shift) - 0.45)))
    error = noise.normal(0, ERROR, 3)
    dx, dy, growth = (float(np.clip(part, -REACH, REACH) + off) for part, off in zip(shift, error, strict=True))
    return score, (dx, dy, growth)


def _hidden(face: Box, before: Sequence[Box]) -> bool:
    return any(overlap(face, other) > 0.5 for other in before)


@dataclass
class Told:
    """What became of a scene."""

    looks: list[Look] = field(default_factory=list)
    sightings: list[list[Sighting]] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)

    @property
    def detected_share(self) -> float:
        return sum(look is not Look.FOLLOW for look in self.looks) / len(self.looks)

    def boxes(self, believed: bool = True) -> list[list[Box]]:
        """Return the faces of each frame; ``believed`` leaves out those the network takes for none."""
        return [
            [seen.found.face.box for seen, score in zip(row, scores, strict=True) if seen.detected or score >= 0.5]
            for row, scores in zip(self.sightings, self.scores, strict=True)
        ]


def tell(
    scene: Scene,
    fps: float,
    seconds: float,
    rules: FollowRules | None = None,
    delay: int = 0,
    blind: Callable[[float], bool] = lambda _: False,
) -> Told:
    """Play ``scene``; answers come ``delay`` frames late; while ``blind`` the detector finds nothing."""
    follower, told = Follower(Tracker(), rules or FollowRules()), Told()
    noise, waiting = np.random.default_rng(5), list[Hint]()
    for seq in range(round(fps * seconds)):
        at_s, faces = seq / fps, scene(seq / fps)
        while waiting and waiting[0].seq < seq - delay:
            follower.learn(waiting.pop(0))
        look = follower.due(at_s)
        found = [] if blind(at_s) else [Face(box, 0.9) for k, box in enumerate(faces) if not _hidden(box, faces[:k])]
        sightings = _sight(follower, look, found, at_s)
        follower.cut(seq, at_s, at_s, sightings)
        judged = [judge(seen.found.face.box, faces, noise) for seen in sightings]
        waiting += [
            Hint(ORIGIN, seq, at_s, seen.found.track_id, score, shift)
            for seen, (score, shift) in zip(sightings, judged, strict=True)
        ]
        told.looks.append(look)
        told.sightings.append(sightings)
        told.scores.append([score for score, _ in judged])
    return told


def _sight(follower: Follower, look: Look, found: Sequence[Face], at_s: float) -> list[Sighting]:
    if look is Look.FOLLOW:
        return follower.followed(at_s)
    if look is Look.NEAR:
        place = follower.place(at_s)
        assert place is not None
        near = [face for face in found if math.dist(centre(face.box), centre(place)) < place.h]
        seen = follower.detected_near(near, at_s)
        if seen is not None:
            return seen
    return follower.detected(found, at_s)


def head(x: float, y: float = 200.0, size: float = 100.0) -> Box:
    return Box(x - 0.4 * size, y - 0.5 * size, 0.8 * size, size)


def seated(at_s: float) -> Sequence[Box]:
    """Somebody who sways, nods and leans in."""
    return [
        head(
            300 + 40 * math.sin(at_s * 0.9), 200 + 8 * math.sin(at_s * 3.1), 100 * math.exp(0.2 * math.sin(at_s * 0.5))
        )
    ]


@pytest.mark.parametrize(
    ("fps", "pace", "delay", "most"), [(15, 1.0, 0, 0.1), (15, 1.0, 2, 0.1), (5, 1.0, 0, 0.2), (2, 0.4, 0, 0.25)]
)
def test_a_face_is_followed_with_few_detections(fps: float, pace: float, delay: int, most: float) -> None:
    told = tell(lambda at_s: seated(pace * at_s), fps, 60, delay=delay)
    overlaps = [
        max((overlap(box, seated(pace * k / fps)[0]) for box in row), default=0.0) for k, row in enumerate(told.boxes())
    ]
    assert np.mean(np.array(overlaps) >= 0.6) >= 0.95
    assert told.detected_share < most
    assert len({seen.found.track_id for row in told.sightings for seen in row}) == 1


def test_a_switched_off_follower_detects_in_every_frame() -> None:
    told = tell(seated, 5, 5, FollowRules(enabled=False))
    assert set(told.looks) == {Look.WHOLE}
    assert all(seen.detected for row in told.sightings for seen in row)


def test_without_answers_the_detector_looks_once_a_second() -> None:
    """And no more often: a machine that is behind would fall further behind."""
    follower = Follower(Tracker(), FollowRules())
    looked = []
    for seq in range(90):
        if follower.due(seq / 15) is not Look.FOLLOW:
            looked.append(seq)
            sightings = follower.detected([Face(head(300), 0.9)], seq / 15)
            follower.cut(seq, seq / 15, 0.0, sightings)
    assert set(np.diff(looked)) <= {15, 16}


def test_answers_older_than_a_second_carry_nobody() -> None:
    told = tell(lambda _: [head(300)], 15, 6, delay=18)
    looked = [number for number, look in enumerate(told.looks) if look is not Look.FOLLOW]
    assert set(np.diff(looked)) <= {15, 16}


def test_whoever_leaves_is_missed_within_a_second_and_found_when_back() -> None:
    told = tell(lambda at_s: [] if 5 <= at_s < 9 else [head(300)], 15, 14)
    boxes = told.boxes()
    assert all(boxes[k] == [] for k in range(5 * 15, 9 * 15))
    assert all(len(boxes[k]) == 1 for k in range(int(9.5 * 15), 14 * 15))


def test_after_a_cut_the_background_is_not_taken_for_the_face() -> None:
    told = tell(lambda at_s: [head(150 if at_s < 5 else 500)], 15, 10)
    wrong = [k for k, row in enumerate(told.boxes()) for box in row if overlap(box, head(150 if k < 75 else 500)) < 0.3]
    assert wrong == []
    assert sum(row == [] for row in told.boxes()) <= 2.2 * 15  # until the old place is forgotten


def test_in_the_dark_nobody_is_made_up_and_the_face_comes_back() -> None:
    told = tell(lambda at_s: [] if 4 <= at_s < 10 else seated(at_s), 15, 14, blind=lambda at_s: 4 <= at_s < 10)
    assert all(row == [] for row in told.boxes()[60:150])
    assert told.looks[62:150].count(Look.FOLLOW) > 30
    assert all(len(row) == 1 for row in told.boxes()[158:])


def test_a_fast_move_is_caught_by_the_detector() -> None:
    def dash(at_s: float) -> Sequence[Box]:
        return [head(200 + 300 * min(max(at_s - 3, 0), 1))]

    told = tell(dash, 15, 8)
    overlaps = [max((overlap(box, dash(k / 15)[0]) for box in row), default=0.0) for k, row in enumerate(told.boxes())]
    assert min(overlaps) > 0.3 and min(overlaps[70:]) > 0.6
    assert len({seen.found.track_id for row in told.sightings for seen in row}) == 1


def test_a_face_the_detector_denies_is_followed_for_a_while_only() -> None:
    told = tell(lambda _: [head(300)], 15, 12, blind=lambda at_s: at_s >= 3)
    last = max(k for k, row in enumerate(told.boxes()) if row) / 15
    assert 3 < last <= 3 + FollowRules().confirm_every_s + DENIED_S + 0.1


@pytest.mark.parametrize("in_front", [True, False])
def test_two_who_cross_are_not_taken_for_one_another(in_front: bool) -> None:
    def crossing(at_s: float) -> Sequence[Box]:
        seat, passer = head(300), head(-100 + 150 * at_s, 200, 90)
        return [passer, seat] if in_front else [seat, passer]

    told = tell(crossing, 15, 8, FollowRules(only_primary=False, whole_every_s=2.5))
    seat = next(seen.found.track_id for seen in told.sightings[0] if overlap(seen.found.face.box, head(300)) > 0.5)
    for k, row in enumerate(told.sightings):
        for seen, score in zip(row, told.scores[k], strict=True):
            if seen.found.track_id == seat and (seen.detected or score >= 0.5):
                assert overlap(seen.found.face.box, head(300)) > 0.3, k / 15


def test_somebody_who_walks_past_the_student_does_not_take_the_track_along() -> None:
    def passing(at_s: float) -> Sequence[Box]:
        return [head(-200 + 150 * at_s, 200, 90), head(300)]

    told = tell(passing, 15, 10)
    wrong = [k for k, row in enumerate(told.boxes()) for box in row if overlap(box, head(300)) < 0.3]
    assert len(wrong) <= 0.7 * 15
    assert all(len(row) == 1 for row in told.boxes()[6 * 15 :])


def test_somebody_else_is_not_followed() -> None:
    told = tell(lambda _: [head(300), head(600, 200, 60)], 5, 10)
    assert all(len(row) == 1 and overlap(row[0], head(300)) > 0.5 for row in told.boxes())


def test_every_face_of_a_recording_is_followed_and_newcomers_are_found() -> None:
    def filling(at_s: float) -> Sequence[Box]:
        return [head(200), head(400), *([head(600)] if at_s >= 4 else [])]

    told = tell(filling, 15, 12, FollowRules(only_primary=False, whole_every_s=2.5))
    assert [len(row) for row in told.boxes()[:60]] == [2] * 60
    assert all(len(row) == 3 for row in told.boxes()[int(6.6 * 15) :])
    assert told.detected_share < 0.1


STILL: Shift = (0.0, 0.0, 0.0)


def following(first: Shift, *later: Shift) -> Follower:
    """Return a follower whose face was detected in frame 0, with that answer, and then followed, with later ones."""
    follower = Follower(Tracker(), FollowRules())
    follower.cut(0, 0.0, 0.0, follower.detected([Face(head(300), 0.9)], 0.0))
    for seq, shift in enumerate((first, *later)):
        follower.learn(Hint(ORIGIN, seq, 0.0, 1, 0.9, shift))
        at_s = (seq + 1) / 15
        assert follower.due(at_s) is Look.FOLLOW
        follower.cut(seq + 1, at_s, 0.0, follower.followed(at_s))
    return follower


def test_what_the_network_always_says_of_a_face_moves_nothing() -> None:
    habit = (0.1, -0.05, 0.1)
    place = following(habit, habit, habit).place(0.2)
    assert place is not None and overlap(place, head(300)) == pytest.approx(1)
    further = following(habit, (0.2, -0.05, 0.1)).place(0.2)
    assert further is not None
    assert centre(further)[0] == pytest.approx(300 + 0.1 * crop_square(head(300)).w)


def test_a_second_cut_is_worth_while_only_where_the_face_is_off() -> None:
    follower = following(STILL, STILL)
    assert follower.recut(2, 1, (0.05, 0.0, 0.1)) is None
    box = follower.recut(2, 1, (0.2, 0.0, 0.0))
    assert box is not None
    follower.learn(Hint(ORIGIN, 2, 0.0, 1, 0.9, STILL))
    assert follower.place(0.2) == box


def test_answers_for_another_run_or_an_unknown_crop_change_nothing() -> None:
    follower = Follower(Tracker(), FollowRules())
    sightings = follower.detected([Face(head(300), 0.9)], 0.0)
    follower.cut(7, 0.0, 100.0, sightings)
    far = (0.25, 0.0, 0.0)
    for hint in (
        Hint(ORIGIN, 7, 55.0, 1, 0.9, far),
        Hint(ORIGIN, 8, 100.0, 1, 0.9, far),
        Hint(ORIGIN, 7, 100.0, 2, 0.9, far),
    ):
        follower.learn(hint)
    assert follower.place(0.1) == head(300)


def test_a_late_answer_is_applied_to_the_box_it_is_about_and_an_overtaken_one_is_not() -> None:
    follower = following(STILL, STILL)
    width = crop_square(head(300)).w
    follower.learn(Hint(ORIGIN, 2, 0.0, 1, 0.9, (0.1, 0.0, 0.0)))
    follower.learn(Hint(ORIGIN, 1, 0.0, 1, 0.9, (-0.2, 0.0, 0.0)))
    place = follower.place(0.2)
    assert place is not None
    assert centre(place)[0] == pytest.approx(300 + 0.1 * width)


def test_reset_forgets_everything() -> None:
    follower = Follower(Tracker(), FollowRules())
    follower.detected([Face(head(300), 0.9)], 5.0)
    follower.reset()
    assert follower.due(0.0) is Look.WHOLE and follower.place(0.0) is None and follower.followed(0.0) == []
