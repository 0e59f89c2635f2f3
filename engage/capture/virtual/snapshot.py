"""A virtual student at one moment, as a picture and as the JPEG that a page shows."""

from __future__ import annotations

from functools import lru_cache

import cv2

from engage.capture.virtual.drawing import render
from engage.capture.virtual.person import Person
from engage.capture.virtual.script import Script, ScriptKind
from engage.core.types import Image
from engage.errors import SourceError

SIZE = (400, 300)
NOISE_FPS = 15
QUALITY = 85


def draw(seed: int, at_s: float) -> tuple[Image, bytes]:
    """Return the student of ``seed`` at ``at_s`` seconds of a lively lesson, ``(H, W, 3)`` BGR, and the JPEG of it."""
    person, script = _cast(seed)
    image = render(person, script.state_at(at_s), SIZE, int(at_s * NOISE_FPS))
    done, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise SourceError("The drawn face could not be shown.")
    return image, jpeg.tobytes()


@lru_cache(maxsize=8)
def _cast(seed: int) -> tuple[Person, Script]:
    return Person.from_seed(seed), Script(ScriptKind.LIVELY, seed)
