"""Ids that stay with faces from frame to frame of one source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engage.core.types import Box, Face, TrackedFace
from engage.vision.boxes import centre, overlap, side

OVERLAP = 0.3
"""Intersection over union from which a face is the track's without further question."""
REACH = 0.6
REACH_PER_S = 1.6
"""How far, in sides of the face, a centre may lie from where its track was expected: at once, and more per second."""
REACH_AT_MOST = 1.6
GROWTH_AT_MOST = 1.8
"""Largest ratio of sides between a track and its face."""
COAST_S = 0.6
"""How long a track is thought to keep its speed after it was last seen; heads turn back soon."""
SMOOTHING = 0.5
"""Weight of the newest speed in the mean."""
SIZE_TIME_S = 8.0
"""Time constant of the mean size by which the primary face is chosen."""
FIRST_SIGHT_S = 0.5
"""What a first sighting counts for in that mean."""
TAKEOVER = 1.4
"""How many times the primary's mean size another face must reach to become the primary."""


@dataclass(slots=True)
class _Track:
    box: Box
    seen_s: float
    order: int
    id: int | None = None
    hits: int = 1
    speed: tuple[float, float] = (0.0, 0.0)
    mean_size: float = 0.0
    weighed_s: float = 0.0
    """Up to when ``mean_size`` counts."""

    def expected(self, at_s: float) -> Box:
        """Return where the face should be if it kept its speed."""
        ahead_s = min(max(at_s - self.seen_s, 0.0), COAST_S)
        return Box(self.box.x + self.speed[0] * ahead_s, self.box.y + self.speed[1] * ahead_s, self.box.w, self.box.h)

    def follow(self, box: Box, at_s: float) -> None:
        """Take in where the face was found."""
        gap_s = at_s - self.seen_s
        if gap_s > 0:
            (x, y), (old_x, old_y) = centre(box), centre(self.box)
            self.speed = (
                SMOOTHING * (x - old_x) / gap_s + (1 - SMOOTHING) * self.speed[0],
                SMOOTHING * (y - old_y) / gap_s + (1 - SMOOTHING) * self.speed[1],
            )
        self.box, self.seen_s = box, at_s
        self.hits += 1

    def weigh(self, at_s: float) -> None:
        """Bring the mean size up to ``at_s``: with the size seen now, or with none."""
        seen = side(self.box) if self.seen_s == at_s else 0.0
        if self.hits == 1 and seen:
            self.mean_size = seen * (1 - math.exp(-FIRST_SIGHT_S / SIZE_TIME_S))
        else:
            keep = math.exp(-max(at_s - self.weighed_s, 0.0) / SIZE_TIME_S)
            self.mean_size = keep * self.mean_size + (1 - keep) * seen
        self.weighed_s = max(at_s, self.weighed_s)


