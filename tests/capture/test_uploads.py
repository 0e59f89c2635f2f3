"""Uploads: by content, by their header, in memory; upright, small, and nothing of what else the file says."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from engage.capture.uploads import MAX_PIXELS, WORKING_PX, read_upload
from engage.errors import SourceError


def half_dark(width: int = 60, height: int = 40) -> Pillow.Image:
    """Return a picture whose left half is dark."""
    image = Pillow.new("RGB", (width, height), (200, 150, 100))
    image.paste((10, 20, 30), (0, 0, width // 2, height))
    return image


def encoded(image: Pillow.Image, kind: str, **more: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    return stream.getvalue()


def png_of(width: int, height: int) -> bytes:
    """Return a PNG of a few hundred bytes that claims ``width`` x ``height``."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_are_read(kind: str) -> None:
    image = read_upload(encoded(half_dark(), kind))
    assert (image.shape, image.dtype) == ((40, 60, 3), np.uint8)
    assert image[20, 10].mean() < 40 < 100 < image[20, 50].mean()
    assert image[20, 50, 0] < image[20, 50, 2], "BGR"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(SourceError, match="JPEG, PNG or WebP"):
        read_upload(encoded(half_dark(), kind))


@pytest.mark.parametrize("data", [b"<html></html>", b"%PDF-1.7", b"PK\x03\x04", b"\0" * 100, b"\xff\xd8\xff"])
def test_what_is_no_picture_is_told_by_its_content(data: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        read_upload(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(100_000, 100_000), (MAX_PIXELS, 2), (10_000, 5_001)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(*_: object) -> None:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", unpack)
    bomb = png_of(*size)
    assert len(bomb) < 300
    with pytest.raises(SourceError, match="50 million pixels"):
        read_upload(bomb)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_picture_that_is_cut_off_is_refused(kind: str, share: float) -> None:
    noise = Pillow.fromarray(np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8))
    whole = encoded(noise, kind)
    with pytest.raises(SourceError, match=r"cut off|damaged|can be read here"):
        read_upload(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_moving_picture_is_refused(kind: str) -> None:
    frames = [Pillow.new("RGB", (20, 20), (shade, 0, 0)) for shade in (0, 120, 240)]
    with pytest.raises(SourceError, match="moves"):
        read_upload(encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100))


def test_a_telephones_jpeg_with_a_second_picture_is_read() -> None:
    pair = encoded(half_dark(), "MPO", save_all=True, append_images=[half_dark()])
    assert Pillow.open(io.BytesIO(pair)).n_frames == 2
    assert read_upload(pair).shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("orientation", "dark"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom"), (2, "right"), (5, "top")]
)
def test_the_orientation_is_honoured(orientation: int, dark: str) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    image = read_upload(encoded(half_dark(), "JPEG", exif=exif, quality=95)).mean(axis=2)
    height, width = image.shape
    assert (width > height) == (orientation in (1, 2, 3, 4))
    parts = {"left": image[:, : width // 3], "right": image[:, -width // 3 :],
             "top": image[: height // 3], "bottom": image[-height // 3 :]}  # fmt: skip
    assert min(parts, key=lambda side: parts[side].mean()) == dark


def test_damaged_metadata_is_no_reason_to_refuse() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40
    assert read_upload(encoded(half_dark(), "JPEG", exif=exif)).shape == (40, 60, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_looked_at_small(kind: str) -> None:
    image = read_upload(encoded(half_dark(6000, 3000), kind))
    assert image.shape == (WORKING_PX // 2, WORKING_PX, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_every_colour_mode_becomes_bgr(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = half_dark().convert("L").convert(mode) if mode != "I;16" else Pillow.new("I;16", (60, 40), 30_000)
    assert read_upload(encoded(image, kind)).shape == (40, 60, 3)


def test_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise AssertionError("something was about to be written")

    picture = encoded(half_dark(3000, 2000), "JPEG")
    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert read_upload(picture).shape[2] == 3
