"""The search finds what it is for: a search that finds nothing must be one that could."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from engage.capture.virtual.snapshot import draw
from tests.privacy.searching import search, search_bytes


def drawn(seed: int) -> np.ndarray:
    """Return a drawn face, BGR."""
    image = cv2.imdecode(np.frombuffer(draw(seed, 1.0)[1], np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    height, width = image.shape[:2]
    return image[height // 5 : height * 4 // 5, width // 4 : width * 3 // 4]


def crop(seed: int, channels: int) -> bytes:
    face = cv2.resize(drawn(seed), (48, 48), interpolation=cv2.INTER_AREA)
    return (face if channels == 3 else cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)).tobytes()


def encoded(ending: str, seed: int = 3) -> bytes:
    return cv2.imencode(ending, cv2.resize(drawn(seed), (96, 96)))[1].tobytes()


NOISE = os.urandom(30_000)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("in_text", [False, True])
def test_pictures_are_found_in_the_midst_of_others(ending: str, in_text: bool) -> None:
    data = encoded(ending)
    whole = b"line=1 data:" + base64.b64encode(data) + b" end" if in_text else NOISE + data + NOISE
    kinds = {find.kind for find in search_bytes("x", whole)}
    assert ("base64" if in_text else "picture") in kinds


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("channels", [1, 3])
def test_bare_pixels_are_found_wherever_they_begin(seed: int, channels: int) -> None:
    pixels = crop(seed, channels) * (1 if channels == 3 else 2)
    for offset in (0, 577, 1151):
        found = search_bytes("x", NOISE[: 9_000 + offset] + pixels + NOISE)
        assert [find.kind for find in found] and {find.kind for find in found} == {"pixels"}


def test_a_picture_in_a_database_is_found(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE faces (crop BLOB)")
        connection.executemany("INSERT INTO faces VALUES (?)", [(crop(seed, 1),) for seed in range(20)])
    connection.close()
    assert {find.kind for find in search([tmp_path])} == {"pixels"}


def test_what_is_no_picture_is_not_found(tmp_path: Path) -> None:
    rows = [{"session": 1, "student": k % 30, "second": 1_795_338_000 + k, "score": k % 97 / 10} for k in range(5_000)]
    text = "\n".join(map(json.dumps, rows)).encode()
    floats = np.sin(np.arange(40_000) / 50).tobytes()
    numbers = np.arange(30_000, dtype=np.int32).tobytes()
    blank = bytes(50_000) + b"\xff" * 50_000
    assert search_bytes("x", text + floats + numbers + blank + NOISE + zlib.compress(text)) == []
