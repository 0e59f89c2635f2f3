"""What every detector can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """How sure and how thorough a detector is; the same for all of them."""

    min_confidence: float = 0.6
    """Faces below it, 0-1, are left out."""
    min_face_px: float = 12
    """Faces whose box is lower than this, in pixels of the frame, are left out."""
    longest_px: int = 320
    """Frames with a longer side are scaled down to it first: 320 is enough for a student before a webcam and for faces
    of 5 % of the frame's width, 640 finds faces half as large and takes four times as long."""
    second_looks: int = 4
    """Faces per frame, largest first, that YuNet looks at again where it saw them small: their landmarks are hardly
    more than a mean face's otherwise. 0 saves the time (about half a frame's each)."""
