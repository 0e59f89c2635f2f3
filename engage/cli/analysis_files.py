"""The files of an analysis: JSON, CSV, and a folder in which they appear all at once or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engage.cli.analysis import FaceReading, Track
from engage.core.signals import FaceSignals
from engage.core.types import EMOTIONS
from engage.errors import EngageError

OTHER_SIGNALS = tuple(
    field.name
    for field in fields(FaceSignals)
    if field.name not in ("track_id", "box", "confidence", "expression", "hands")
)
SHIFT_COLUMNS = ("box_shift_dx", "box_shift_dy", "box_shift_log_scale")
CSV_COLUMNS = (
    "track",
    "file",
    "time",
    "x",
    "y",
    "w",
    "h",
    "confidence",
    *EMOTIONS,
    *(name for name in OTHER_SIGNALS if name != "box_shift"),
    *SHIFT_COLUMNS,
    "score",
    "score_confidence",
)


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a recording after its analysis."""

    path: str
    duration_s: float
    mode: str
    scoring_version: str
    model: str | None
    remark: str
    tracks: Sequence[Track]


def json_chunks(report: Report) -> Iterator[str]:
    """Yield the report as JSON text, a piece per frame, so that long recordings need no second copy in memory."""
    head = {
        "path": report.path,
        "duration_s": round(report.duration_s, 3),
        "mode": report.mode,
        "scoring_version": report.scoring_version,
        "model": report.model,
        "remark": report.remark or None,
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "tracks": ['
    for index, track in enumerate(report.tracks):
        yield ("," if index else "") + "\n" + json.dumps(_track_head(track), ensure_ascii=False)[:-1] + ', "frames": ['
        for number, reading in enumerate(track.readings):
            yield ("," if number else "") + "\n" + json.dumps(frame_record(reading), ensure_ascii=False)
        yield "]}"
    yield "]}\n"


def frame_record(reading: FaceReading) -> dict[str, Any]:
    """Return one face in one frame as JSON: time in seconds, box ``[x, y, w, h]``, every signal by its name."""
    signals = reading.signals
    box = signals.box
    record: dict[str, Any] = {
        "time": round(reading.time_s, 3),
        "box": [round(value, 1) for value in (box.x, box.y, box.w, box.h)],
        "confidence": round(signals.confidence, 4),
        "expression": None
        if signals.expression is None
        else {name: round(p, 4) for name, p in zip(EMOTIONS, signals.expression, strict=True)},
    }
    record |= {name: _rounded(getattr(signals, name)) for name in OTHER_SIGNALS}
    return record if reading.file is None else {"file": reading.file, **record}


def csv_text(tracks: Sequence[Track]) -> Iterator[str]:
    """Yield the lines of the CSV: one per face and looked-at frame, with the score as it stood then."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for track in tracks:
        for reading in track.readings:
            writer.writerow(_row(track, reading))
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


@contextmanager
def new_files(folder: Path, names: Sequence[str], force: bool) -> Iterator[Path]:
    """Yield a hidden folder to write into; on success its files move to ``folder``, on any error all is removed.

    Raises EngageError where ``folder`` cannot be written, or holds one of ``names`` already and ``force`` is False.
    """
    taken = [name for name in names if (folder / name).exists()]
    if taken and not force:
        raise EngageError(
            f"{folder} already holds {taken[0]}; give --force to replace it, or another folder with --out."
        )
    made: list[Path] = []
    try:
        made = _make(folder)
        draft = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    except OSError as error:
        _remove_empty(made)
        raise EngageError(f"{folder} cannot be written ({error.strerror}); give another folder with --out.") from None
    try:
        yield draft
        for file in sorted(draft.iterdir()):
            if file.is_dir() and (folder / file.name).is_dir():
                shutil.rmtree(folder / file.name)
            os.replace(file, folder / file.name)  # noqa: PTH105 (replaces a file that is there)
    except OSError as error:
        raise EngageError(f"{folder} cannot be written ({error.strerror}); is the disk full?") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        _remove_empty(made)


def _make(folder: Path) -> list[Path]:
    """Make ``folder`` and return the folders that were not there, the deepest first."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def _track_head(track: Track) -> dict[str, Any]:
    score = track.score
    expression = track.expression
    return {
        "id": track.id,
        "score": _rounded(score.value),
        "confidence": round(score.confidence, 4),
        "reason": score.reason.value if score.reason else None,
        "seen_s": round(track.seen_s, 3),
        "expression": None
        if expression is None
        else {name: round(p, 4) for name, p in zip(EMOTIONS, expression, strict=True)},
        "gestures": [
            {
                "kind": found.kind,
                "start": round(found.start_s, 3),
                "end": round(found.end_s, 3),
                "strength": round(found.strength, 3),
            }
            for found in track.gestures
        ],
    }


def _row(track: Track, reading: FaceReading) -> list[Any]:
    signals, score = reading.signals, reading.scored.score
    box = [round(value, 1) for value in (signals.box.x, signals.box.y, signals.box.w, signals.box.h)]
    expression = signals.expression or (None,) * len(EMOTIONS)
    return [
        track.id,
        reading.file or "",
        round(reading.time_s, 3),
        *box,
        round(signals.confidence, 4),
        *map(_rounded, expression),
        *(_rounded(getattr(signals, name)) for name in OTHER_SIGNALS if name != "box_shift"),
        *map(_rounded, signals.box_shift or (None,) * len(SHIFT_COLUMNS)),
        _rounded(score.value),
        _rounded(score.confidence),
    ]


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value
