"""Finds pictures in files, however they got there: as picture files, as base64 text, as bare pixels.

A run of bytes counts as bare pixels where neighbours differ little (at the distance of 1 or 3 bytes: grey, RGB) while
the whole of it varies much, over as many bytes as a face crop has (48 x 48): text, numbers, compressed and random bytes
do not.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

CROP_BYTES = 48 * 48
SMALLEST_PX = 40
"""Icons are smaller, and nobody is recognised on one; the smallest face crop has 48."""
MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP", re.DOTALL)
BASE64_MAGIC = re.compile(rb"/9j/[A-Za-z0-9+/=\s]{100,}|iVBORw0KGgo[A-Za-z0-9+/=\s]{60,}|UklGR[A-Za-z0-9+/=\s]{60,}")
SMOOTH = 0.45
"""Mean difference of neighbours over the standard deviation; drawn faces have .14 to .36, text and random bytes 1.1."""
VARIED = 15.0
"""Standard deviation of half a window; drawn faces have 38 to 65 over a whole one."""
LEAST_VALUES = 110
"""Different values in a window; drawn faces have 139 to 243, pages of a database up to 105."""
MOST_ZEROS = 0.2
"""Drawn faces have none, pages of a database .28 and more."""
PIECE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Find:
    """A picture found: where, and as what."""

    file: str
    at: int
    kind: str


def search(paths: list[Path]) -> list[Find]:
    """Return what is found in files and, recursively, folders."""
    return [find for path in paths for file in _files(path) for find in search_bytes(str(file), _content(file))]


def search_bytes(name: str, data: bytes) -> list[Find]:
    """Return what is found in ``data``."""
    found = [Find(name, match.start(), "picture") for match in MAGIC.finditer(data) if _opens(data[match.start() :])]
    for match in BASE64_MAGIC.finditer(data):
        text = re.sub(rb"\s", b"", match[0])
        try:
            decoded = base64.b64decode(text[: len(text) // 4 * 4])
        except binascii.Error:
            continue
        if _opens(decoded):
            found.append(Find(name, match.start(), "base64"))
    return [*found, *(Find(name, at, "pixels") for at in _smooth_runs(data))]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        for each in sorted(path.iterdir()):
            yield from _files(each)
    elif path.is_file():
        yield path


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(PIECE)
    except OSError:  # gone meanwhile
        return b""


def _opens(data: bytes) -> bool:
    """Return whether a picture that is large enough begins here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
                return min(image.size) >= SMALLEST_PX
        except Exception:  # whatever follows a magic number by chance
            return False


def _smooth_runs(data: bytes) -> list[int]:
    """Return where windows begin that look like bare pixels, in both their halves; windows overlap by half."""
    half = CROP_BYTES // 2
    if len(data) < CROP_BYTES:
        return []
    values = np.frombuffer(data, np.uint8)
    starts = np.arange(0, len(values) - half + 1, half)
    squares = _window_means(values.astype(np.float64) ** 2, starts)
    spread = np.sqrt(np.maximum(squares - _window_means(values, starts) ** 2, 0))
    smooth = np.zeros(len(starts), dtype=bool)
    for lag in (1, 3):
        change = np.abs(values[lag:].astype(np.int16) - values[:-lag])
        smooth |= _window_means(np.concatenate([change, np.zeros(lag, np.int16)]), starts) < SMOOTH * spread
    alike = (spread > VARIED) & smooth
    candidates = starts[:-1][alike[:-1] & alike[1:]]
    return [int(at) for at in candidates if _like_pixels(values[at : at + CROP_BYTES])]


def _like_pixels(window: np.ndarray) -> bool:
    return len(np.unique(window)) >= LEAST_VALUES and float((window == 0).mean()) < MOST_ZEROS


def _window_means(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    half = CROP_BYTES // 2
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return (sums[starts + half] - sums[starts]) / half
