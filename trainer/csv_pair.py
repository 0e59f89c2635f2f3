"""FER+ from Kaggle's ``fer2013.csv`` (emotion, pixels, Usage) and Microsoft's ``fer2013new.csv`` (votes), row by row.

Both files list the same 35,887 pictures in the same order; the second has no file name for pictures that show no face,
which the folder layout leaves out too. Only the rows of the split asked for are decoded.

The votes are not quite those of the folder layout's ``label.csv``: the two published versions differ in 1,319 of 32,137
pictures, which leaves 25,060 training and 3,199 validation images with a majority instead of 25,045 and 3,191. So a
figure says which data it was measured on.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from engage.core.types import CROP_SIZE_PX, EMOTIONS
from trainer.errors import DataError

PIXELS_FILE, VOTES_FILE = "fer2013.csv", "fer2013new.csv"
USAGES = {"FER2013Train": "Training", "FER2013Valid": "PublicTest", "FER2013Test": "PrivateTest"}
VOTE_FIELDS = ("Usage", "Image name", *EMOTIONS, "unknown", "NF")
PIXELS = CROP_SIZE_PX * CROP_SIZE_PX

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def is_pair(data: Path) -> bool:
    """Return whether ``data`` is Kaggle's file, or a folder that holds it."""
    return (data / PIXELS_FILE).is_file() or (data.is_file() and data.suffix.lower() == ".csv")


def read_pair(data: Path, split: str) -> Arrays:
    """Return ``(N, 48, 48)`` uint8 images and ``(N, 10)`` int64 votes of the split ``split``.

    Args:
        data: the folder with both files, or ``fer2013.csv`` with the other beside it.
        split: ``FER2013Train``, ``FER2013Valid`` or ``FER2013Test``.

    Raises:
        DataError: another split, a file is missing, not the right one, of another length or order, or has a bad row.
    """
    if split not in USAGES:
        raise DataError(f"no split {split} in {data}; the CSV pair has {', '.join(USAGES)}")
    folder = data if data.is_dir() else data.parent
    pixels_path = folder / PIXELS_FILE if data.is_dir() else data
    votes_path = folder / VOTES_FILE
    images: list[NDArray[np.uint8]] = []
    votes: list[list[int]] = []
    for line, (row, (usage, name, *counts)) in enumerate(_rows(pixels_path, votes_path), start=2):
        if row["Usage"] != usage:
            raise DataError(
                f"{pixels_path} line {line} is of {row['Usage']!r}, {votes_path.name} has {usage!r} there: the files "
                "do not list the same pictures in the same order; take both as published"
            )
        if usage == USAGES[split] and name.strip():
            images.append(_pixels(row["pixels"], f"{pixels_path} line {line}"))
            votes.append(_votes(counts, f"{votes_path} line {line}"))
    if not images:
        raise DataError(f"no picture of {split} ({USAGES[split]}) in {pixels_path}; take the whole file")
    return np.stack(images), np.array(votes, np.int64)


def _rows(pixels: Path, votes: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield the rows of both files side by side, headers checked."""
    with _opened(pixels) as first, _opened(votes) as second:
        ours, theirs = csv.DictReader(first), csv.reader(second)
        try:
            if not {"pixels", "Usage"} <= set(ours.fieldnames or ()):
                raise DataError(f"{pixels} is not Kaggle's {PIXELS_FILE}: the first line must name pixels and Usage")
            if tuple(next(theirs, ())) != VOTE_FIELDS:
                raise DataError(f"{votes} is not Microsoft's {VOTES_FILE}: its first line is not as published")
            for line, (row, counted) in enumerate(zip_longest(ours, theirs), start=2):
                if row is None or counted is None:
                    longer = pixels if counted is None else votes
                    raise DataError(
                        f"{longer} goes on after line {line - 1}, where the other file ends; take both whole"
                    )
                if len(counted) != len(VOTE_FIELDS) or None in row or None in row.values():
                    raise DataError(f"line {line} of {pixels} or of {votes.name} lacks fields or has too many")
                yield row, counted
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{pixels} or {votes.name} is not a CSV text ({error}); take both as published") from None


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except FileNotFoundError:
        source = "github.com/microsoft/FERPlus" if path.name == VOTES_FILE else "Kaggle's FER2013 challenge"
        raise DataError(f"{path} is missing; take it from {source}") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _pixels(text: str, where: str) -> NDArray[np.uint8]:
    try:
        values = np.array(text.split(), np.uint8)
    except (ValueError, OverflowError):
        raise DataError(f"{where}: the pixels must be whole numbers from 0 to 255") from None
    if len(values) != PIXELS:
        raise DataError(f"{where} has {len(values)} pixels, wanted {PIXELS} ({CROP_SIZE_PX} x {CROP_SIZE_PX})")
    return values.reshape(CROP_SIZE_PX, CROP_SIZE_PX)


def _votes(fields: list[str], where: str) -> list[int]:
    try:
        counts = [int(field) for field in fields]
    except ValueError:
        raise DataError(f"{where}: the votes must be whole numbers, got {fields}") from None
    if min(counts) < 0:
        raise DataError(f"{where}: a negative vote")
    return counts
