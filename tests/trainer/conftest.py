"""A tiny data set in FER+ layout, drawn here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engage.core.types import EMOTIONS

SPLITS = {"FER2013Train": 32, "FER2013Valid": 16}


@pytest.fixture(autouse=True)
def _whole_numbers() -> Iterator[None]:
    """Take back what training sets for the process: with denormals flushed, Hypothesis cannot draw floats."""
    yield
    torch.set_flush_denormal(False)


def draw(emotion: int, rng: np.random.Generator) -> np.ndarray:
    """Return a 48 x 48 pattern that a network tells apart at a glance: bars whose number is the class."""
    rows = np.arange(48)[:, None] * np.ones((1, 48))
    wave = 127 + 80 * np.sin(rows * (emotion + 1) * np.pi / 24 + rng.uniform(0, 0.5))
    return np.clip(wave + rng.normal(0, 12, (48, 48)), 0, 255).astype(np.uint8)


def write_split(data: Path, split: str, count: int) -> Path:
    """Write ``count`` images, all classes in turn, ten votes each: eight for the class, two for its neighbour."""
    rng = np.random.default_rng(count)
    folder = data / split
    folder.mkdir(parents=True)
    lines = []
    for index in range(count):
        emotion = index % len(EMOTIONS)
        votes = np.zeros(10, int)
        votes[emotion] += 8
        votes[(emotion + 1) % len(EMOTIONS)] += 2
        cv2.imwrite(str(folder / f"fer{index:07d}.png"), draw(emotion, rng))
        lines.append(f'fer{index:07d}.png,"(0, 0, 48, 48)",{",".join(map(str, votes))}')
    (folder / "label.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return data


@pytest.fixture(scope="session")
def write_fer() -> Callable[[Path], Path]:
    """Return a function that writes a folder with 32 training and 16 validation images."""

    def write(data: Path) -> Path:
        for split, count in SPLITS.items():
            write_split(data, split, count)
        return data

    return write


@pytest.fixture
def fer_folder(tmp_path: Path, write_fer: Callable[[Path], Path]) -> Path:
    """Return a folder with 32 training and 16 validation images."""
    return write_fer(tmp_path / "fer")
