"""Pictures, one or a folder of them, upright and of bounded size."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from engage.core.types import Image
from engage.errors import SourceError, SourceLost

log = logging.getLogger(__name__)

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM", "GIF")
"""What is opened; Pillow's other formats run programs or parse documents."""
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".gif", ".avif", ".jp2"}
)
MAX_PIXELS = 80_000_000
"""Above it a picture is refused by its header, before it is unpacked (a telephone's 50 million pass)."""


def is_picture(path: Path) -> bool:
    """Return whether the file's content is a still picture; an animated GIF is a video."""
    try:
        with _open(path) as image:
            return not (image.format == "GIF" and getattr(image, "is_animated", False))
    except (UnidentifiedImageError, SyntaxError, OSError, ValueError):
        return False


def read_picture(path: Path) -> Image:
    """Return the picture as ``(H, W, 3)`` uint8 BGR, turned upright by its EXIF orientation.

    Raises SourceError, one line: missing, empty, damaged, cut off, above ``MAX_PIXELS``.
    """
    try:
        with _open(path) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                millions = MAX_PIXELS // 1_000_000
                raise SourceError(f"{path} is too large: {width} x {height}; scale it below {millions} million pixels.")
            return upright_bgr(image)
    except UnidentifiedImageError:
        raise SourceError(f"{path} is not a picture that can be read.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        reason = "cut off" if "truncated" in str(error) else "damaged or not readable"
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise SourceError(f"{path} cannot be read as a picture ({reason}).") from None


def upright_bgr(image: Pillow.Image) -> Image:
    """Return an opened picture decoded, ``(H, W, 3)`` uint8 BGR, turned upright by its EXIF orientation."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        upright = _eight_bits(upright)
    return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[..., ::-1])


def find_pictures(folder: Path) -> list[Path]:
    """Return the pictures of ``folder``, told by their suffix, in natural order (``2`` before ``10``)."""
    found = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    if not found:
        raise SourceError(f"The folder {folder} holds no pictures (looked for {', '.join(sorted(SUFFIXES))}).")
    return sorted(found, key=_natural)


class PictureReel:
    """The pictures of some files, ``spacing_s`` apart (see Reel). Unreadable ones are left out and told of.

    Files that were taken away meanwhile are no regular end: SourceLost.
    """

    def __init__(self, files: Sequence[Path], spacing_s: float) -> None:
        """Read the first picture that can be read, or raise SourceError."""
        self._files = files
        self._spacing_s = spacing_s
        self._next = 0
        self._picture: Image | None = None
        self._unread: list[str] = []
        self._error: SourceError | None = None
        self._opening = self._seek()
        if self._opening is None:
            reason = f": {self._error}" if self._error else "."
            raise self._error if self._error and len(files) == 1 else SourceError(f"No picture can be read{reason}")
        self.file = files[0]

    @property
    def duration_s(self) -> float:
        """The time the pictures stand for."""
        return len(self._files) * self._spacing_s

    @property
    def fps(self) -> float:
        """Pictures per second."""
        return 1.0 / self._spacing_s

    @property
    def remark(self) -> str:
        """Which pictures could not be read."""
        names = ", ".join(self._unread[:5]) + (", …" if len(self._unread) > 5 else "")
        return f"{len(self._unread)} of {len(self._files)} pictures could not be read: {names}." if names else ""

    def forward(self, to_s: float) -> float | None:
        """Return the position of the next picture at or after ``to_s``."""
        found, self._opening = self._opening, None
        while found is None or found * self._spacing_s < to_s - self._spacing_s / 2:
            found = self._seek()
            if found is None:
                return None
        self.file = self._files[found]
        return found * self._spacing_s

    def picture(self) -> Image:
        """Return the picture that ``forward`` moved to, BGR."""
        assert self._picture is not None  # noqa: S101 (forward came before)
        return self._picture

    def close(self) -> None:
        """Let go of the picture."""
        self._picture = None

    def _seek(self) -> int | None:
        while self._next < len(self._files):
            index = self._next
            self._next += 1
            try:
                self._picture = read_picture(self._files[index])
            except SourceError as error:
                self._error = error
                self._unread.append(self._files[index].name)
                log.debug("picture left out reason=%s", error)
            else:
                return index
        if self._unread and not self._files[-1].exists():  # not over: taken away, and perhaps to come back
            raise SourceLost(f"The pictures in {self._files[-1].parent.name} are gone.")
        return None


def _open(path: Path) -> Pillow.Image:
    with warnings.catch_warnings():  # sizes are checked here, without Pillow's own warning
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        try:
            return Pillow.open(path, formats=FORMATS)
        except Pillow.DecompressionBombError:
            raise SourceError(
                f"{path} is too large; scale it below {MAX_PIXELS // 1_000_000} million pixels."
            ) from None


def _eight_bits(image: Pillow.Image) -> Pillow.Image:
    """Return a gray picture of 16 or 32 bits scaled to 8: Pillow's own conversion would clip it."""
    values = np.asarray(image, np.float64)
    top = 65535.0 if image.mode.startswith("I;16") or values.max(initial=0) > 255 else 255.0
    return Pillow.fromarray(np.clip(values / top * 255, 0, 255).astype(np.uint8))


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts if part]