class Tracker:
    """Follows the faces of one source. Times are seconds on any clock of the frames, and never go back.

    A face keeps its id while it is found again within ``memory_s``. It counts from its second sighting on, at once
    where its confidence reaches ``sure``, and at once in the first frame, since a single picture has no second: that
    leaves out what flickers. Raises ValueError when time goes back.
    """

    def __init__(self, memory_s: float = 2.0, sightings: int = 2, sure: float = 0.7) -> None:
        """Start without tracks."""
        self._memory_s = memory_s
        self._sightings = sightings
        self._sure = sure
        self._tracks: list[_Track] = []
        self._made = 0
        self._last_id = 0
        self._now_s: float | None = None
        self._primary: int | None = None

    def update(self, faces: Sequence[Face], at_s: float) -> list[TrackedFace]:
        """Return the faces of this frame that count, in the order of ``faces``, with their ids.

        The order of ``faces`` changes neither ids nor pairs.
        """
        first = self._now_s is None
        if self._now_s is not None and at_s < self._now_s:
            raise ValueError(f"time goes back from {self._now_s} to {at_s} s; reset() before another recording")
        self._now_s = at_s
        self._tracks = [track for track in self._tracks if at_s - track.seen_s <= self._memory_s]
        ranked = sorted(range(len(faces)), key=lambda index: _rank(faces[index]))
        paired = self._pair([faces[index] for index in ranked], at_s)
        found: dict[int, TrackedFace] = {}
        for place, index in enumerate(ranked):
            face, track = faces[index], paired.get(place)
            if track is None:
                self._made += 1
                track = _Track(face.box, at_s, self._made)
                self._tracks.append(track)
            else:
                track.follow(face.box, at_s)
            if track.id is None and (first or track.hits >= self._sightings or face.confidence >= self._sure):
                self._last_id += 1
                track.id = self._last_id
            if track.id is not None:
                found[index] = TrackedFace(track.id, face)
        self._choose_primary(at_s)
        return [found[index] for index in sorted(found)]

    def move(self, track_id: int, box: Box, at_s: float) -> None:
        """Say that the face ``track_id`` was in ``box`` at ``at_s``, without a detection.

        A place that is older than the newest known, or of a face that is forgotten, changes nothing.
        """
        for track in self._tracks:
            if track.id == track_id and at_s >= track.seen_s:
                track.follow(box, at_s)
                track.weigh(at_s)

    def put_back(self, track_id: int, box: Box, at_s: float) -> None:
        """Say that the face ``track_id`` never left ``box``: what was said since is taken back."""
        for track in self._tracks:
            if track.id == track_id:
                track.box, track.seen_s, track.speed = box, at_s, (0.0, 0.0)

    def primary(self) -> int | None:
        """Return the id of the face that has been largest for longest, seen now or not, or None without a face.

        It changes only when its track is forgotten or another has been clearly larger for seconds.
        """
        return self._primary

    def expected(self, at_s: float) -> dict[int, Box]:
        """Return where each face that counts should be at ``at_s``, by id; faces lost within the memory included."""
        return {
            track.id: track.expected(at_s)
            for track in self._tracks
            if track.id is not None and at_s - track.seen_s <= self._memory_s
        }

    def reset(self) -> None:
        """Forget all tracks and the time: what comes next is another picture. Ids are not used again."""
        self._tracks = []
        self._now_s = self._primary = None

    def _pair(self, faces: list[Face], at_s: float) -> dict[int, _Track]:
        """Return the track of each face that has one: by overlap, best first, and then by distance."""
        pairs = []
        for place, face in enumerate(faces):
            for track in self._tracks:
                cost = _cost(track, face.box, at_s)
                if cost is not None:
                    pairs.append((cost, track.id is None, track.order, place, track))
        paired: dict[int, _Track] = {}
        taken: set[int] = set()
        for _, _, order, place, track in sorted(pairs, key=lambda pair: pair[:4]):
            if place not in paired and order not in taken:
                paired[place] = track
                taken.add(order)
        return paired

    def _choose_primary(self, at_s: float) -> None:
        for track in self._tracks:
            track.weigh(at_s)
        counted = [track for track in self._tracks if track.id is not None]
        if not counted:
            self._primary = None
            return
        best = max(counted, key=lambda track: (track.mean_size, -track.order))
        current = next((track for track in counted if track.id == self._primary), None)
        if current is None or best.mean_size > TAKEOVER * current.mean_size:
            self._primary = best.id


def _cost(track: _Track, box: Box, at_s: float) -> float | None:
    """Return how badly ``box`` fits ``track``, below 0 where they overlap, or None where it is another face."""
    places = (track.box, track.expected(at_s))
    shared = max(overlap(place, box) for place in places)
    if shared >= OVERLAP:
        return -shared
    growth = side(box) / side(track.box)
    if not 1 / GROWTH_AT_MOST <= growth <= GROWTH_AT_MOST:
        return None
    reach = min(REACH + REACH_PER_S * (at_s - track.seen_s), REACH_AT_MOST) * max(side(box), side(track.box))
    x, y = centre(box)
    distance = min(math.dist((x, y), centre(place)) for place in places)
    return distance / reach if distance <= reach else None


def _rank(face: Face) -> tuple[float, ...]:
    return (-face.confidence, face.box.x, face.box.y, face.box.w, face.box.h)
