"""Single looks, asked for by a person at "Try it": a picture there, what it shows back, and nothing kept of either."""

from __future__ import annotations

from dataclasses import dataclass, field

from engage.core.signals import FaceSignals
from engage.core.types import Mode

LOOKS = "looks"
"""The channel of LookRequest messages; an answer goes to the channel that the request names."""


@dataclass(frozen=True, slots=True)
class DrawnMoment:
    """A drawn student, by seed, at a moment of their script; drawn by the program, so that nobody is looked at."""

    seed: int
    at_s: float


@dataclass(frozen=True, slots=True)
class LookRequest:
    """A picture to be looked at once: as it was sent, not decoded; or a drawn one."""

    id: str
    answer_to: str
    mode: Mode
    until_s: float
    """On the machine's monotonic clock: nobody waits for the answer after it."""
    picture: bytes = field(default=b"", repr=False)
    drawn: DrawnMoment | None = None


@dataclass(frozen=True, slots=True)
class LookAnswer:
    """What one picture shows, or the one line that says why it was not looked at.

    Boxes are in pixels of a picture of ``width`` x ``height``, which is upright.
    """

    id: str
    width: int = 0
    height: int = 0
    faces: tuple[FaceSignals, ...] = ()
    picture: bytes = field(default=b"", repr=False)
    """JPEG; of a drawn face alone."""
    refusal: str | None = None
