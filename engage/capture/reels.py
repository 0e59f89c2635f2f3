"""What a recording holds, whatever it is: pictures, one after another."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from engage.capture.pictures import PictureReel, find_pictures, is_picture
from engage.capture.video import VideoReel
from engage.core.types import Image
from engage.errors import SourceError


class Reel(Protocol):
    """The pictures of an open recording. Positions are in seconds since its first picture."""

    @property
    def remark(self) -> str:
        """What is wrong with the recording, in one line, or ""; known at its end."""

    @property
    def duration_s(self) -> float:
        """How long it says it is; 0 where it does not say."""

    @property
    def fps(self) -> float:
        """Pictures per second, as far as it says."""

    def forward(self, to_s: float) -> float | None:
        """Move on by one picture, and further to the first at or after ``to_s``; return where, None at the end."""

    def picture(self) -> Image:
        """Return the picture that ``forward`` moved to, BGR."""

    def close(self) -> None:
        """Let go of the file."""


def open_reel(path: Path, spacing_s: float = 1.0) -> Reel:
    """Return the pictures of the recording at ``path``, told by its content; those of a folder are ``spacing_s`` apart.

    Raises SourceError, one line: missing, not allowed, empty, damaged, not a picture or video, too large.
    """
    check_readable(path)
    if path.is_dir():
        return PictureReel(find_pictures(path), spacing_s)
    if is_picture(path):
        return PictureReel([path], spacing_s)
    return VideoReel(path)


def check_readable(path: Path) -> None:
    """Raise SourceError where there is nothing to read at ``path``."""
    if "\0" in str(path):
        raise SourceError("A path cannot hold the character 0.")
    try:
        if path.is_dir():
            next(path.iterdir(), None)
            return
        if not path.is_file():
            found = "is not a file" if path.exists() else "does not exist"
            raise SourceError(f"{path} {found}; give a video, a picture or a folder of pictures.")
        with path.open("rb") as file:
            if not file.read(1):
                raise SourceError(f"{path} is empty.")
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or 'no reason given'}).") from None
