"""Names on the tiles of a meeting: they follow, or they ask; they are never on somebody else's face."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from engage.capture.virtual.meeting import Attendant, Meeting, grid
from engage.cli.meeting_bench import SMALLER, Scene, jittered, watch
from engage.core.shared import Hold
from engage.vision.assignment import assign
from engage.vision.keeping import Kept
from engage.vision.tiles import GONE_S, TileKeeper
from tests.vision.painted import Layout, row

ADA, BEN = 1, 2


class Window:
    """A keeper that is shown one layout after the other, two a second."""

    def __init__(self) -> None:
        self.keeper = TileKeeper()
        self.at_s = 0.0
        self.kept = Kept()
        self.layout = row()

    def show(self, layout: Layout, times: int = 1, step_s: float = 0.5) -> Kept:
        """Show a layout, and return what became of the last frame."""
        for _ in range(times):
            self.at_s += step_s
            self.layout, self.kept = layout, self.keeper.update(layout.picture(self.at_s))
        return self.kept

    def face(self, who: str) -> int:
        """Return the id of a person's face."""
        return self.kept.ids[list(self.layout.faces()).index(who)]

    def who(self, student: int) -> str | None:
        """Return whose face bears a student's name."""
        face = self.kept.names[student].face
        return None if face is None else list(self.layout.faces())[face]

    def hold(self, student: int) -> Hold:
        """Return how a name stands."""
        return self.kept.names[student].hold


@pytest.fixture
def window() -> Window:
    """Return a window of three with Ada's and Ben's names on their faces."""
    window = Window()
    window.show(row("ada", "ben", "cleo"))
    assert window.keeper.name(ADA, window.face("ada")) and window.keeper.name(BEN, window.face("ben"))
    window.show(row("ada", "ben", "cleo"))
    assert (window.who(ADA), window.who(BEN)) == ("ada", "ben")
    return window


@pytest.mark.parametrize(
    "layout",
    [
        row("ada", "ben", "cleo", "dan"),
        row("ben", "cleo", "ada"),
        row("cleo", "dan", "ben", "ada"),
        Layout({"ada": (2, 1), "ben": (0, 1), "cleo": (1, 0)}),
        Layout({"ada": (0, 0), "ben": (1, 0), "cleo": (2, 0)}, size=(700, 400)),
    ],
)
def test_a_name_follows_its_tile(window: Window, layout: Layout) -> None:
    window.show(layout, times=3)
    assert (window.who(ADA), window.who(BEN)) == ("ada", "ben")
    assert set(window.kept.names) == {ADA, BEN}


def test_who_leaves_the_camera_is_away_and_comes_back(window: Window) -> None:
    window.show(row("ada", "ben", "cleo", absent=("ada",)), times=60)
    assert window.hold(ADA) is Hold.AWAY and window.who(BEN) == "ben"
    window.show(row("ada", "ben", "cleo"))
    assert window.who(ADA) == "ada"


def test_a_tile_that_is_gone_is_hidden_and_its_place_is_nobodys(window: Window) -> None:
    window.show(row("dan", "ben", "cleo"))
    assert window.hold(ADA) in (Hold.HIDDEN, Hold.UNSURE) and window.who(ADA) is None
    window.show(row("ben", "cleo"), times=3)
    assert window.who(ADA) is None and window.who(BEN) == "ben"


def test_a_short_absence_is_forgiven_and_a_long_one_asked_about(window: Window) -> None:
    window.show(row("ben", "cleo"), times=4)
    assert window.hold(ADA) is Hold.HIDDEN
    window.show(row("ada", "ben", "cleo"), times=2)
    assert window.who(ADA) == "ada"
    window.show(row("ben", "cleo"), times=int(GONE_S * 2) + 2)
    window.show(row("ada", "ben", "cleo"), times=2)
    assert window.hold(ADA) is Hold.UNSURE
    assert window.kept.names[ADA].maybe == (window.face("ada"),)
    window.keeper.name(ADA, window.face("ada"))
    window.show(row("ada", "ben", "cleo"))
    assert window.who(ADA) == "ada"


