"""What a drawn student looks like: reproducible, turned the right way, changed where the state says so."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engage.capture.virtual.drawing import UNIT, render
from engage.capture.virtual.geometry import View, rotation
from engage.capture.virtual.person import HairStyle, Person
from engage.capture.virtual.state import FaceState, emotion
from engage.core.types import EMOTIONS, Image

NOSE = np.array([[0.0, 0.6, 1.5]], np.float32)
CROWN = np.array([[0.0, -1.4, 0.0]], np.float32)


def view(**turn: float) -> View:
    angles = {"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0, **turn}
    return View(Person.from_seed(1).shape, rotation(**angles), (160.0, 130.0), 40.0)


def change(one: Image, other: Image) -> Image:
    return np.abs(one.astype(int) - other.astype(int)).sum(2)


def test_same_arguments_give_the_same_picture() -> None:
    person, state = Person.from_seed(3), FaceState(expression=emotion("happiness"), yaw_deg=12)
    assert np.array_equal(render(person, state, noise=4), render(person, state, noise=4))
    assert not np.array_equal(render(person, state, noise=4), render(person, state, noise=5))


@pytest.mark.parametrize("size", [(160, 120), (320, 240), (641, 479), (200, 400), (48, 48)])
def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    picture = render(Person.from_seed(2), FaceState(), size)
    assert picture.shape == (size[1], size[0], 3) and picture.dtype == np.uint8


def test_every_style_beard_and_pose_is_drawn() -> None:
    people: dict[HairStyle, Person] = {}
    for seed in range(200):
        person = Person.from_seed(seed)
        people.setdefault(person.style, person)
    assert set(people) == set(HairStyle)
    for person in people.values():
        for yaw, pitch, roll in ((70, 30, 40), (-70, -45, -40)):
            state = FaceState(yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll, mouth_open=1.0)
            assert render(person, state, (160, 120)).std() > 10


def test_face_partly_or_wholly_outside_the_picture() -> None:
    for x, y, scale in ((0.8, 0.0, 1.0), (-3.0, 0.0, 1.0), (0.0, -0.6, 2.0), (0.0, 3.0, 1.0), (0.0, 0.0, 4.0)):
        assert render(Person.from_seed(5), FaceState(x=x, y=y, scale=scale)).shape == (240, 320, 3)


def test_yaw_towards_own_left_moves_the_nose_right_in_the_picture() -> None:
    assert view(yaw_deg=20).project(NOSE)[0, 0] > view().project(NOSE)[0, 0] + 5
    assert view(yaw_deg=-20).project(NOSE)[0, 0] < view().project(NOSE)[0, 0] - 5


def test_pitch_up_lifts_the_nose() -> None:
    assert view(pitch_deg=20).project(NOSE)[0, 1] < view().project(NOSE)[0, 1] - 5


def test_roll_clockwise_as_felt_tips_the_crown_to_the_picture_s_left() -> None:
    assert view(roll_deg=20).project(CROWN)[0, 0] < view().project(CROWN)[0, 0] - 5


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(30, 0, 0), (-25, 15, 10), (40, -30, -20), (0, 20, 35)])
def test_nose_direction_is_yaw_and_pitch_whatever_the_roll(yaw: float, pitch: float, roll: float) -> None:
    x, y, z = rotation(yaw, pitch, roll)[:, 2]
    assert np.degrees(np.arctan2(x, z)) == pytest.approx(yaw, abs=1e-3)
    assert np.degrees(np.arcsin(-y)) == pytest.approx(pitch, abs=1e-3)


@pytest.mark.parametrize("seed", [3, 11, 24])
def test_turning_carries_the_features_to_that_side(seed: int) -> None:
    person = Person.from_seed(seed)
    features = render(person, FaceState())[80:150, 135:185]

    def place(yaw: float) -> int:
        match = cv2.matchTemplate(
            render(person, FaceState(yaw_deg=yaw))[80:150, 100:220], features, cv2.TM_CCOEFF_NORMED
        )
        return int(np.argmax(match[0]))

    assert place(-15.0) < place(0.0) < place(15.0)


def test_gaze_moves_the_iris() -> None:
    person = next(p for p in map(Person.from_seed, range(99)) if not p.glasses and sum(p.skin) > 550)
    eye = round(1.2 * 0.42 * UNIT * 480)  # nearer to the camera than the head's middle
    centre, row = 320 + eye, round(480 * (0.56 - 0.55 * UNIT))

    def iris(gaze_x: float) -> float:
        strip = render(person, FaceState(gaze_x=gaze_x), (640, 480))[row - 8 : row + 10, centre - 22 : centre + 22]
        dark = np.clip(110.0 - strip.mean(2), 0.0, None)
        return float((dark.sum(0) * np.arange(44)).sum() / dark.sum())

    assert iris(-20.0) < iris(0.0) - 1.0 < iris(20.0) - 2.0


@pytest.mark.parametrize("name", EMOTIONS[1:])
def test_expression_changes_the_face_and_not_the_room(name: str) -> None:
    person = Person.from_seed(11)
    moved = change(render(person, FaceState()), render(person, FaceState(expression=emotion(name))))
    assert moved[40:190, 105:215].max() > 60
    assert moved[:, :60].max() == 0 and moved[:, 260:].max() == 0


def test_absent_student_leaves_the_room_and_darkness_hides_it() -> None:
    person = Person.from_seed(6)
    room = render(person, FaceState(present=False))
    assert change(room, render(person, FaceState())).max() > 150
    assert render(person, FaceState(light=0.13)).mean() < 0.2 * render(person, FaceState()).mean()
    assert render(person, FaceState(light=0.0)).mean() < 8


def test_rendering_does_not_write_on_what_is_kept() -> None:
    person = Person.from_seed(8)
    before = render(person, FaceState())
    render(person, FaceState(expression=emotion("surprise"), yaw_deg=30, scale=1.3))
    assert np.array_equal(before, render(person, FaceState()))
