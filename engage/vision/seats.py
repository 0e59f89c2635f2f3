"""Names that stay with the seats before a fixed camera: a face in a seat's region is the seat's student.

A region is where the face was when it was named, and a little around. Who comes back to the seat is its student as long
as their clothes look as before; two faces in a region, a face between two seats, or many seats empty at once (the
camera was moved) are asked about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engage.core.shared import Hold
from engage.core.types import Box, Face
from engage.vision.boxes import centre, side
from engage.vision.keeping import RENEWAL, Kept, Named, Picture
from engage.vision.surroundings import Surroundings, difference
from engage.vision.tracking import Tracker

REGION = 1.1
"""How far a face may be from its seat's middle, in its sides."""
CLEARER = 1.5
"""How much farther, at least, the next seat must be."""
GROWTH = 1.7
SAME_CLOTHES = 0.35
"""Largest difference below the chin of who left and who comes: bodies turn, so that it is more than a tile's."""
LEFT_S = 5.0
"""A face that was away for longer has left the seat; who is there next is looked at anew."""
MOVED = 0.5
"""Where more than this share of at least three seats empties from one frame to the next, the camera was moved."""
CLOTHES = slice(2, 3)


@dataclass(slots=True)
class _Seat:
    box: Box
    colours: Surroundings
    seen_s: float
    unsure: bool = False

    def distance(self, face: Box) -> float:
        """Return how far a face is from the seat's middle, in sides of the seat's face; infinite for another size."""
        if not 1 / GROWTH <= side(face) / side(self.box) <= GROWTH:
            return math.inf
        return math.dist(centre(face), centre(self.box)) / side(self.box)


class SeatKeeper:
    """Keeps names with seats (see ``vision.keeping.Keeper``)."""

    def __init__(self) -> None:
        self._tracker = Tracker(sightings=1)
        self.reset()

    def reset(self) -> None:
        """Forget all names and seats."""
        self._tracker.reset()
        self._seats: dict[int, _Seat] = {}
        self._here: dict[int, tuple[Box, Surroundings]] = {}
        self._taken: set[int] = set()
        self._at_s = float("-inf")

    def name(self, student_id: int, face_id: int) -> bool:
        """Make the place of a face of the newest frame a student's seat, in place of any other, and of any other's."""
        if face_id not in self._here:
            return False
        box, colours = self._here[face_id]
        self._seats.pop(student_id, None)
        for other in [other for other, seat in self._seats.items() if seat.distance(box) < 1 / CLEARER]:
            del self._seats[other]
        self._seats[student_id] = _Seat(box, colours, self._at_s)
        return True

    def forget(self, student_id: int) -> None:
        """Take a name away."""
        self._seats.pop(student_id, None)

    def update(self, picture: Picture) -> Kept:
        """Take in a frame, in order of time, and return how each name stands in it."""
        self._at_s = picture.at_s
        boxes = picture.faces
        ids = self._follow(boxes, picture.at_s)
        self._here = {face_id: (box, picture.colours(box)) for face_id, box in zip(ids, boxes, strict=True)}
        inside = {student: self._inside(student, boxes) for student in self._seats}
        taken = {student for student, found in inside.items() if found}
        if len(self._taken) >= 3 and len(self._taken - taken) > MOVED * len(self._taken):
            for seat in self._seats.values():
                seat.unsure = True
        self._taken = taken
        return Kept(ids, {student: self._stand(student, found, ids, picture) for student, found in inside.items()})

    def _follow(self, boxes: Sequence[Box], at_s: float) -> tuple[int, ...]:
        """Return the ids of faces, for the page alone: names hang on places."""
        tracked = self._tracker.update([Face(box, 1.0) for box in boxes], at_s)
        return tuple(each.track_id for each in tracked)

    def _inside(self, student_id: int, boxes: Sequence[Box]) -> list[int]:
        seat = self._seats[student_id]
        return [index for index, box in enumerate(boxes) if seat.distance(box) <= REGION]

    def _is_clear(self, student_id: int, face: Box) -> bool:
        """Return whether a face in the student's region is clearly farther from every other seat."""
        own = self._seats[student_id].distance(face)
        others = [seat.distance(face) for other, seat in self._seats.items() if other != student_id]
        return all(other >= CLEARER * own or other > REGION for other in others)

    def _stand(self, student_id: int, inside: Sequence[int], kept_ids: Sequence[int], picture: Picture) -> Named:
        seat = self._seats[student_id]
        maybe = tuple(kept_ids[index] for index in inside)
        if not inside and not seat.unsure:
            return Named(Hold.AWAY)
        if seat.unsure or len(inside) > 1 or not self._is_clear(student_id, picture.faces[inside[0]]):
            seat.seen_s = min(seat.seen_s, picture.at_s - LEFT_S)  # whoever is there alone next is looked at anew
            return Named(Hold.UNSURE, None, maybe)
        colours = picture.colours(picture.faces[inside[0]])
        back = picture.at_s - seat.seen_s >= LEFT_S
        if back and difference(seat.colours[CLOTHES], colours[CLOTHES]) > SAME_CLOTHES:
            seat.unsure = True
            return Named(Hold.UNSURE, None, maybe)
        seat.seen_s = picture.at_s
        seat.colours = np.asarray((1 - RENEWAL) * seat.colours + RENEWAL * colours, np.float32)
        return Named(Hold.SURE, inside[0])
