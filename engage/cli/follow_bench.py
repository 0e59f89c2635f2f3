"""``engage bench follow``: how well faces are followed, and how seldom they are detected, against the detector itself.

Every frame is also looked at by the detector, as if nothing were followed; its boxes are the reference, not the truth.
Short clips are played to and fro until they are long enough, so that nothing jumps.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engage.capture.looking import FaceFinder
from engage.capture.recordings import Pace, Playback, RecordingSource
from engage.capture.sources import open_source
from engage.capture.virtual.script import ScriptKind
from engage.capture.virtual.source import VirtualSpec
from engage.cli.finding import build_detectors, build_finder
from engage.config import Settings
from engage.core.protocols import FaceDetector, FrameSource
from engage.core.types import Box, Frame, Hint, Mode, Origin
from engage.errors import EngageError, SourceEnded
from engage.inference.reading import FaceReader
from engage.vision.boxes import overlap

MOVING = (ScriptKind.LIVELY, ScriptKind.DISTRACTED, ScriptKind.NOTE_TAKING, ScriptKind.COMES_AND_GOES)
"""The virtual students that are watched, in turn."""
ENOUGH = 0.6
"""Intersection over union from which a box is on its face."""
ORIGIN = Origin(0, 0, 0)
ROOM_PX = 640


@dataclass(frozen=True, slots=True)
class Scenes:
    """What is watched: recordings with all their faces, and a number of virtual students, at one rate, for how long."""

    recordings: Sequence[Path]
    students: int
    rate_fps: float
    seconds: float


@dataclass(slots=True)
class Tally:
    """What became of one scene, or of all."""

    frames: int = 0
    detected: int = 0
    """Of the frames with a face, those with a detection."""
    searched: int = 0
    empty: int = 0
    """Frames without a face, and those of them with a detection."""
    cut: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    """Overlap with the reference, per face and frame: of the crop's box, and of the box as the network corrects it."""
    unknown: int = 0
    """Faces that were followed and that the reference does not have: turned away from the detector, or no faces."""
    tracks: set[int] = field(default_factory=set)

    def count(self, *, detected: bool, crops: Sequence[Box], found: Sequence[Box], known: Sequence[Box]) -> None:
        """Take in a frame: where its crops were cut, where their faces turned out to be, and where the reference is."""
        self.frames += 1
        if found or known:
            self.detected += detected
        else:
            self.empty, self.searched = self.empty + 1, self.searched + detected
        for box in known:
            self.cut.append(max((overlap(crop, box) for crop in crops), default=0.0))
            self.read.append(max((overlap(place, box) for place in found), default=0.0))
        self.unknown += sum(all(overlap(crop, box) == 0 for box in known) for crop in crops)

    def add(self, other: Tally) -> None:
        """Take in another scene."""
        self.frames, self.empty = self.frames + other.frames, self.empty + other.empty
        self.detected, self.searched = self.detected + other.detected, self.searched + other.searched
        self.unknown += other.unknown
        self.cut += other.cut
        self.read += other.read

    def result(self) -> dict[str, Any]:
        """Return the figures; a share of nothing is None."""
        return {
            "frames": self.frames,
            "detector_share": _share(self.detected, self.frames - self.empty),
            "detector_share_while_empty": _share(self.searched, self.empty),
            "faces": len(self.read),
            "overlap_share": _enough(self.read),
            "overlap_share_of_crops": _enough(self.cut),
            "overlap_median": round(float(np.median(self.read)), 4) if self.read else None,
            "faces_without_reference": self.unknown,
        }


def measure(settings: Settings, reader: FaceReader, scenes: Scenes) -> dict[str, Any]:
    """Return the figures over all scenes at one rate, and of each scene. Raises EngageError without the second head."""
    if not reader.reads_signals:
        raise EngageError("The model at hand does not say where a face has moved; it has no signals head.")
    reference = build_detectors(settings, ROOM_PX).whole
    total, each = Tally(), {}
    for path in scenes.recordings:
        finder = build_finder(settings, "all", longest_px=ROOM_PX)
        each[path.name] = _watch(_recorded(path, scenes), finder, reader, reference)
    reference = build_detectors(settings).whole
    for number in range(scenes.students):
        spec = VirtualSpec(number + 1, MOVING[number % len(MOVING)], fps=scenes.rate_fps, realtime=False)
        frames = _frames(open_source(str(replace(spec, seconds=scenes.seconds))))
        each[str(spec)] = _watch(frames, build_finder(settings, "primary"), reader, reference)
    for tally in each.values():
        total.add(tally)
    return {
        "rate_fps": scenes.rate_fps,
        **total.result(),
        "scenes": {name: {**tally.result(), "tracks": len(tally.tracks)} for name, tally in each.items()},
    }


def _watch(frames: Iterator[Frame], finder: FaceFinder, reader: FaceReader, reference: FaceDetector) -> Tally:
    tally = Tally()
    for frame in frames:
        before = finder.counts.detected_looks
        crops = finder.look(frame).faces
        faces = reader.read([(crop, Mode.FULL) for crop in crops])
        for face in faces:
            assert face.face_score is not None and face.box_shift is not None  # reads_signals has said so  # noqa: S101
            hint = Hint(ORIGIN, frame.seq, frame.monotonic_s, face.track_id, face.face_score, face.box_shift)
            finder.learn(hint)
        believed = [crop for crop, face in zip(crops, faces, strict=True) if reader.believed(crop, face)]
        places = finder.places(frame.position_s)
        tally.count(
            detected=finder.counts.detected_looks > before,
            crops=[crop.box for crop in believed],
            found=[places.get(crop.track_id, crop.box) for crop in believed],
            known=[face.box for face in reference.detect(frame.image)],
        )
        tally.tracks.update(crop.track_id for crop in believed)
    return tally


def _recorded(path: Path, scenes: Scenes) -> Iterator[Frame]:
    """Yield the recording at about the rate asked for, to and fro until it has lasted long enough."""
    source = RecordingSource(path, Playback(Pace.FAST, every_s=1.0 / scenes.rate_fps))
    count = round(scenes.seconds * scenes.rate_fps)
    frames = list(itertools.islice(_frames(source), count))
    there_and_back = itertools.cycle([*frames, *frames[-2:0:-1]])
    interval_s = frames[-1].position_s / (len(frames) - 1) if len(frames) > 1 else 1.0 / scenes.rate_fps
    for seq, frame in enumerate(itertools.islice(there_and_back, count)):
        yield replace(frame, seq=seq, position_s=seq * interval_s)


def _frames(source: FrameSource) -> Iterator[Frame]:
    source.open()
    try:
        while True:
            frame = source.read(1.0)
            if frame is not None:
                yield frame
    except SourceEnded:
        return
    finally:
        source.close()


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _enough(overlaps: Sequence[float]) -> float | None:
    return round(float(np.mean(np.array(overlaps) >= ENOUGH)), 4) if overlaps else None
