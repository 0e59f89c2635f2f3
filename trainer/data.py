"""FER+ as arrays: images, votes, soft targets and the majority rule (DESIGN.md section 7).

Reads a folder or a .zip in the public FER+ layout: ``SPLIT/label.csv`` (file, box, ten vote counts; no header) beside
``SPLIT/*.png``, 48 x 48 gray; or the pair of CSV files of ``trainer.csv_pair``. The protocol is that of Barsoum et al.
2016, arXiv 1608.01041.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.types import CROP_SIZE_PX, EMOTIONS
from trainer.csv_pair import is_pair, read_pair
from trainer.errors import DataError

VOTE_COLUMNS = (*EMOTIONS, "unknown", "NF")
LABEL_FILE = "label.csv"

_Reader = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Split:
    """One split of FER+ in memory.

    ``images`` is ``(N, 48, 48)`` uint8, ``votes`` ``(N, 10)`` int64 as counted by the annotators, in the order of
    VOTE_COLUMNS.
    """

    name: str
    images: NDArray[np.uint8]
    votes: NDArray[np.int64]

    def first(self, count: int | None) -> Split:
        """Return the first ``count`` images as a split of the same name, or all for None."""
        return Split(self.name, self.images[:count], self.votes[:count])

    def soft(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the images fit for training and their ``(M, 8)`` vote distributions, each of sum 1."""
        shares = self.shares()
        usable = shares.any(axis=1)
        return self.images[usable], shares[usable]

    def shares(self) -> NDArray[np.float32]:
        """Return the ``(N, 8)`` vote distributions of all images; those unfit for training have zeros."""
        kept = clean_votes(self.votes)
        usable = (kept.sum(axis=1) > 0) & (kept.argmax(axis=1) < len(EMOTIONS))
        emotions = np.where(usable[:, None], kept[:, : len(EMOTIONS)], 0).astype(np.float32)
        shares: NDArray[np.float32] = emotions / np.maximum(emotions.sum(axis=1, keepdims=True), 1)
        return shares

    def one_hot(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the images of ``majority`` and their ``(M, 8)`` targets, 1 for the class and 0 for all others."""
        images, labels = self.majority()
        return images, np.eye(len(EMOTIONS), dtype=np.float32)[labels]

    def majority(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the images on which the annotators agree and their ``(M,)`` class numbers in FER+ order."""
        kept = clean_votes(self.votes)
        agreed = (kept.max(axis=1) * 2 > kept.sum(axis=1)) & (kept.argmax(axis=1) < len(EMOTIONS))
        return self.images[agreed], kept[agreed].argmax(axis=1)


def clean_votes(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ``votes`` ``(N, 10)`` with every column of one vote set to 0: a single vote is noise."""
    return np.where(votes <= 1, 0, votes)


def load_split(data: Path, split: str) -> Split:
    """Return the split ``split`` (for example ``FER2013Valid``) of the folder, .zip or CSV pair ``data``.

    Raises:
        DataError: no such folder, split, label file or image, or one that is not as the layout has it.
    """
    if is_pair(data) and not (data / split).is_dir():
        return Split(split, *read_pair(data, split))
    with _opened(data, split) as read:
        names, votes = _read_labels(read(LABEL_FILE), f"{data}/{split}/{LABEL_FILE}")
        images = np.empty((len(names), CROP_SIZE_PX, CROP_SIZE_PX), np.uint8)
        for index, name in enumerate(names):
            images[index] = _decode(read(name), f"{data}/{split}/{name}")
    return Split(split, images, votes)


@contextmanager
def _opened(data: Path, split: str) -> Iterator[_Reader]:
    if data.is_dir():
        if not (data / split).is_dir():
            found = sorted(path.parent.name for path in data.glob(f"*/{LABEL_FILE}"))
            raise DataError(f"no split {split} in {data}; found: {', '.join(found) or 'none'}")
        yield lambda name: _from_folder(data / split / name)
    elif data.is_file():
        try:
            archive = zipfile.ZipFile(data)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(
                f"cannot read {data} as a .zip: {error}; give the unzipped folder or a whole file"
            ) from error
        with archive:
            members = set(archive.namelist())
            if f"{split}/{LABEL_FILE}" not in members:
                found = sorted(name.partition("/")[0] for name in members if name.endswith(f"/{LABEL_FILE}"))
                raise DataError(f"no split {split} in {data}; found: {', '.join(found) or 'none'}")
            yield lambda name: _from_archive(archive, f"{split}/{name}", data)
    else:
        raise DataError(
            f"no data at {data}; give a folder or .zip in FER+ layout (SPLIT/{LABEL_FILE} and SPLIT/*.png) or the "
            "folder of fer2013.csv and fer2013new.csv"
        )


def _from_folder(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing; unzip the data again") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _from_archive(archive: zipfile.ZipFile, member: str, data: Path) -> bytes:
    try:
        return archive.read(member)
    except KeyError:
        raise DataError(f"{member} is missing in {data}; download the archive again") from None
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError(f"{member} in {data} is damaged: {error}; download the archive again") from error


def _read_labels(content: bytes, where: str) -> tuple[list[str], NDArray[np.int64]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{where} is not text; take it from the FER+ data again") from None
    names: list[str] = []
    votes: list[list[int]] = []
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not row:
            continue
        if len(row) != 2 + len(VOTE_COLUMNS):
            raise DataError(
                f"{where} line {number} has {len(row)} fields, wanted {2 + len(VOTE_COLUMNS)}: "
                f"file, box, {', '.join(VOTE_COLUMNS)}"
            )
        try:
            counts = [int(field) for field in row[2:]]
        except ValueError:
            raise DataError(f"{where} line {number}: the votes must be whole numbers, got {row[2:]}") from None
        if min(counts) < 0 or "/" in row[0] or "\\" in row[0]:
            raise DataError(f"{where} line {number}: a negative vote or a path as file name")
        names.append(row[0])
        votes.append(counts)
    if not names:
        raise DataError(f"{where} is empty; take it from the FER+ data again")
    return names, np.array(votes, np.int64)


def _decode(content: bytes, where: str) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) if content else None
    if image is None:
        raise DataError(f"{where} is not an image; unzip the data again")
    if image.shape != (CROP_SIZE_PX, CROP_SIZE_PX):
        raise DataError(
            f"{where} is {image.shape[1]} x {image.shape[0]} pixels, wanted {CROP_SIZE_PX} x {CROP_SIZE_PX}"
        )
    return np.asarray(image, np.uint8)
