"""Pictures with their groups from a CSV: one row a picture, every further column a group."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from engage.core.types import EMOTIONS
from trainer.data import Split
from trainer.errors import DataError
from trainer.fairness import Face

MOST_VALUES = 20
"""A column with more different values is no group: a note, a number, a name."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are no groups: the picture's path, whose it is, and its class by FER+ name (may be missing)."""

    image: str = "image"
    subject: str = "subject"
    label: str = "label"


def read_groups(file: Path, images: Path | None, columns: Columns, limit: int | None = None) -> list[Face]:
    """Return the pictures of ``file``, whose paths start at ``images`` (its own folder where None).

    ``limit`` takes so many, spread evenly over the file. A label that is no FER+ name makes the column a group. Raises
    DataError with one line.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{file} cannot be read as a table ({error}); give a CSV with a column '{columns.image}'"
        ) from None
    if not rows or columns.image not in rows[0]:
        raise DataError(f"{file} has no rows with a column '{columns.image}'; name it with --image-column")
    if limit is not None and limit < len(rows):
        rows = [rows[k] for k in np.linspace(0, len(rows) - 1, limit).astype(int)]
    named = all((row.get(columns.label) or "").lower() in (*EMOTIONS, "") for row in rows)
    plain = {columns.image, columns.subject, *([columns.label] if named else [])}
    groups = [name for name in rows[0] if name and name not in plain]
    groups = [name for name in groups if len({row[name] for row in rows}) <= MOST_VALUES]
    folder = images or file.parent
    return [_face(row, folder, columns, groups, named) for row in rows]


def of_split(split: Split) -> list[Face]:
    """Return the pictures of a FER+ split that have a majority, with their classes as labels and as a group."""
    images, labels = split.majority()
    return [
        Face(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), {"expression": EMOTIONS[label]}, None, int(label))
        for image, label in zip(images, labels, strict=True)
    ]


def _face(row: Mapping[str, str], folder: Path, columns: Columns, groups: list[str], named: bool) -> Face:
    path = folder / row[columns.image]
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise DataError(f"{path} is no picture; paths in the table start at {folder}, or give --images")
    label = (row.get(columns.label) or "").lower() if named else ""
    return Face(
        np.asarray(image, np.uint8),
        {name: row[name] for name in groups if row[name]},
        row.get(columns.subject) or None,
        EMOTIONS.index(label) if label else None,
    )
