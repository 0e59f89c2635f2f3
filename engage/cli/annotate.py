"""Boxes, sight, words and scores drawn onto pictures: the only place that writes a picture of a face, on command."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from engage.capture.native import quiet_opencv
from engage.cli.analysis import FaceReading
from engage.core.live import reading as read_state
from engage.core.signals import FaceSignals
from engage.core.types import Box, Frame, Image
from engage.errors import EngageError

LINE = (190, 205, 120)
"""A soft teal, BGR."""
SHADE = (36, 30, 26)
SHADE_OPACITY = 0.72
TEXT_SHARE = 1 / 30
"""Height of the letters over the shorter side of the picture."""
SMALLEST_TEXT_PX = 11
EYES = 0.4
"""Height of the eyes, in heights of the box from its top."""
ANGLES = ("yaw_deg", "pitch_deg", "gaze_x", "gaze_y")


def draw(image: Image, readings: Sequence[FaceReading], unknown_below: float) -> Image:
    """Return a copy of ``image`` (BGR) with every face's box, line of sight and label: ``2  neutral  7.4``.

    The line of sight is drawn where it was read: a dot is a look at the camera, a line as long as the box is wide a
    look at right angles to it.
    """
    picture = image.copy()
    shorter = min(picture.shape[:2])
    thickness = max(1, round(shorter / 320))
    text_px = max(SMALLEST_TEXT_PX, round(shorter * TEXT_SHARE))
    for found in readings:
        _draw_box(picture, found.signals.box, thickness)
        _draw_sight(picture, found.signals, thickness)
    taken = [found.signals.box for found in readings]
    for found in readings:  # labels last, so that no box crosses one
        letters = _letters(label(found, unknown_below), text_px)
        place = _place(found.signals.box, letters.shape, picture.shape, taken)
        _lay(picture, place, letters)
        taken.append(place)
    return picture


def label(found: FaceReading, unknown_below: float) -> str:
    """Return what is written beside a face: its track, the word for what it appears, and the score."""
    _, word = read_state(found.scored, unknown_below)
    value = found.scored.score.value
    return f"{found.signals.track_id}  {word}" + ("" if value is None else f"  {value:.1f}")


def between(before: Sequence[FaceReading], after: Sequence[FaceReading], share: float) -> list[FaceReading]:
    """Return ``before`` with each box and line of sight ``share`` (0-1) of the way to the same face's in ``after``."""
    ahead = {found.signals.track_id: found.signals for found in after}
    return [
        replace(found, signals=_on_the_way(found.signals, ahead[track], share))
        if (track := found.signals.track_id) in ahead
        else found
        for found in before
    ]


class AnnotatedVideo:
    """Writes a video (MPEG-4) of all frames with the boxes of the looked-at ones, moved smoothly in between.

    Raises EngageError where the file cannot be written.
    """

    def __init__(self, path: Path, fps: float, unknown_below: float) -> None:
        self._path = path
        self._fps = fps
        self._unknown_below = unknown_below
        self._writer: cv2.VideoWriter | None = None
        self._held: list[Frame] = []
        self._before: Sequence[FaceReading] = ()

    def look(self, frame: Frame, readings: Sequence[FaceReading]) -> None:
        """Take in a frame that was looked at."""
        self._release(frame, readings)
        self._held, self._before = [frame], readings

    def pass_over(self, frame: Frame) -> None:
        """Take in a frame that was not looked at."""
        self._held.append(frame)

    def close(self) -> None:
        """Write what is held back, finish the file and check that it can be read."""
        self._release(None, ())
        self._held = []
        if self._writer is None:
            return
        self._writer.release()
        written = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        readable = written.isOpened() and written.grab()
        written.release()
        if not readable:
            raise EngageError(f"The annotated video could not be written to {self._path.parent}; is the disk full?")

    def _release(self, upto: Frame | None, readings: Sequence[FaceReading]) -> None:
        for frame in self._held:
            shown = self._before
            if upto is not None and upto.position_s > self._held[0].position_s:
                start_s = self._held[0].position_s
                shown = between(shown, readings, (frame.position_s - start_s) / (upto.position_s - start_s))
            self._write(draw(frame.image, shown, self._unknown_below))

    def _write(self, image: Image) -> None:
        height, width = image.shape[0], image.shape[1]
        if self._writer is None:
            quiet_opencv()
            codec = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, codec, self._fps, (width, height))
            if not self._writer.isOpened():
                raise EngageError(f"An annotated video of {width} x {height} cannot be written; use --no-annotate.")
        self._writer.write(image)


