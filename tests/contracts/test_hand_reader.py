"""What every HandReader must do; skipped where neither package nor model file is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engage.capture_settings import Vision
from engage.config import Settings
from engage.core.protocols import HandReader
from engage.core.types import Box
from engage.errors import ModelError
from engage.inference_settings import Models
from engage.vision.hands import MediaPipeHands, installed
from engage.vision.store import HANDS, ModelStore


@pytest.fixture
def reader(shared_dir: Path) -> HandReader:
    store = ModelStore.from_settings(Settings(models=Models(folders=(shared_dir / "models",))))
    path = store.find(HANDS)
    if not installed() or path is None:
        pytest.skip("no mediapipe, or no hand model: 'engage models fetch hands'")
    return MediaPipeHands(path)


@pytest.mark.parametrize("shape", [(240, 320, 3), (240, 320)])
def test_an_empty_room_has_no_hands(reader: HandReader, shape: tuple[int, ...]) -> None:
    assert reader.read(np.full(shape, 90, np.uint8), Box(120, 80, 60, 60)) == ()


def test_without_its_parts_it_says_what_is_missing(tmp_path: Path) -> None:
    from engage.cli.finding import build_hands

    settings = Settings(home=tmp_path, vision=Vision(hands=True))
    with pytest.raises(ModelError, match="models fetch hands"):
        build_hands(settings)


def test_the_model_file_is_fetched_only_by_name(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert HANDS in store.names and HANDS not in store.usual_names
