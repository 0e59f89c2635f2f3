"""``engage bench baseline``: the naive way, against which every other figure is a ratio.

Haar over every whole frame as tutorials and the package ``fer`` do it (scale step 1.1, five neighbours, faces from 50
pixels), and PyTorch in float32 on one face at a time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from engage.cli.yardstick import one_core, per_core_s
from engage.core.types import Box, Image
from engage.inference.classifier import Classifier, load
from engage.vision.crops import crop_faces
from engage.vision.detectors.haar import cascade_path

SIZE_PX = (640, 480)
SCALE_STEP, NEIGHBOURS, SMALLEST_PX = 1.1, 5, 50


class NaiveReader:
    """What most programs do with a frame."""

    def __init__(self, classifier: Classifier) -> None:
        self.faces = 0
        self.haar_s = self.network_s = 0.0
        self._cascade = cv2.CascadeClassifier(str(cascade_path()))
        self._classifier = classifier

    def read(self, image: Image) -> None:
        """Find the faces of a ``(H, W, 3)`` BGR frame and name their expressions, one after another."""
        began_s = time.process_time()
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found = self._cascade.detectMultiScale(gray, SCALE_STEP, NEIGHBOURS, minSize=(SMALLEST_PX, SMALLEST_PX))
        between_s = time.process_time()
        for x, y, w, h in np.asarray(found).reshape(-1, 4).tolist():
            self._classifier.predict(crop_faces(image, [Box(x, y, w, h)]))
            self.faces += 1
        self.haar_s += between_s - began_s
        self.network_s += time.process_time() - between_s


def measure(frames: Sequence[Image], seconds: float) -> dict[str, Any]:
    """Return frames a second of one core the naive way, and what its two parts take of a frame, in milliseconds."""
    with one_core():
        reader = NaiveReader(load(threads=1))
        count = 0

        def work() -> int:
            nonlocal count
            for image in frames[:4]:
                reader.read(image)
            count += len(frames[:4])
            return len(frames[:4])

        rate = per_core_s(work, seconds)
    return {
        "naive_frames_per_s": round(rate, 2),
        "naive_haar_ms": round(1000 * reader.haar_s / count, 2),
        "naive_network_ms": round(1000 * reader.network_s / count, 2),
        "naive_faces_per_frame": round(reader.faces / count, 2),
    }


def drawn_frames(students: int, each: int, rate_fps: float = 5.0) -> list[list[Image]]:
    """Return ``each`` frames of every one of ``students``, ``(480, 640, 3)`` BGR, drawn beforehand."""
    from engage.capture.virtual.source import VirtualSource, VirtualSpec

    found: list[list[Image]] = []
    for seed in range(1, students + 1):
        source = VirtualSource(VirtualSpec(seed, width=SIZE_PX[0], height=SIZE_PX[1], fps=rate_fps, realtime=False))
        source.open()
        frames = [frame.image for _ in range(each) if (frame := source.read(1.0)) is not None]
        source.close()
        found.append(frames)
    return found
