"""Who a virtual student is and what a face state means."""

from __future__ import annotations

import pytest

from engage.capture.virtual.person import Person
from engage.capture.virtual.rig import actions, brow_height, eye_opening, mouth_opening, smile
from engage.capture.virtual.state import FaceState, emotion
from engage.core.types import EMOTIONS


def test_same_seed_is_the_same_person_and_others_differ() -> None:
    assert Person.from_seed(7) == Person.from_seed(7)
    people = [Person.from_seed(seed) for seed in range(60)]
    assert len({person.skin for person in people}) == 60
    assert len({person.style for person in people}) >= 10
    assert 5 <= sum(bool(person.glasses) for person in people) <= 40


def test_skin_covers_the_human_range() -> None:
    light = sorted(sum(Person.from_seed(seed).skin) / 3 for seed in range(120))
    assert light[0] < 80 and light[-1] > 210
    assert 15 <= sum(level < 110 for level in light) <= 70


def test_emotion_leaves_the_rest_to_neutral() -> None:
    assert emotion("happiness", 0.7)[:2] == pytest.approx((0.3, 0.7))
    assert emotion("neutral") == (1.0, *[0.0] * 7)
    with pytest.raises(ValueError, match="boredom"):
        emotion("boredom")


def test_expressions_move_the_parts_they_are_known_for() -> None:
    act = {name: actions(FaceState(expression=emotion(name))) for name in EMOTIONS}
    rest = act["neutral"]
    assert smile(act["happiness"]) > 0.9 > 0.1 > smile(rest)
    assert mouth_opening(act["surprise"]) > 0.5 and brow_height(act["surprise"]) > 0.8
    assert eye_opening(act["surprise"], 1.0) > eye_opening(rest, 1.0) > eye_opening(act["sadness"], 1.0)
    assert act["anger"].brow_inner < -0.5 < 0.5 < act["sadness"].brow_inner
    assert act["sadness"].corner_up < -0.5
    assert act["disgust"].nose_wrinkle > 0.5 and act["contempt"].one_sided > 0.5


def test_closed_lids_are_closed_in_every_expression() -> None:
    for name in EMOTIONS:
        assert eye_opening(actions(FaceState(expression=emotion(name))), 0.0) == 0.0


def test_speech_opens_the_mouth_further() -> None:
    opening = [mouth_opening(actions(FaceState(mouth_open=share))) for share in (0.0, 0.3, 0.6, 1.0)]
    assert opening == sorted(opening) and opening[0] == 0.0 and opening[-1] == 1.0
