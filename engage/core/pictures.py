"""What a picture's first bytes say of it, read without decoding it: the web process never decodes what browsers send.

JPEG: ITU-T T.81, annex B (segments; SOF holds the size). WebP: RFC 9649 (VP8, VP8L and VP8X chunks).
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_SEGMENTS = 64
"""A JPEG with more segments before its size is not one that a camera or a canvas made."""

_NO_SIZE = frozenset({0xC4, 0xC8, 0xCC})
"""Markers among SOF0 to SOF15 that are no frame headers: DHT, JPG, DAC."""
_ANIMATED = 0x02


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """The format ("jpeg", "webp") and size in pixels that a picture claims for itself."""

    kind: str
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Return the number of pixels that decoding would give."""
        return self.width * self.height


def read_header(data: bytes) -> PictureHeader:
    """Return what ``data`` says of itself. Raises ValueError where it is neither a JPEG nor a still WebP."""
    if data[:3] == b"\xff\xd8\xff":
        header = _jpeg(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        header = _webp(data)
    else:
        raise ValueError("not a JPEG or WebP picture")
    if not header.width or not header.height:
        raise ValueError("a picture without size")
    return header


def _jpeg(data: bytes) -> PictureHeader:
    at = 2
    for _ in range(MAX_SEGMENTS):
        while data[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        marker, length = data[at + 1 : at + 2], int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at : at + 1] != b"\xff" or not marker or length < 2:
            break
        if 0xC0 <= marker[0] <= 0xCF and marker[0] not in _NO_SIZE:
            size = data[at + 5 : at + 9]
            if len(size) < 4:
                break
            return PictureHeader("jpeg", int.from_bytes(size[2:], "big"), int.from_bytes(size[:2], "big"))
        at += 2 + length
    raise ValueError("a damaged JPEG")


def _webp(data: bytes) -> PictureHeader:
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise ValueError("a damaged WebP")
    if chunk == b"VP8X":
        if body[0] & _ANIMATED:
            raise ValueError("a moving WebP")
        width, height = int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    elif chunk == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width = int.from_bytes(body[6:8], "little") & 0x3FFF
        height = int.from_bytes(body[8:10], "little") & 0x3FFF
    else:
        raise ValueError("a damaged WebP")
    return PictureHeader("webp", width, height)
