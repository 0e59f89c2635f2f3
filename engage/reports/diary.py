"""A mood diary: how one person's face appeared, day by day, in a file of their own."""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engage.core.types import EMOTIONS
from engage.errors import EngageError


@dataclass(frozen=True, slots=True)
class Entry:
    """One look of a day: how long a face was seen, its score, and the mean expression where one may be read."""

    day: date
    seen_s: float
    score: float | None
    confidence: float
    expression: tuple[float, ...] | None


class Diary:
    """The entries in a file, one JSON object a line; only its owner may read it."""

    def __init__(self, file: Path) -> None:
        """Use ``file``, which need not exist."""
        self._file = file

    def entries(self) -> list[Entry]:
        """Return all entries, in order of days. EngageError, one line, where the file is damaged."""
        if not self._file.is_file():
            return []
        try:
            lines = self._file.read_text("utf-8").splitlines()
            found = [_entry(json.loads(line)) for line in lines if line.strip()]
        except (OSError, ValueError, KeyError, TypeError):
            raise EngageError(f"The diary {self._file} cannot be read; give another with --file.") from None
        return sorted(found, key=lambda entry: entry.day)

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        self._write([*self.entries(), entry])

    def erase(self, day: date | None) -> int:
        """Erase one day, or everything where ``day`` is None; return how many entries that were."""
        entries = self.entries()
        kept = [entry for entry in entries if day is not None and entry.day != day]
        if kept:
            self._write(kept)
        else:
            self._file.unlink(missing_ok=True)
        return len(entries) - len(kept)

    def _write(self, entries: Sequence[Entry]) -> None:
        text = "".join(json.dumps(asdict(entry) | {"day": entry.day.isoformat()}) + "\n" for entry in entries)
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.touch(mode=0o600)
            draft.write_text(text, "utf-8")
            draft.replace(self._file)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise EngageError(f"The diary {self._file} cannot be written ({error.strerror}).") from None


def days(entries: Iterable[Entry]) -> list[Entry]:
    """Return one entry for each day: means weighted by the time a face was seen."""
    by_day: defaultdict[date, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_day[entry.day].append(entry)
    return [_merged(day, found) for day, found in sorted(by_day.items())]


def _merged(day: date, entries: Sequence[Entry]) -> Entry:
    scored = [(entry, entry.seen_s) for entry in entries if entry.score is not None and entry.seen_s > 0]
    read = [(entry.expression, entry.seen_s) for entry in entries if entry.expression is not None and entry.seen_s > 0]
    scored_s, read_s = (math.fsum(weight for _, weight in rows) for rows in (scored, read))
    return Entry(
        day=day,
        seen_s=math.fsum(entry.seen_s for entry in entries),
        score=math.fsum((entry.score or 0.0) * weight for entry, weight in scored) / scored_s if scored else None,
        confidence=math.fsum(entry.confidence * weight for entry, weight in scored) / scored_s if scored else 0.0,
        expression=tuple(math.fsum(row[k] * w for row, w in read) / read_s for k in range(len(EMOTIONS)))
        if read
        else None,
    )


def _entry(record: dict[str, Any]) -> Entry:
    expression = record["expression"]
    if expression is not None and len(expression) != len(EMOTIONS):
        raise ValueError("an expression has eight numbers")
    return Entry(
        day=date.fromisoformat(record["day"]),
        seen_s=float(record["seen_s"]),
        score=None if record["score"] is None else float(record["score"]),
        confidence=float(record["confidence"]),
        expression=None if expression is None else tuple(map(float, expression)),
    )
