"""Names that stay with the tiles of a meeting window, by place, size and the colours around a face; never by the face.

While nothing moves, a tile is where it was. When anything has moved, colours decide, and only where one tile fits one
face clearly better than any other does. Everything else is unsure, and stays so until a person has said who it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engage.core.shared import Hold
from engage.core.types import Box
from engage.vision.assignment import assign
from engage.vision.boxes import centre, side
from engage.vision.keeping import RECENT_S, RENEWAL, SAME, Kept, Named, Picture
from engage.vision.surroundings import Surroundings, background_difference, difference, differences

STAYED = 0.26
"""Largest difference of a tile's surroundings from what they were while it stays in its place: other clothes before the
same background lie above, a hand before the chest below."""
REACH = 0.9
GROWTH = 1.35
"""How far a face moves, in its sides, and how much it grows between two frames of the same tile."""
MARGIN = 0.06
"""How much better, at least, the right pair of tile and face must fit than the next best."""
TWIN_MARGIN = 0.03
"""While nothing moves: how much better two tiles must fit where they are than in each other's place. Of tiles that look
the same nobody could say whether they have changed places, so that no name holds on them."""
GONE_S = 10.0
"""A tile that was hidden for longer is asked about, however well it fits."""
FORGET_S = 600.0
"""How long a tile that bears no name is remembered after it was last seen, as one that others could be taken for."""


@dataclass(slots=True)
class _Tile:
    id: int
    box: Box
    colours: Surroundings
    seen_s: float
    """When it was last in view, with or without a face."""
    unsure: bool = False

    def renew(self, box: Box, colours: Surroundings, at_s: float) -> None:
        """Take in that it was seen."""
        self.box, self.seen_s = box, at_s
        self.colours = np.asarray((1 - RENEWAL) * self.colours + RENEWAL * colours, np.float32)


class TileKeeper:
    """Keeps names with the tiles of a meeting window (see ``vision.keeping.Keeper``)."""

    def __init__(self) -> None:
        self._made = 0
        self._clear()

    def reset(self) -> None:
        """Forget all names, and the tiles; ids are not used again. Where there is no name, faces keep their ids: what a
        page shows at this moment can still be named.
        """
        if self._names:
            self._clear()

    def _clear(self) -> None:
        self._tiles: dict[int, _Tile] = {}
        self._names: dict[int, int] = {}
        self._asked: dict[int, set[int]] = {}
        """The tiles that a name that is not sure may be on, of all the frames since."""
        self._here: tuple[int, ...] = ()
        self._away: set[int] = set()
        """The tiles in view with nobody in them."""
        self._costs: dict[int, NDArray[np.float64]] = {}
        self._shape: tuple[int, ...] = ()
        self._at_s = float("-inf")

    def name(self, student_id: int, face_id: int) -> bool:
        """Put a name on a face of the newest frame, off any other it was on, and off that face any other."""
        if face_id not in self._here:
            return False
        self.forget(student_id)
        for other in [other for other, tile in self._names.items() if tile == face_id]:
            self.forget(other)
        self._names[student_id] = face_id
        self._tiles[face_id].unsure = False
        return True

    def forget(self, student_id: int) -> None:
        """Take a name away."""
        tile_id = self._names.pop(student_id, None)
        if tile_id is None:
            return
        for gone in (self._asked.pop(student_id, set()) | {tile_id}).difference(self._here, self._names.values()):
            self._tiles.pop(gone, None)

    def update(self, picture: Picture) -> Kept:
        """Take in a frame, in order of time, and return how each name stands in it."""
        at_s = picture.at_s
        broken = picture.image.shape != self._shape or at_s - self._at_s > RECENT_S
        self._shape, self._at_s = picture.image.shape, at_s
        self._costs = self._compare(picture)
        recent = [] if broken else [tile for tile in self._tiles.values() if at_s - tile.seen_s <= RECENT_S]
        matched = self._in_place(recent, picture)
        empty = [tile for tile in recent if tile.id not in matched and _still_there(tile, picture)]
        if broken or len(matched) + len(empty) < len(recent):
            matched = self._by_colour(at_s)
            empty = [tile for tile in empty if tile.id not in matched]
        return self._settle(matched, empty, picture)

    def _compare(self, picture: Picture) -> dict[int, NDArray[np.float64]]:
        """Return how different each known tile is from each face's surroundings."""
        colours = [picture.colours(box) for box in picture.faces]
        rows = differences([tile.colours for tile in self._tiles.values()], colours)
        return dict(zip(self._tiles, rows, strict=True))

    def _in_place(self, recent: list[_Tile], picture: Picture) -> dict[int, int]:
        """Return the face of each tile that is where it was and has the colours it had, nearest first."""
        pairs = []
        for tile in recent:
            for index, box in enumerate(picture.faces):
                far = math.dist(centre(box), centre(tile.box)) / side(tile.box)
                if far <= REACH and 1 / GROWTH <= side(box) / side(tile.box) <= GROWTH:
                    pairs.append((far, tile.id, index))
        found: dict[int, int] = {}
        for _, tile_id, index in sorted(pairs):
            if tile_id not in found and index not in found.values():
                found[tile_id] = index
        return {tile_id: index for tile_id, index in found.items() if self._costs[tile_id][index] < STAYED}

    def _by_colour(self, at_s: float) -> dict[int, int]:
        """Return the face of each tile that fits it well, and clearly better than any other tile or face does."""
        costs = np.array(list(self._costs.values()))
        if costs.size == 0:
            return {}
        tiles, found = list(self._costs), {}
        for row, column in assign(costs):
            cost = costs[row, column]
            rivals = np.concatenate([np.delete(costs[row], column), np.delete(costs[:, column], row)])
            clear = cost < SAME and (rivals.size == 0 or float(rivals.min()) - cost >= MARGIN)
            if clear and at_s - self._tiles[tiles[row]].seen_s <= GONE_S:
                found[tiles[row]] = column
        return found

    def _has_twin(self, tile_id: int, matched: Mapping[int, int]) -> bool:
        """Return whether another tile, in view or not, could have changed places with this one unnoticed."""
        own = self._costs[tile_id]
        face = matched[tile_id]
        strangers = set(range(len(own))) - set(matched.values())
        if any(own[stranger] - own[face] < TWIN_MARGIN for stranger in strangers):
            return True
        for other_id, other in self._costs.items():
            if other_id == tile_id:
                continue
            better = other[face] - own[face]
            if other_id in matched:
                there = matched[other_id]
                better = (better + own[there] - other[there]) / 2
            elif other_id in self._away:
                continue
            if better < TWIN_MARGIN:
                return True
        return False

    def _settle(self, matched: dict[int, int], empty: list[_Tile], picture: Picture) -> Kept:
        """Take in who is where, give new faces new ids, and return how each name stands."""
        at_s = picture.at_s
        self._away = {tile.id for tile in empty}
        for tile in empty:
            tile.seen_s = at_s
        owners = {index: tile_id for tile_id, index in matched.items()}
        for tile_id, index in matched.items():
            box = picture.faces[index]
            self._tiles[tile_id].renew(box, picture.colours(box), at_s)
        new = {index: self._make(box, picture) for index, box in enumerate(picture.faces) if index not in owners}
        ids = tuple(owners[index] if index in owners else new[index].id for index in range(len(picture.faces)))
        self._here = ids
        for tile in new.values():
            self._drop_double(tile)
        self._forget_old(at_s)
        names = {student: self._stand(student, matched, new) for student in self._names}
        return Kept(ids, names)

    def _stand(self, student_id: int, matched: Mapping[int, int], new: Mapping[int, _Tile]) -> Named:
        tile = self._tiles[self._names[student_id]]
        alike = tile.id in matched and self._has_twin(tile.id, matched)
        if not tile.unsure and not alike and tile.id in matched:
            return Named(Hold.SURE, matched[tile.id])
        in_place = any(_is_near(other.box, tile.box) for other in new.values())
        maybe = self._maybe(tile)
        if tile.unsure or alike or in_place or (maybe and tile.id not in self._away):
            tile.unsure = True
            self._asked.setdefault(student_id, set()).update(maybe)
            return Named(Hold.UNSURE, None, maybe, alike)
        return Named(Hold.AWAY if tile.id in self._away else Hold.HIDDEN)

    def _maybe(self, tile: _Tile) -> tuple[int, ...]:
        """Return the faces in view that ``tile`` may be: the likest first, then one in its place.

        Faces that bear another name are not among them.
        """
        taken = set(self._names.values()) - {tile.id}
        others = [self._tiles[face] for face in self._here if face not in taken]
        fits = sorted((difference(tile.colours, other.colours), other.id) for other in others)
        alike = [other_id for cost, other_id in fits if cost < SAME]
        in_place = [other.id for other in others if _is_near(other.box, tile.box) and other.id not in alike]
        return (*alike, *in_place)

    def _make(self, box: Box, picture: Picture) -> _Tile:
        self._made += 1
        tile = self._tiles[self._made] = _Tile(self._made, box, picture.colours(box), picture.at_s)
        return tile

    def _drop_double(self, tile: _Tile) -> None:
        """Forget the tile without a name, out of view, that ``tile`` most likely was, unless it may be a named one."""
        named = set(self._names.values())
        gone = [other for other in self._tiles.values() if other.id not in self._here]
        doubles = [other for other in gone if difference(other.colours, tile.colours) < SAME]
        if doubles and not any(other.id in named for other in doubles):
            del self._tiles[min(doubles, key=lambda other: difference(other.colours, tile.colours)).id]

    def _forget_old(self, at_s: float) -> None:
        named = set(self._names.values())
        self._tiles = {
            tile_id: tile
            for tile_id, tile in self._tiles.items()
            if tile_id in named or tile_id in self._here or at_s - tile.seen_s <= FORGET_S
        }


def _still_there(tile: _Tile, picture: Picture) -> bool:
    """Return whether the background at the tile's place is what it was, without its face."""
    return background_difference(tile.colours, picture.colours(tile.box)) < SAME


def _is_near(box: Box, place: Box) -> bool:
    return math.dist(centre(box), centre(place)) <= REACH * side(place)
