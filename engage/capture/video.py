"""Video files, GIFs included, through OpenCV's FFmpeg."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2

from engage.capture.native import quiet_opencv
from engage.core.types import Image
from engage.errors import SourceError

SEEK_FROM_S = 5.0
"""From this distance on jumping to a keyframe beats unpacking all between (30 frames/s, keyframe every 250)."""
MAX_PIXELS = 40_000_000
"""Of one frame; 8K video has 33 million."""
ROUNDING_S = 1e-3
"""Some containers keep whole milliseconds."""
CUT_OFF_S = 1.0
CUT_OFF_SHARE = 0.1
"""A file counts as cut off where it ends earlier than it says by more than both (no-face.mp4 is 3 frames short)."""


class VideoReel:
    """The frames of a video file (see Reel). Times are the file's own, so that varying frame rates are right."""

    def __init__(self, path: Path) -> None:
        """Read the first frame, or raise SourceError: not a video, damaged, too large."""
        quiet_opencv()
        self._path = path
        self._refuse_text()
        self._capture = self._reopen()
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        frames = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._frame_s = 1.0 / fps if 0.1 <= fps <= 1000 else 0.04
        self.fps = 1.0 / self._frame_s
        self.duration_s = frames * self._frame_s if 0 < frames < 1e9 else 0.0
        self.remark = ""
        self._position_s: float | None = None
        self._first: Image | None = self._read_first()
        self._origin_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._seekable = True

    def forward(self, to_s: float) -> float | None:
        """Return the position of the next frame that is at or after ``to_s``, jumping where that is far."""
        if self._position_s is None:
            self._position_s = 0.0
            if to_s <= 0:
                return 0.0
        self._first = None
        before_s = self._position_s
        if self.duration_s and to_s > self.duration_s + CUT_OFF_S:
            return None
        if to_s - before_s >= SEEK_FROM_S and self._seekable:
            self._capture.set(cv2.CAP_PROP_POS_MSEC, (to_s + self._origin_s) * 1000)
            found_s = self._grab_until(to_s, before_s)
            if found_s is not None or 0 < self.duration_s < to_s + CUT_OFF_S:
                return found_s
            self._start_over()
        found_s = self._grab_until(to_s, before_s)
        if found_s is None:
            self._note_end()
        return found_s

    def picture(self) -> Image:
        """Return the frame that ``forward`` moved to, BGR."""
        if self._first is not None:
            return self._first
        good, image = self._capture.retrieve()
        if not good:
            raise SourceError(f"{self._path} is damaged at {self._position_s:.1f} s.")
        return cast(Image, image)

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def _reopen(self) -> cv2.VideoCapture:
        return cv2.VideoCapture(str(self._path.resolve()), cv2.CAP_FFMPEG)

    def _refuse_text(self) -> None:
        """Raise SourceError for text: FFmpeg would draw it, or follow the addresses in a playlist."""
        with self._path.open("rb") as file:
            start = file.read(4096)
        if all(byte >= 32 or byte in b"\t\n\r\f" for byte in start):
            raise SourceError(f"{self._path} is a text, not a video or picture.")

    def _read_first(self) -> Image:
        good, image = self._capture.read() if self._capture.isOpened() else (False, None)
        if not good or image is None:
            self._capture.release()
            raise SourceError(f"{self._path} is not a video or picture that can be read, or it is damaged.")
        height, width = image.shape[:2]
        if width * height > MAX_PIXELS:
            self._capture.release()
            raise SourceError(f"{self._path} is too large: {width} x {height}; scale it below 8K.")
        return cast(Image, image)

    def _grab_until(self, to_s: float, before_s: float) -> float | None:
        while self._capture.grab():
            stamp_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 - self._origin_s
            last_s = self._position_s or 0.0
            self._position_s = stamp_s if stamp_s > last_s else last_s + self._frame_s
            if self._position_s > before_s and self._position_s >= to_s - ROUNDING_S:
                return self._position_s
        return None

    def _start_over(self) -> None:
        """Read from the start again: this kind of file cannot be jumped in, or is cut off."""
        self._capture.release()
        self._capture = self._reopen()
        self._seekable = False
        self._position_s = 0.0

    def _note_end(self) -> None:
        reached_s = (self._position_s or 0.0) + self._frame_s
        missing_s = self.duration_s - reached_s
        if missing_s > CUT_OFF_S and missing_s > CUT_OFF_SHARE * self.duration_s:
            self.remark = f"{self._path.name} ends after {reached_s:.1f} s of {self.duration_s:.1f} s: it is cut off."
