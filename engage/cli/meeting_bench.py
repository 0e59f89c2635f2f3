"""``engage bench meeting``: how well names stay with the tiles of drawn meetings while their windows change.

A teacher names six of nine faces in the first frame, and answers rightly 5 s after being asked. Counted is every named
student in every frame in which their face is to be seen, and every frame in which a name was on somebody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from engage.capture.virtual.meeting import Attendant, Meeting, Tile, grid, speaker_view
from engage.core.protocols import FaceDetector
from engage.core.shared import Hold
from engage.core.types import Box, Image
from engage.vision.keeping import Kept, Picture
from engage.vision.tiles import TileKeeper

WINDOW, SMALLER = (1280, 720), (1000, 700)
RATE_FPS = 2.0
SECONDS = 24.0
ATTENDANTS, NAMED = 9, 6
TWIN = 8
"""The attendant, without a name, who may be dressed like the first and sit in the same room."""
ANSWER_S = 5.0
JPEG_QUALITY = 80

Layout = tuple[tuple[Tile, ...], tuple[int, int]]
Boxes = Callable[[Image, Sequence[tuple[int, Box]]], list[Box]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A meeting whose layout changes: from when on each is shown. ``alike`` gives two of the attendants one look."""

    name: str
    layouts: tuple[tuple[float, Layout], ...]
    alike: bool = False

    def at(self, t_s: float) -> Layout:
        """Return the layout of a moment."""
        return [layout for since_s, layout in self.layouts if since_s <= t_s][-1]


def scenes() -> list[Scene]:
    """Return what is measured: each event of a meeting, without and with two attendants who look alike."""
    everyone = list(range(ATTENDANTS))
    full = grid(everyone, WINDOW), WINDOW
    late = grid(everyone[:-2], WINDOW), WINDOW
    sorted_anew = grid([4, 8, 1, 0, 6, 3, 7, 2, 5], WINDOW), WINDOW
    swapped = grid([TWIN, *everyone[1:TWIN], 0], WINDOW), WINDOW
    one_large = speaker_view(2, [0, 1, 3, 4, 5], WINDOW), WINDOW
    another = speaker_view(0, [1, 2, 3, 4, 5], WINDOW), WINDOW
    twin_large = speaker_view(TWIN, [1, 2, 3, 4, 5], WINDOW), WINDOW
    resized = grid(everyone, SMALLER), SMALLER
    events: dict[str, tuple[tuple[float, Layout], ...]] = {
        "nothing happens": ((0.0, full),),
        "two join": ((0.0, late), (8.0, full)),
        "one leaves": ((0.0, full), (8.0, (grid(everyone[1:], WINDOW), WINDOW))),
        "speaker view and back": ((0.0, full), (8.0, one_large), (14.0, full)),
        "grid re-sorted": ((0.0, full), (8.0, sorted_anew)),
        "two change places": ((0.0, full), (8.0, swapped)),
        "window resized": ((0.0, full), (8.0, resized), (14.0, full)),
        "speakers take turns": ((0.0, full), (6.0, another), (12.0, twin_large), (18.0, another)),
    }
    plain = [Scene(name, layouts) for name, layouts in events.items()]
    return plain + [Scene(f"{name}, two alike", layouts, alike=True) for name, layouts in events.items()]


@dataclass(slots=True)
class Tally:
    """What became of the named students, frame by frame."""

    seen: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    questions: int = 0

    def add(self, other: Tally) -> None:
        """Take in another scene."""
        self.seen += other.seen
        self.counts += other.counts
        self.questions += other.questions

    def result(self) -> dict[str, Any]:
        """Return shares of the faces to be seen; ``wrong`` is over those and the names on faces that were not."""
        total = max(self.seen, 1)
        shares = {kind: round(self.counts[kind] / total, 4) for kind in ("right", "unsure", "missed", "wrong")}
        return {"faces": self.seen, **shares, "wrong_frames": self.counts["wrong"], "questions": self.questions}


