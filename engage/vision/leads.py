"""What is known of one followed face: where it is, on whose word, and whether it is still the one that was detected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from engage.core.types import Box, Face
from engage.vision.boxes import centre, overlap, side
from engage.vision.crops import Shift, apply_shift

ASTRAY = 0.7
ASTRAY_S = 0.8
ASTRAY_EVERY_S = 0.3
"""A face that following took further than this from where it was detected, in its sides, may be another that passed in
front: the detector looks this often, for this long, whether one is still at the old place. That one then keeps the
track."""
NO_SHIFT: Shift = (0.0, 0.0, 0.0)
HABIT_WEIGHT = 0.4
LARGEST_HABIT = 0.15
"""Network and detector frame a face differently, by an amount that hardly changes from frame to frame (beards, hats,
hair, heads turned away); as much is learnt from every detection, and taken off what the network says afterwards."""
SAME_SIZE = 1.3
"""Largest ratio of sides between two sightings of one face at one place."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where and when a crop was cut, and whether that was the detector's box."""

    box: Box
    at_s: float
    monotonic_s: float
    detected: bool = False


@dataclass(slots=True)
class Lead:
    """A face that is followed: where it was last known to be, and on whose word.

    No speed is added: on clips of people who nod, talk and walk, each way to guess ahead from the last two places cut
    worse crops than the last place itself, at 15, 5 and 2 frames a second (heads turn back too soon).
    """

    box: Box
    confidence: float
    detected_s: float
    """When the detector last found it."""
    asked_s: float
    """When the detector last looked for it."""
    anchor: Box
    """Where it was detected before it strayed, else where it was last detected."""
    astray_s: float | None = None
    """Since when it is away from there, or None."""
    denied_s: float | None = None
    """Since when the detector has not found it, or None."""
    answered_s: float | None = None
    """When the newest crop that the network has judged was captured."""
    score: float = 0.0
    trusted: bool = True
    """Whether that answer keeps the face."""
    habit: Shift | None = None
    """How the network frames this very face beside the detector: its mean answer about detected boxes."""
    cuts: dict[int, Cut] = field(default_factory=dict)
    """By the frames' sequence numbers: the crops that wait for an answer."""

    @property
    def known_s(self) -> float:
        """When it was last seen, as far as is known now: by the detector, or by the network in a crop."""
        return self.detected_s if self.answered_s is None else max(self.detected_s, self.answered_s)

    def compare(self, shift: Shift) -> None:
        """Take in the network's answer about a box of the detector's."""
        known, weight = (shift, 1.0) if self.habit is None else (self.habit, HABIT_WEIGHT)
        mean = [old + weight * (new - old) for old, new in zip(known, shift, strict=True)]
        dx, dy, growth = (min(max(part, -LARGEST_HABIT), LARGEST_HABIT) for part in mean)
        self.habit = dx, dy, growth

    def moved(self, box: Box, shift: Shift) -> Box:
        """Return where the detector would see the face that the network sees ``shift`` away from ``box``."""
        dx, dy, growth = (new - usual for new, usual in zip(shift, self.habit or NO_SHIFT, strict=True))
        return apply_shift(box, (dx, dy, growth))

    def move(self, box: Box, at_s: float) -> None:
        """Take in the network's word for where the face is."""
        self.box = box
        if not self._is_far(box):
            self.astray_s = None
        elif self.astray_s is None:
            self.astray_s = at_s

    def confirm(self, face: Face, at_s: float) -> None:
        """Take in the detector's."""
        self.box, self.confidence, self.detected_s, self.asked_s = face.box, face.confidence, at_s, at_s
        self.denied_s, self.trusted = None, True
        if self._is_far(face.box) and (self.astray_s is None or at_s - self.astray_s < ASTRAY_S):
            self.astray_s = at_s if self.astray_s is None else self.astray_s
        else:
            self.anchor, self.astray_s = face.box, None

    def left_behind(self, faces: Sequence[Face]) -> bool:
        """Return whether ``faces`` shows the face still at its anchor and another one where following went."""
        if self.astray_s is None:
            return False
        there = [face for face in faces if _is_same(face.box, self.anchor)]
        return bool(there) and any(face is not there[0] and _is_same(face.box, self.box) for face in faces)

    def _is_far(self, box: Box) -> bool:
        return math.dist(centre(box), centre(self.anchor)) > ASTRAY * side(self.anchor)


def _is_same(box: Box, other: Box) -> bool:
    return overlap(box, other) >= 0.5 and 1 / SAME_SIZE <= side(box) / side(other) <= SAME_SIZE