def write_picture(path: Path, image: Image) -> None:
    """Write ``image`` as ``path`` says (.jpg, .png); raise EngageError where that fails."""
    good, content = cv2.imencode(path.suffix, image)
    if not good:
        raise EngageError(f"The annotated picture {path.name} could not be made.")
    path.write_bytes(content.tobytes())


def _draw_box(picture: Image, box: Box, thickness: int) -> None:
    first = (round(box.x), round(box.y))
    last = (round(box.x + box.w), round(box.y + box.h))
    cv2.rectangle(picture, first, last, SHADE, thickness + 2, cv2.LINE_AA)
    cv2.rectangle(picture, first, last, LINE, thickness, cv2.LINE_AA)


def _draw_sight(picture: Image, signals: FaceSignals, thickness: int) -> None:
    """Draw from between the eyes to where head and gaze point, seen from the camera."""
    if signals.yaw_deg is None or signals.pitch_deg is None:
        return
    aside = math.radians(signals.yaw_deg + (signals.gaze_x or 0.0))
    up = math.radians(signals.pitch_deg + (signals.gaze_y or 0.0))
    box = signals.box
    x, y = box.x + box.w / 2, box.y + EYES * box.h
    start = (round(x), round(y))
    end = (round(x + box.w * math.sin(aside) * math.cos(up)), round(y - box.w * math.sin(up)))
    for colour, wider in ((SHADE, 2), (LINE, 0)):
        cv2.line(picture, start, end, colour, thickness + wider, cv2.LINE_AA)
        cv2.circle(picture, start, thickness + 1 + wider // 2, colour, cv2.FILLED, cv2.LINE_AA)


def _place(box: Box, size: tuple[int, ...], picture: tuple[int, ...], taken: Sequence[Box]) -> Box:
    """Return where a label of ``size`` (H, W) goes: above its box, else below, where it hides least of ``taken``."""
    height, width = size
    x = min(max(round(box.x), 0), max(picture[1] - width, 0))
    rows = [
        min(max(row, 0), max(picture[0] - height, 0)) for row in (round(box.y) - height - 2, round(box.y + box.h) + 3)
    ]
    places = [Box(x, row, width, height) for row in rows]
    return min(places, key=lambda place: sum(_shared(place, other) for other in taken))


def _lay(picture: Image, place: Box, letters: NDArray[np.uint8]) -> None:
    rows = slice(int(place.y), int(place.y + place.h))
    columns = slice(int(place.x), int(place.x + place.w))
    patch = picture[rows, columns].astype(np.float32)
    opacity = letters[: patch.shape[0], : patch.shape[1], None] / 255.0
    shaded = patch * (1 - SHADE_OPACITY) + np.array(SHADE, np.float32) * SHADE_OPACITY
    picture[rows, columns] = (shaded + (255 - shaded) * opacity).astype(np.uint8)


@lru_cache(maxsize=512)
def _letters(text: str, text_px: int) -> NDArray[np.uint8]:
    """Return the opacity of ``text`` with a margin, ``(H, W)``, in Pillow's font: OpenCV's strokes are hard to read."""
    font = ImageFont.load_default(text_px)
    margin = max(3, text_px // 3)
    left, top, right, bottom = font.getbbox("Ågjy " + text)
    left = font.getbbox(text)[0]
    right = font.getbbox(text)[2]
    mask = Pillow.new("L", (int(right - left) + 2 * margin, int(bottom - top) + margin), 0)
    ImageDraw.Draw(mask).text((margin - left, margin // 2 - top), text, fill=235, font=font)
    return cast(NDArray[np.uint8], np.asarray(mask, np.uint8))


def _on_the_way(signals: FaceSignals, to: FaceSignals, share: float) -> FaceSignals:
    angles = {
        name: start + (end - start) * share
        for name in ANGLES
        if (start := getattr(signals, name)) is not None and (end := getattr(to, name)) is not None
    }
    return replace(signals, box=_moved(signals.box, to.box, share), **angles)


def _moved(box: Box, to: Box, share: float) -> Box:
    return Box(
        box.x + (to.x - box.x) * share,
        box.y + (to.y - box.y) * share,
        box.w + (to.w - box.w) * share,
        box.h + (to.h - box.h) * share,
    )


def _shared(one: Box, other: Box) -> float:
    """Return the area that two boxes share."""
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return max(width, 0.0) * max(height, 0.0)
