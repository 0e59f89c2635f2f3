"""``engage bench follow``: its figures are those of what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engage.capture.sources import open_source
from engage.cli.follow_bench import Scenes, measure
from engage.config import Settings, load
from engage.core.signals import SignalArrays
from engage.core.types import EMOTIONS, Image
from engage.errors import EngageError
from engage.inference.reading import FaceReader

SIGNALS = (
    "yaw_deg", "pitch_deg", "roll_deg", "gaze_x", "gaze_y", "left_eye_open", "right_eye_open", "mouth_open", "smile",
    "brow",
)  # fmt: skip


class Steady:
    """A network that believes, or disbelieves, every crop and moves none."""

    name = "steady"

    def __init__(self, score: float, reads_signals: bool = True) -> None:
        self.score = score
        self.reads_signals = reads_signals

    def predict(self, crops: Image) -> NDArray[np.float32]:
        return np.full((len(crops), len(EMOTIONS)), 1 / len(EMOTIONS), np.float32)

    def signals(self, crops: Image, expression: bool = True) -> SignalArrays:
        zeros = np.zeros(len(crops), np.float32)
        values: dict[str, Any] = dict.fromkeys(SIGNALS, zeros)
        shift = np.zeros((len(crops), 3), np.float32)
        return SignalArrays(self.predict(crops), face_score=zeros + self.score, box_shift=shift, **values)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(flags={"vision": {"detector": "haar"}}, environment={})


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a second of a virtual student."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5, (320, 240))
    source = open_source("virtual:7?script=attentive&realtime=0&seconds=1&fps=5")
    source.open()
    for _ in range(5):
        frame = source.read(5.0)
        assert frame is not None
        writer.write(frame.image)
    source.close()
    writer.release()
    return path


def test_a_calm_face_is_followed_and_the_clip_is_played_to_and_fro(settings: Settings, clip: Path) -> None:
    result = measure(settings, FaceReader(Steady(0.9)), Scenes([clip], 1, 5.0, 2.0))
    assert result["rate_fps"] == 5.0 and result["frames"] == 20
    assert set(result["scenes"]) == {"clip.mp4", next(name for name in result["scenes"] if name.startswith("virtual:"))}
    assert result["scenes"]["clip.mp4"]["frames"] == 10 and result["scenes"]["clip.mp4"]["tracks"] == 1
    assert result["detector_share"] <= 0.2
    assert result["overlap_share"] > 0.9 and result["faces_without_reference"] <= 2


def test_a_network_that_believes_nothing_costs_a_detection_per_frame(settings: Settings, clip: Path) -> None:
    result = measure(settings, FaceReader(Steady(0.1)), Scenes([clip], 0, 5.0, 1.0))
    assert result["detector_share"] == 1.0 and result["overlap_share"] == 1.0


def test_without_the_second_head_it_says_so(settings: Settings, clip: Path) -> None:
    with pytest.raises(EngageError, match="signals head"):
        measure(settings, FaceReader(Steady(0.9, reads_signals=False)), Scenes([clip], 0, 5.0, 1.0))
