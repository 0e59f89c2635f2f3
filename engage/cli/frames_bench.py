"""``engage bench frames``: frames a second of one core, end to end, from JPEG and from decoded frames.

Each of several students has a finder of their own, as live; all their faces are read in one batch per round, and what
the network says of a face's place goes back to its finder. Frames are drawn beforehand and played to and fro.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import cv2

from engage.capture.decoding import WHOLE, decode
from engage.capture.looking import FaceFinder, Looked
from engage.cli import baseline_bench
from engage.cli.finding import build_finder, build_reader
from engage.cli.yardstick import one_core, per_core_s
from engage.config import Settings
from engage.core.types import Frame, Hint, Image, Mode, Origin
from engage.inference.reading import FaceReader

EACH = 15
"""Frames drawn of each student: three seconds, played to and fro."""
RATE_FPS = 5.0
QUALITY = 85
ORIGIN = Origin(0, 0, 0)


@dataclass(slots=True)
class Spent:
    """Processor seconds by stage, over so many frames."""

    frames: int = 0
    decoding_s: float = 0.0
    looking_s: float = 0.0
    reading_s: float = 0.0


@dataclass(slots=True)
class Seat:
    """One student: frames without end, and who finds the face in them."""

    finder: FaceFinder
    pictures: Iterator[Image | bytes]
    seq: int = 0

    def next(self) -> tuple[int, Image | bytes]:
        """Return the next picture and its number."""
        self.seq += 1
        return self.seq, next(self.pictures)


@dataclass(slots=True)
class Class:
    """Several students read by one network."""

    seats: Sequence[Seat]
    reader: FaceReader
    jpeg: bool
    spent: Spent = field(default_factory=Spent)

    def work(self) -> int:
        """Take one frame of each student all the way; return how many that were."""
        looks: list[tuple[Seat, Frame, Looked]] = []
        for seat in self.seats:
            began_s = time.process_time()
            frame = _frame(*seat.next(), seat.finder if self.jpeg else None)
            between_s = time.process_time()
            looks.append((seat, frame, seat.finder.look(frame)))
            self.spent.decoding_s += between_s - began_s
            self.spent.looking_s += time.process_time() - between_s
        began_s = time.process_time()
        crops = [(crop, Mode.FULL) for _, _, looked in looks for crop in looked.faces]
        faces = iter(self.reader.read(crops))
        for seat, frame, looked in looks:
            for face in itertools.islice(faces, len(looked.faces)):
                if face.face_score is not None and face.box_shift is not None:
                    hint = Hint(ORIGIN, frame.seq, frame.monotonic_s, face.track_id, face.face_score, face.box_shift)
                    seat.finder.learn(hint)
        self.spent.reading_s += time.process_time() - began_s
        self.spent.frames += len(looks)
        return len(looks)


def measure(settings: Settings, students: int, seconds: float) -> dict[str, Any]:
    """Return frames a second of one core, from JPEG and decoded, what the stages take, and the naive way's."""
    reader = build_reader(settings, threads=1)
    drawn = baseline_bench.drawn_frames(students, EACH, RATE_FPS)
    packed = [[_packed(image) for image in frames] for frames in drawn]
    result: dict[str, Any] = {"students": students, "size_px": list(baseline_bench.SIZE_PX), "faces_per_frame": 1}
    result["backend"] = getattr(getattr(reader.classifier, "backend", None), "name", "")
    for name, pictures in (("decoded", drawn), ("jpeg", packed)):
        seats = [Seat(build_finder(settings, "primary"), _to_and_fro(frames)) for frames in pictures]
        group = Class(seats, reader, name == "jpeg")
        with one_core():
            rate = per_core_s(group.work, seconds)
        result |= {f"{name}_frames_per_s": round(rate, 1), **_stages(name, group)}
    result |= baseline_bench.measure([frames[0] for frames in drawn], seconds)
    for name in ("decoded", "jpeg"):
        result[f"{name}_over_naive"] = round(result[f"{name}_frames_per_s"] / result["naive_frames_per_s"], 1)
    return result


def _stages(name: str, group: Class) -> dict[str, float]:
    spent, counts = group.spent, [seat.finder.counts for seat in group.seats]
    looks = sum(one.looks for one in counts)
    stages = {"looking": spent.looking_s, "reading": spent.reading_s}
    if group.jpeg:
        stages["decoding"] = spent.decoding_s
    return {
        **{f"{name}_{stage}_ms": round(1000 * seconds / spent.frames, 2) for stage, seconds in stages.items()},
        f"{name}_detector_share": round(sum(one.detected_looks for one in counts) / looks, 3),
    }


def _frame(seq: int, picture: Image | bytes, finder: FaceFinder | None) -> Frame:
    """Return a decoded picture as a frame, or a JPEG decoded as far as its finder needs it."""
    at_s = seq / RATE_FPS
    at = datetime.fromtimestamp(at_s, UTC)
    if not isinstance(picture, bytes):
        return Frame(picture, seq, at, at_s, at_s)
    need = finder.need(at_s) if finder else WHOLE
    image = decode(picture, need)
    assert image is not None  # packed here  # noqa: S101
    return Frame(image, seq, at, at_s, at_s, 1 / need.reduced)


def _packed(image: Image) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def _to_and_fro(frames: Sequence[Image | bytes]) -> Iterator[Image | bytes]:
    return itertools.cycle([*frames, *frames[-2:0:-1]])
