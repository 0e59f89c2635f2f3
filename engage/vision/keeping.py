"""Names that a person put on faces, kept with them from frame to frame without ever looking at the faces themselves.

Two ways to keep them: with a meeting's tile (``vision.tiles``) or with a seat before a fixed camera (``vision.seats``).
A wrong name is worse than none, so both ask as soon as they are not sure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engage.core.shared import Hold
from engage.core.types import Box, Image
from engage.vision.surroundings import Surroundings, surroundings

RECENT_S = 1.6
"""A face, or the whole picture, that was away for no longer is taken to have gone on as it was."""
SAME = 0.2
"""Largest difference of two surroundings that may be the same (99.9 % of a tile with itself: .17)."""
RENEWAL = 0.2
"""Weight of the newest surroundings in the mean that is remembered."""


@dataclass(frozen=True, slots=True)
class Named:
    """One name: how it stands, the index of its face in the frame, and the ids of the faces it may be if unsure."""

    hold: Hold
    face: int | None = None
    maybe: tuple[int, ...] = ()
    alike: bool = False
    """Whether it is unsure because another tile looks the same, so that no answer would last."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one frame: the id of each face, in the order given, and how each name stands."""

    ids: tuple[int, ...] = ()
    names: Mapping[int, Named] = field(default_factory=dict)


@dataclass(slots=True)
class Picture:
    """One frame as keepers see it: where faces are, and the colours around any place, looked up once."""

    image: Image
    faces: Sequence[Box]
    at_s: float
    _colours: dict[Box, Surroundings] = field(default_factory=dict)

    def colours(self, place: Box) -> Surroundings:
        """Return the colours around ``place``."""
        if place not in self._colours:
            self._colours[place] = surroundings(self.image, place)
        return self._colours[place]


class Keeper(Protocol):
    """Keeps names with faces. A name is a student's id; a face's id is one that ``update`` gave in the newest frame."""

    def update(self, picture: Picture) -> Kept:
        """Take in a frame, in order of time, and return how each name stands in it."""

    def name(self, student_id: int, face_id: int) -> bool:
        """Put a name on a face, off any other it was on, and off that face any other; False where there is no such."""

    def forget(self, student_id: int) -> None:
        """Take a name away."""

    def reset(self) -> None:
        """Forget all names and faces: what comes next is another picture."""
