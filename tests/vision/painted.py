"""Windows painted for tests of keepers: a colour per tile, another for its clothes, and where its face would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engage.core.types import Box
from engage.vision.keeping import Picture

WIDE, HIGH = 200, 112
ROOMS = {
    "ada": ((200, 120, 40), (40, 40, 160)),
    "ben": ((60, 160, 60), (180, 180, 60)),
    "cleo": ((90, 60, 190), (60, 150, 220)),
    "dan": ((170, 170, 170), (60, 30, 30)),
    "eve": ((200, 120, 40), (40, 40, 160)),  # dressed like ada, in the same room
    "fay": ((200, 120, 40), (60, 150, 220)),  # in ada's room, dressed like cleo
}
"""Background and clothes, BGR."""


@dataclass(frozen=True)
class Layout:
    """Who is where, ``(column, row)`` of a grid; ``absent`` have left their camera."""

    places: Mapping[str, tuple[int, int]]
    absent: frozenset[str] = frozenset()
    size: tuple[int, int] = (800, 480)

    def faces(self) -> dict[str, Box]:
        """Return where faces are."""
        return {who: self._face(place) for who, place in self.places.items() if who not in self.absent}

    def picture(self, at_s: float) -> Picture:
        """Return the window, its faces in the order of ``faces``."""
        image = np.full((self.size[1], self.size[0], 3), 30, np.uint8)
        noise = np.random.default_rng(int(at_s * 10))
        for who, (column, row) in self.places.items():
            background, clothes = ROOMS[who]
            tile = image[row * (HIGH + 8) :, column * (WIDE + 8) :][:HIGH, :WIDE]
            tile[:] = background
            if who not in self.absent:
                tile[88:, 60:140] = clothes
                tile[30:88, 78:122] = (150, 180, 220)
        wavering = noise.integers(-4, 5, image.shape)
        return Picture(np.clip(image + wavering, 0, 255).astype(np.uint8), list(self.faces().values()), at_s)

    def _face(self, place: tuple[int, int]) -> Box:
        return Box(place[0] * (WIDE + 8) + 78.0, place[1] * (HIGH + 8) + 30.0, 44.0, 58.0)


def row(*names: str, absent: tuple[str, ...] = ()) -> Layout:
    """Return people side by side."""
    return Layout({who: (column, 0) for column, who in enumerate(names)}, frozenset(absent))
