"""Tiny data sets: patterns in FER+ layout, drawn here, and faces of the virtual class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engage.capture.virtual.drawing import render
from engage.capture.virtual.person import Person
from engage.capture.virtual.state import FaceState, emotion
from engage.core.types import EMOTIONS, Box
from engage.vision.crops import cut_squares
from trainer.cli import main
from trainer.data import Split

SPLITS = {"FER2013Train": 32, "FER2013Valid": 16}


@pytest.fixture(autouse=True)
def _torch_settings() -> Iterator[None]:
    """Train on one thread, which is faster on a busy machine and a tiny network, and take back what training sets.

    With denormals flushed, Hypothesis cannot draw floats.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_flush_denormal(False)
    torch.set_num_threads(threads)


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


def draw_class(count: int, first_seed: int) -> Split:
    """Return ``count`` faces of the virtual class, all expressions in turn, cropped as YuNet would frame them."""
    images = []
    for index in range(count):
        person = Person.from_seed(first_seed + index // len(EMOTIONS))
        state = FaceState(expression=emotion(EMOTIONS[index % len(EMOTIONS)]))
        images.append(cut_squares(render(person, state, (128, 96), index), [Box(40, 24, 48, 48)])[0])
    votes = np.eye(10, dtype=np.int64)[np.arange(count) % len(EMOTIONS)] * 10
    return Split("", np.stack(images), votes)


@pytest.fixture(scope="session")
def class_splits() -> tuple[Split, Split]:
    """Return 64 training and 16 validation faces of the virtual class, of different people."""
    learnt, valid = draw_class(64, 500), draw_class(16, 900)
    return replace(learnt, name="FER2013Train"), replace(valid, name="FER2013Valid")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def trainer_command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        code = left.value.code
        assert code is None or isinstance(code, int)
        return Outcome(code or 0, *capsys.readouterr())

    return run
