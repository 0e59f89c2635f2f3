"""The file that keeps the teachers' answers; without torch, which the teachers' own environment does not have."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainer.errors import TrainerError
from trainer.label_signals import RawLabels
from trainer.virtual_faces import VirtualFaces

DRAWN = "drawn"
"""Prefix of the drawn faces in a labels file; splits have their own name."""


def save_labels(path: Path, labels: dict[str, RawLabels], faces: VirtualFaces) -> None:
    """Write the teachers' answers by split, and the drawn faces, as one .npz file."""
    arrays = {f"{DRAWN}.{name}": getattr(faces, name) for name in VirtualFaces.__slots__}
    for split, raw in labels.items():
        arrays |= raw.to_arrays(split)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def load_labels(path: Path, split: str) -> RawLabels:
    """Return the teachers' answers for ``split``; TrainerError where there are none."""
    with _opened(path) as arrays:
        return RawLabels.from_arrays(arrays, split)


def load_drawings(path: Path) -> VirtualFaces:
    """Return the drawn faces; TrainerError where there are none."""
    with _opened(path) as arrays:
        try:
            return VirtualFaces(*(arrays[f"{DRAWN}.{name}"] for name in VirtualFaces.__slots__))
        except KeyError:
            raise TrainerError(f"{path} holds no drawn faces; run trainer label-signals again") from None


def _opened(path: Path) -> np.lib.npyio.NpzFile:
    try:
        return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise TrainerError(f"no labels at {path}; make them: trainer label-signals") from None
    except (OSError, ValueError) as error:
        raise TrainerError(f"{path} is no labels file ({error}); run trainer label-signals again") from None
