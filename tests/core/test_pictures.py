"""What a picture's header says, without decoding it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from engage.core.pictures import PictureHeader, read_header


def encoded(kind: str, size: tuple[int, int] = (320, 240), **options: object) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise(size, 40).convert("RGB").save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("jpeg", {}),
        ("jpeg", {"progressive": True, "comment": b"x" * 3000}),
        ("webp", {}),
        ("webp", {"lossless": True}),
        ("webp", {"exif": b"Exif  "}),
    ],
)
def test_size_and_kind(kind: str, options: dict[str, object]) -> None:
    assert read_header(encoded(kind, **options)) == PictureHeader(kind, 320, 240)
    assert read_header(encoded(kind, (2, 3), **options)).pixels == 6


def test_a_moving_picture_is_refused() -> None:
    frames = [Image.effect_noise((32, 32), n).convert("RGB") for n in (10, 90)]
    stream = io.BytesIO()
    frames[0].save(stream, "webp", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="moving"):
        read_header(stream.getvalue())


@pytest.mark.parametrize("kind", ["png", "gif", "bmp"])
def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="not a JPEG or WebP"):
        read_header(encoded(kind))


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_cut_off_headers_are_refused(kind: str) -> None:
    whole = encoded(kind)
    for length in range(30):
        with pytest.raises(ValueError, match=r"damaged|not a JPEG"):
            read_header(whole[:length])


def test_a_jpeg_without_end_of_segments_is_refused() -> None:
    with pytest.raises(ValueError, match="damaged"):
        read_header(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 1000)
    with pytest.raises(ValueError, match="without size"):
        read_header(b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x00\x00\x00" + bytes(20))
