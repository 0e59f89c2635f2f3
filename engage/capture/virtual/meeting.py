"""A drawn video meeting: virtual students in tiles, as a shared window shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from engage.capture.virtual.drawing import render
from engage.capture.virtual.person import Person
from engage.capture.virtual.script import Script, ScriptKind
from engage.core.types import Box, Image

GROUND = (44, 38, 36)
"""The window's own colour, BGR."""
GAP_PX = 8
SMALL, LARGE = (320, 180), (640, 360)
"""Sizes at which cameras are drawn before they are fitted into their tiles."""
FACE_WIDTH, FACE_HEIGHT, FACE_MIDDLE = 0.34, 0.47, 0.49
"""A face's box at the usual distance and where its middle stands, in heights of the tile (YuNet on drawn students)."""


@dataclass(frozen=True, slots=True)
class Attendant:
    """One person in the meeting and the part they play."""

    person: Person
    script: Script

    @classmethod
    def of(cls, seed: int, kind: ScriptKind = ScriptKind.LIVELY) -> Attendant:
        """Return the virtual student of ``seed``."""
        return cls(Person.from_seed(seed), Script(kind, seed))

    def in_the_room_of(self, other: Attendant) -> Attendant:
        """Return this person in front of the other's background and in the other's clothes."""
        mine = self.person
        borrowed = replace(other.person, skin=mine.skin, hair=mine.hair, iris=mine.iris, lips=mine.lips)
        return replace(self, person=replace(borrowed, shape=mine.shape, features=mine.features, style=mine.style))


@dataclass(frozen=True, slots=True)
class Tile:
    """Where in the window one attendant is shown; ``who`` is their place in the list of attendants."""

    who: int
    box: Box


def grid(who: Sequence[int], size: tuple[int, int]) -> tuple[Tile, ...]:
    """Return the attendants ``who`` in rows of tiles of 16:9, the last row centred, in a window of ``size``."""
    width, height = size
    columns = max(range(1, len(who) + 1), key=lambda count: _tile_width(len(who), count, size))
    wide = _tile_width(len(who), columns, size)
    tall = wide * 9 / 16
    rows = [who[start : start + columns] for start in range(0, len(who), columns)]
    top = (height - len(rows) * (tall + GAP_PX) + GAP_PX) / 2
    tiles = []
    for row, members in enumerate(rows):
        left = (width - len(members) * (wide + GAP_PX) + GAP_PX) / 2
        for column, member in enumerate(members):
            tiles.append(Tile(member, _box(left + column * (wide + GAP_PX), top + row * (tall + GAP_PX), wide, tall)))
    return tuple(tiles)


def speaker_view(large: int, strip: Sequence[int], size: tuple[int, int]) -> tuple[Tile, ...]:
    """Return one attendant large, and ``strip`` in a row of small tiles above."""
    width, height = size
    small = (width - (max(len(strip), 5) + 1) * GAP_PX) / max(len(strip), 5)
    row = [Tile(who, _box(GAP_PX + i * (small + GAP_PX), GAP_PX, small, small * 9 / 16)) for i, who in enumerate(strip)]
    tall = height - small * 9 / 16 - 3 * GAP_PX
    wide = min(tall * 16 / 9, width - 2 * GAP_PX)
    return (*row, Tile(large, _box((width - wide) / 2, small * 9 / 16 + 2 * GAP_PX, wide, wide * 9 / 16)))


class Meeting:
    """Attendants before their cameras. Pictures are drawn once for each moment, in whatever layouts they are shown."""

    def __init__(self, attendants: Sequence[Attendant], camera: tuple[int, int] | None = None) -> None:
        """Take the attendants; ``camera`` is the size all cameras are drawn at, left out what their tiles need."""
        self.attendants = tuple(attendants)
        self._size = camera
        self._drawn: dict[tuple[int, float, tuple[int, int]], Image] = {}

    def window(self, tiles: Sequence[Tile], size: tuple[int, int], t_s: float) -> Image:
        """Return the window at ``t_s`` of everybody's script, ``(H, W, 3)`` BGR of ``size`` = (width, height)."""
        window = np.empty((size[1], size[0], 3), np.uint8)
        window[:] = GROUND
        for tile in tiles:
            x, y, wide, tall = int(tile.box.x), int(tile.box.y), int(tile.box.w), int(tile.box.h)
            picture = self._camera(tile.who, t_s, self._size or (SMALL if wide <= SMALL[0] else LARGE))
            window[y : y + tall, x : x + wide] = cv2.resize(picture, (wide, tall), interpolation=cv2.INTER_AREA)
        return window

    def faces(self, tiles: Sequence[Tile], t_s: float) -> list[tuple[int, Box]]:
        """Return who is to be seen at ``t_s``, and the box of their face as a detector would give it within a tenth."""
        found = []
        for tile in tiles:
            state = self.attendants[tile.who].script.state_at(t_s)
            if state.present and state.light > 0.0:
                wide, tall = FACE_WIDTH * state.scale * tile.box.h, FACE_HEIGHT * state.scale * tile.box.h
                x = tile.box.x + tile.box.w / 2 + state.x * tile.box.h
                y = tile.box.y + (FACE_MIDDLE + state.y) * tile.box.h
                found.append((tile.who, Box(x - wide / 2, y - tall / 2, wide, tall)))
        return found

    def _camera(self, who: int, t_s: float, size: tuple[int, int]) -> Image:
        key = who, t_s, size
        if key not in self._drawn:
            attendant = self.attendants[who]
            state = attendant.script.state_at(t_s)
            self._drawn[key] = render(attendant.person, state, size, round(t_s * 1000))
        return self._drawn[key]


def _tile_width(count: int, columns: int, size: tuple[int, int]) -> float:
    width, height = size
    rows = math.ceil(count / columns)
    return min((width - (columns + 1) * GAP_PX) / columns, ((height - (rows + 1) * GAP_PX) / rows) * 16 / 9)


def _box(x: float, y: float, w: float, h: float) -> Box:
    return Box(float(int(x)), float(int(y)), float(int(w)), float(int(h)))
