"""Names on the seats before a fixed camera."""

from __future__ import annotations

import pytest

from engage.core.shared import Hold
from engage.vision.keeping import Kept
from engage.vision.seats import LEFT_S, SeatKeeper
from tests.vision.painted import Layout, row

ADA, BEN, CLEO = 1, 2, 3
ALL = row("ada", "ben", "cleo")


class Room:
    """A keeper that is shown one arrangement after the other, two a second."""

    def __init__(self) -> None:
        self.keeper = SeatKeeper()
        self.at_s = 0.0
        self.kept = Kept()

    def show(self, layout: Layout, times: int = 1) -> dict[int, Hold]:
        """Show people, and return how each name stands."""
        for _ in range(times):
            self.at_s += 0.5
            self.kept = self.keeper.update(layout.picture(self.at_s))
        return {student: named.hold for student, named in self.kept.names.items()}


@pytest.fixture
def room() -> Room:
    """Return a room of three, each with their name."""
    room = Room()
    room.show(ALL)
    for student, face_id in zip((ADA, BEN, CLEO), room.kept.ids, strict=True):
        assert room.keeper.name(student, face_id)
    assert set(room.show(ALL).values()) == {Hold.SURE}
    assert [room.kept.names[student].face for student in (ADA, BEN, CLEO)] == [0, 1, 2]
    return room


def test_who_leaves_and_comes_back_to_the_seat_is_its_student(room: Room) -> None:
    gone = row("ada", "ben", "cleo", absent=("ben",))
    assert room.show(gone, times=40) == {ADA: Hold.SURE, BEN: Hold.AWAY, CLEO: Hold.SURE}
    assert set(room.show(ALL).values()) == {Hold.SURE}


def test_somebody_dressed_otherwise_in_the_seat_is_asked_about(room: Room) -> None:
    room.show(row("ada", "ben", "cleo", absent=("ben",)), times=int(2 * LEFT_S) + 2)
    taken = row("ada", "dan", "cleo")
    assert room.show(taken)[BEN] is Hold.UNSURE
    assert room.show(ALL)[BEN] is Hold.UNSURE  # until somebody says so
    room.keeper.name(BEN, room.kept.ids[1])
    assert room.show(ALL)[BEN] is Hold.SURE


def test_a_seat_is_a_place_and_nobody_elsewhere_has_its_name(room: Room) -> None:
    elsewhere = Layout({"ada": (0, 0), "cleo": (2, 0), "ben": (1, 2)})
    holds = room.show(elsewhere, times=3)
    assert holds[BEN] is Hold.AWAY
    assert 2 not in {named.face for named in room.kept.names.values()}


def test_when_the_camera_was_moved_everybody_is_asked_about(room: Room) -> None:
    moved = Layout({"ada": (0, 2), "ben": (1, 2), "cleo": (2, 2)})
    assert set(room.show(moved).values()) == {Hold.UNSURE}
    assert set(room.show(ALL, times=3).values()) == {Hold.UNSURE}


def test_a_second_face_in_the_seat_stops_it_until_one_is_left(room: Room) -> None:
    crowd = Layout({"ada": (0, 0), "ben": (1, 0), "cleo": (2, 0)})
    picture = crowd.picture(room.at_s + 0.5)
    box = picture.faces[1]
    picture.faces = [*picture.faces, type(box)(box.x + 20, box.y + 10, box.w, box.h)]
    room.at_s += 0.5
    kept = room.keeper.update(picture)
    assert kept.names[BEN].hold is Hold.UNSURE and kept.names[ADA].hold is Hold.SURE
    assert room.show(ALL, times=2)[BEN] is Hold.SURE