@pytest.mark.parametrize("stranger", ["dan", "eve", "fay"])
def test_somebody_else_in_the_place_of_a_named_tile_is_not_taken_for_them(window: Window, stranger: str) -> None:
    window.show(row("ada", "ben", "cleo", stranger), times=2)  # seen before, so that a look-alike is known of
    window.show(row(stranger, "ben", "cleo"), times=4)
    assert window.who(ADA) is None


def test_two_who_look_alike_are_asked_about_and_no_answer_makes_it_sure(window: Window) -> None:
    layout = row("ada", "ben", "cleo", "eve")
    window.show(layout)
    assert window.hold(ADA) is Hold.UNSURE and window.kept.names[ADA].alike
    assert window.who(BEN) == "ben"
    window.keeper.name(ADA, window.face("ada"))
    window.show(row("eve", "ben", "cleo", "ada"))
    assert window.who(ADA) is None


def test_unsure_stays_so_until_a_person_has_answered(window: Window) -> None:
    window.show(row("ada", "ben", "cleo", "eve"))
    window.show(row("ada", "ben", "cleo"), times=5)
    assert window.hold(ADA) is Hold.UNSURE


def test_a_long_gap_between_frames_is_asked_about(window: Window) -> None:
    window.show(row("ada", "ben", "cleo"), step_s=GONE_S + 1)
    assert window.hold(ADA) is Hold.UNSURE
    assert window.face("ada") in window.kept.names[ADA].maybe


def test_a_name_is_on_one_face_and_a_face_has_one_name(window: Window) -> None:
    assert window.keeper.name(ADA, window.face("ben"))
    window.show(row("ada", "ben", "cleo"))
    assert window.who(ADA) == "ben" and BEN not in window.kept.names
    assert not window.keeper.name(BEN, 999)
    window.keeper.forget(ADA)
    assert window.show(row("ada", "ben", "cleo")).names == {}
    assert window.keeper.name(ADA, window.face("ada"))
    window.keeper.reset()
    assert window.show(row("ada", "ben", "cleo")).names == {}


def test_a_fresh_start_before_any_name_leaves_the_faces_their_ids(window: Window) -> None:
    before = {who: window.face(who) for who in ("ada", "ben", "cleo")}
    for student in list(window.kept.names):
        window.keeper.forget(student)
    window.keeper.reset()
    window.show(row("ada", "ben", "cleo"))
    assert {who: window.face(who) for who in before} == before


def test_on_a_drawn_meeting_with_a_double_no_name_is_ever_on_a_wrong_face() -> None:
    people = [Attendant.of(1000 + seat) for seat in range(3)]
    meeting = Meeting([*people, Attendant.of(1003).in_the_room_of(people[0])], camera=(160, 90))
    before, after = grid([0, 1, 2, 3], SMALLER), grid([3, 2, 1, 0], SMALLER)
    scene = Scene("re-sorted", ((0.0, (before, SMALLER)), (1.5, (after, SMALLER))))
    result = watch(meeting, scene, jittered(np.random.default_rng(7)), seconds=3.0).result()
    assert result["wrong_frames"] == 0
    assert result["right"] > 0.6  # all but the one of three who has a double


def test_pairs_are_the_cheapest() -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        costs = np.round(rng.random(tuple(rng.integers(1, 6, 2))), 1)
        wide = costs if costs.shape[0] <= costs.shape[1] else costs.T
        least = min(
            sum(wide[line, place] for line, place in enumerate(chosen))
            for chosen in permutations(range(wide.shape[1]), wide.shape[0])
        )
        pairs = assign(costs)
        assert (
            len(pairs) == min(costs.shape) == len({place for place, _ in pairs}) == len({place for _, place in pairs})
        )
        assert sum(costs[pair] for pair in pairs) == pytest.approx(least)
