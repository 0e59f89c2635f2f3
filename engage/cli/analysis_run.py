"""The way through an analysis: recording → faces → expressions → scores → annotated copy, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engage.capture.pictures import find_pictures, is_picture, read_picture
from engage.capture.recordings import Pace, Playback, RecordingSource
from engage.capture.reels import check_readable
from engage.cli.analysis import Analyst, Rules
from engage.cli.analysis_files import Report
from engage.cli.annotate import AnnotatedVideo, draw, write_picture
from engage.cli.finding import build_finder, build_reader
from engage.config import Settings
from engage.core.types import Frame, Mode
from engage.errors import SourceEnded, SourceError
from engage.inference.reading import FaceReader

ROOM_PX, PICTURE_PX = 640, 1280
"""Longer side at which faces are looked for: a class seen by one camera, and a still, where time matters less."""
BATCH_LOOKS, BATCH_PIXELS = 16, 50_000_000
"""How many looks the network sees at once, and how many pixels of frames may wait for it (150 MB)."""
FILM_EVERY_S = 1.0
"""Up to this interval the annotated copy is a film of all frames, above it one of the looked-at ones."""
SLIDES_FPS = 2.0
MISSED_LOOKS = 2.5
"""With looks far apart, a face keeps its track over this many of them."""
DAWN = datetime(2000, 1, 1, tzinfo=UTC)
"""Pictures have no time of their own; a whole second, so that each closes its sample."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a recording is analysed: what may be inferred, how often (0: every frame), whether a copy is drawn."""

    mode: Mode
    every_s: float
    annotate: bool


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures that have nothing to do with one another."""

    path: Path
    files: Sequence[Path]

    @property
    def annotated_name(self) -> str:
        """The file, or folder for several pictures, of the annotated copy."""
        return f"{self.path.resolve().stem}-annotated" + ("" if self.path.is_dir() else ".jpg")

    @property
    def look_s(self) -> float:
        """Pictures have no duration."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Film:
    """A video, or a folder of pictures, with ``fps`` frames a second."""

    path: Path
    fps: float

    @property
    def annotated_name(self) -> str:
        """The file of the annotated copy."""
        return f"{self.path.resolve().stem}-annotated.mp4"

    @property
    def look_s(self) -> float:
        """The time between two frames."""
        return 1.0 / self.fps


Recording = Pictures | Film
"""What can be analysed."""
OnProgress = Callable[[float], None]


def open_recording(path: Path, fps: float | None) -> Recording:
    """Return what is at ``path``; with ``fps`` a folder is a film. Raises SourceError where nothing can be read."""
    check_readable(path)
    if path.is_dir():
        return Film(path, fps) if fps else Pictures(path, find_pictures(path))
    if is_picture(path):
        read_picture(path)
        return Pictures(path, [path])
    source = RecordingSource(path)
    source.open()
    film = Film(path, source.fps)
    source.close()
    return film


def analyze_recording(
    recording: Recording, plan: Plan, settings: Settings, draft: Path | None, on_progress: OnProgress
) -> Report:
    """Return what ``recording`` shows; the annotated copy goes to the folder ``draft``, where there is one.

    ``on_progress`` is told the share done, 0-1. Raises SourceError, ModelError, EngageError with one line.
    """
    analyst, model = new_analyst(settings, plan, recording)
    unknown_below = settings.scoring.unknown_below
    if isinstance(recording, Pictures):
        pictures = _PicturesRun(recording, analyst, draft if plan.annotate else None, unknown_below)
        duration_s, remark = pictures.run(on_progress)
    else:
        duration_s, remark = _FilmRun(recording, plan, analyst, draft, unknown_below).run(on_progress)
    return Report(
        str(recording.path),
        duration_s,
        plan.mode.value,
        settings.scoring.version,
        model,
        remark,
        analyst.tracks,
    )


def new_analyst(settings: Settings, plan: Plan, recording: Recording | None = None) -> tuple[Analyst, str | None]:
    """Return what reads the faces of a recording (None: of a camera), and the network's name where it is asked.

    Raises ModelError with one line.
    """
    # A film is read a face or two at a time, and threads then wait for one another: on two busy cores, two of them took
    # 1.06 s for a pass where one took .16 s.
    threads = (os.cpu_count() or 1) if isinstance(recording, Pictures) else settings.inference.threads
    reader = FaceReader(None) if plan.mode is Mode.PRESENCE else build_reader(settings, threads)
    longest_px = PICTURE_PX if isinstance(recording, Pictures) else ROOM_PX
    memory_s = max(settings.vision.track_memory_s, MISSED_LOOKS * plan.every_s)
    follow = reader.reads_signals and isinstance(recording, Film)
    finder = build_finder(settings, "all", longest_px=longest_px, memory_s=memory_s, follow=follow)
    own_s = recording.look_s if recording is not None else plan.every_s
    look_s = own_s and max(own_s, plan.every_s)
    analyst = Analyst(Rules(plan.mode, settings.scoring, memory_s, look_s), finder, reader)
    return analyst, reader.classifier.name if reader.classifier and reader.wants(plan.mode) else None


