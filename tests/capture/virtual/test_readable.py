"""The product's own network reads the expressions that virtual students are told to show."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engage.capture.virtual.drawing import render
from engage.capture.virtual.person import Person
from engage.capture.virtual.state import FaceState, emotion
from engage.core.types import EMOTIONS, Box
from engage.inference.card import default_folder
from engage.inference.classifier import load
from engage.vision.crops import crop_faces

SEEDS = range(200, 210)


@pytest.mark.parametrize(("name", "share"), [("neutral", 0.8), ("happiness", 0.8), ("surprise", 0.8)])
def test_expression_is_read(name: str, share: float, shared_dir: Path) -> None:
    model = shared_dir / "models" / "yunet_n_640_640.onnx"
    if not model.is_file() or not (default_folder() / "card.toml").is_file():
        pytest.skip(f"no YuNet at {model}, or no weights at {default_folder()}")
    detector = cv2.FaceDetectorYN.create(str(model), "", (320, 240), 0.6)
    crops = []
    for seed in SEEDS:
        picture = render(Person.from_seed(seed), FaceState(expression=emotion(name)), noise=seed)
        found = detector.detect(picture)[1]
        assert found is not None
        crops.append(crop_faces(picture, [Box(*map(float, found[0, :4]))])[0])
    read = load().predict(np.stack(crops)).argmax(1)
    assert np.mean(read == EMOTIONS.index(name)) >= share
