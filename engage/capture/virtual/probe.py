"""Drawn faces to try a network on: always the same, of people who do not exist."""

from __future__ import annotations

import numpy as np

from engage.core.types import EMOTIONS, Box, Image

PEOPLE, EACH = 8, 5
SIZE_PX = (160, 120)
HEAD = Box(57, 28, 46, 61)
"""Where the face of a student at the usual distance is in such a picture."""


def drawn_crops() -> Image:
    """Return 40 crops ``(40, 48, 48)`` of drawn faces: every expression, heads turned, dim rooms and bright ones."""
    from engage.capture.virtual.drawing import render
    from engage.capture.virtual.person import Person
    from engage.capture.virtual.state import FaceState
    from engage.vision.crops import crop_faces

    rng = np.random.default_rng(7)
    crops = []
    for number in range(PEOPLE * EACH):
        lids, mouth = rng.choice((1.0, 1.0, 0.6, 0.0)), rng.choice((0.0, 0.0, 0.7))
        state = FaceState(
            expression=tuple(rng.dirichlet(np.full(len(EMOTIONS), 0.2)).tolist()),
            yaw_deg=float(rng.normal(0, 18)),
            pitch_deg=float(rng.normal(-3, 10)),
            roll_deg=float(rng.normal(0, 7)),
            gaze_x=float(rng.normal(0, 12)),
            gaze_y=float(rng.normal(0, 8)),
            left_eye_open=float(lids),
            right_eye_open=float(lids),
            mouth_open=float(mouth),
            light=float(rng.uniform(0.25, 1.1)),
        )
        image = render(Person.from_seed(number // EACH), state, SIZE_PX, number)
        crops.append(crop_faces(image, [HEAD])[0])
    return np.stack(crops)