class _PicturesRun:
    """Each picture on its own: faces are not followed from one to the next."""

    def __init__(self, pictures: Pictures, analyst: Analyst, draft: Path | None, unknown_below: float) -> None:
        self._pictures = pictures
        self._analyst = analyst
        self._draft = draft
        self._unknown_below = unknown_below

    def run(self, on_progress: OnProgress) -> tuple[float, str]:
        """Return the duration, 0, and what could not be read."""
        files = self._pictures.files
        unread: list[SourceError] = []
        for index, file in enumerate(files):
            try:
                self._look(index, file)
            except SourceError as error:
                unread.append(error)
            on_progress((index + 1) / len(files))
        if len(unread) == len(files):
            raise unread[0]
        more = f" ({len(unread)} such pictures)" if len(unread) > 1 else ""
        return 0.0, f"{unread[0]}{more}" if unread else ""

    def _look(self, index: int, file: Path) -> None:
        several = self._pictures.path.is_dir()
        frame = Frame(read_picture(file), index, DAWN, 0.0, 0.0)
        readings = self._analyst.read([frame], file.name if several else None)[0]
        self._analyst.cut()
        if self._draft is not None:
            target = self._draft / self._pictures.annotated_name
            if several:
                target.mkdir(exist_ok=True)
                target = target / f"{file.stem}{file.suffix.lower().replace('.', '-')}.jpg"
            write_picture(target, draw(frame.image, readings, self._unknown_below))


class _FilmRun:
    """Frames in batches: read, looked at, drawn, let go."""

    def __init__(self, film: Film, plan: Plan, analyst: Analyst, draft: Path | None, unknown_below: float) -> None:
        self._analyst = analyst
        self._every_s = plan.every_s
        self._film = film
        self._draft = draft if plan.annotate else None
        self._smooth = self._draft is not None and plan.every_s <= FILM_EVERY_S
        self._unknown_below = unknown_below
        every_s = None if self._smooth else plan.every_s or None
        playback = Playback(Pace.FAST, every_s, spacing_s=1.0 / film.fps)
        self._source = RecordingSource(film.path, playback, _Epoch())
        self._copy: AnnotatedVideo | None = None
        self._due_s = 0.0

    def run(self, on_progress: OnProgress) -> tuple[float, str]:
        """Return the duration and what is wrong with the recording."""
        self._source.open()
        try:
            duration_s, last_s = self._source.duration_s, 0.0
            if self._draft is not None:
                fps = self._source.fps if self._smooth else SLIDES_FPS
                self._copy = AnnotatedVideo(self._draft / self._film.annotated_name, fps, self._unknown_below)
            batch: list[tuple[Frame, bool]] = []
            for frame in self._frames():
                batch.append((frame, self._is_due(frame)))
                last_s = frame.position_s
                if _is_full(batch):
                    self._work_off(batch)
                    batch = []
                    on_progress(min(last_s / duration_s, 1.0) if duration_s else 0.0)
            self._work_off(batch)
            self._analyst.cut()
            if self._copy is not None:
                self._copy.close()
            remark = self._source.remark
            return (duration_s if duration_s and not remark else last_s), remark
        finally:
            self._source.close()

    def _frames(self) -> Iterator[Frame]:
        while True:
            try:
                frame = self._source.read(1.0)
            except SourceEnded:
                return
            if frame is not None:
                yield frame

    def _is_due(self, frame: Frame) -> bool:
        if not self._smooth:
            return True
        if frame.position_s < self._due_s - 1e-3:
            return False
        while self._every_s and self._due_s <= frame.position_s + 1e-3:
            self._due_s += self._every_s
        return True

    def _work_off(self, batch: Sequence[tuple[Frame, bool]]) -> None:
        readings = iter(self._analyst.read([frame for frame, looked in batch if looked]))
        for frame, looked in batch:
            if looked:
                found = next(readings)
                if self._copy is not None:
                    self._copy.look(frame, found)
            elif self._copy is not None:
                self._copy.pass_over(frame)


class _Epoch:
    """A clock that stands at a whole second, so that samples of a recording are its own seconds."""

    def now(self) -> datetime:
        """Return the moment at which every recording starts."""
        return DAWN

    def monotonic(self) -> float:
        """Return 0: nothing here has an age."""
        return 0.0


def _is_full(batch: Sequence[tuple[Frame, bool]]) -> bool:
    looks = sum(looked for _, looked in batch)
    return looks >= BATCH_LOOKS or sum(frame.image[..., 0].size for frame, _ in batch) >= BATCH_PIXELS