def measure(
    chosen: Iterable[Scene],
    detector: FaceDetector | None = None,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """Return the figures of each scene and of all; with ``detector``, else with the true boxes, a little off."""
    people = [Attendant.of(1000 + seat) for seat in range(ATTENDANTS)]
    plain = Meeting(people)
    alike = Meeting([*people[:TWIN], people[TWIN].in_the_room_of(people[0])])
    total, each = Tally(), {}
    for scene in chosen:
        boxes = _detected(detector) if detector else jittered(np.random.default_rng(7))
        tally = watch(alike if scene.alike else plain, scene, boxes, seconds)
        each[scene.name] = tally.result()
        total.add(tally)
    return {"scenes": each, "all": total.result()}


def watch(meeting: Meeting, scene: Scene, boxes: Boxes, seconds: float) -> Tally:
    """Return what becomes of the names in one scene; the last attendant never has one."""
    keeper, tally, asked = TileKeeper(), Tally(), dict[int, float]()
    for number in range(round(seconds * RATE_FPS)):
        t_s = number / RATE_FPS
        tiles, size = scene.at(t_s)
        image = _compressed(meeting.window(tiles, size, t_s))
        found = boxes(image, meeting.faces(tiles, t_s))
        who = [_whose(box, tiles) for box in found]
        kept = keeper.update(Picture(image, found, t_s))
        if number == 0:
            for student in range(min(NAMED, len(meeting.attendants) - 1)):
                keeper.name(student, kept.ids[who.index(student)])
            continue
        for student, named in kept.names.items():
            _count(tally, student, named.face, who, named.hold)
        tally.questions += _answer(keeper, kept, who, asked, t_s)
    return tally


def _count(tally: Tally, student: int, face: int | None, who: Sequence[int], hold: Hold) -> None:
    visible = student in who
    tally.seen += visible
    if face is not None:
        tally.counts["right" if who[face] == student else "wrong"] += 1
    elif visible:
        tally.counts["unsure" if hold is Hold.UNSURE else "missed"] += 1


def _answer(keeper: TileKeeper, kept: Kept, who: Sequence[int], asked: dict[int, float], t_s: float) -> int:
    """Answer what was asked long enough ago, and return how many questions are new."""
    new = 0
    for student, named in kept.names.items():
        if named.hold is not Hold.UNSURE or not named.maybe:
            asked.pop(student, None)
            continue
        new += student not in asked
        if t_s - asked.setdefault(student, t_s) >= ANSWER_S and student in who:
            keeper.name(student, kept.ids[who.index(student)])
            del asked[student]
    return new


def _whose(box: Box, tiles: Sequence[Tile]) -> int:
    """Return whose tile a face lies in; -1 where it is none."""
    x, y = box.x + box.w / 2, box.y + box.h / 2
    for tile in tiles:
        if tile.box.x <= x <= tile.box.x + tile.box.w and tile.box.y <= y <= tile.box.y + tile.box.h:
            return tile.who
    return -1


def _detected(detector: FaceDetector) -> Boxes:
    return lambda image, truth: [face.box for face in detector.detect(image)]


def jittered(rng: np.random.Generator) -> Boxes:
    """Return what stands for a detector: the true boxes, off by a few hundredths of the face."""

    def boxes(image: Image, truth: Sequence[tuple[int, Box]]) -> list[Box]:
        return [_moved(box, rng) for _, box in truth]

    return boxes


def _moved(box: Box, rng: np.random.Generator) -> Box:
    x, y = rng.normal(0, 0.03, 2)
    grown = float(np.exp(rng.normal(0, 0.04)))
    return Box(box.x + x * box.w, box.y + y * box.h, box.w * grown, box.h * grown)


def _compressed(image: Image) -> Image:
    """Return the picture as the server sees it after the browser's JPEG."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
