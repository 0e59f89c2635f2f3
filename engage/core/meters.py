"""What every stage counts of itself: frames, ages, sizes, seconds; never of people. Pure, but for a lock.

A process has one ``Meters``; its heartbeats carry a snapshot to the supervisor, which writes it down for ``/metrics``.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)


@dataclass(frozen=True, slots=True)
class Meter:
    """One number: what it says, and how it is counted; ``bounds`` are the upper ones of a histogram's buckets."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    bounds: tuple[float, ...] = ()


METERS: Mapping[str, Meter] = {
    "frames_read": Meter("counter", "Frames that capture workers looked at."),
    "frames_skipped": Meter("counter", "Frames that sources gave and nobody looked at, as agreed by the rate."),
    "frames_failed": Meter("counter", "Frames that could not be looked at."),
    "sources_lost": Meter("counter", "How often a source was lost, or could not be opened."),
    "look_seconds": Meter("histogram", "Time to find, follow and cut the faces of a frame.", SECONDS),
    "frames_inferred": Meter("counter", "Frames that inference answered."),
    "frames_stale": Meter("counter", "Frames dropped unread because they were too old."),
    "frames_crowded": Meter("counter", "Frames dropped unread because too many waited."),
    "crops_disbelieved": Meter("counter", "Followed crops that showed no face."),
    "batches_failed": Meter("counter", "Batches that the network could not answer."),
    "batch_size": Meter("histogram", "Faces in a batch.", SIZES),
    "batch_seconds": Meter("histogram", "Time of the network for a batch.", SECONDS),
    "inference_queue": Meter("gauge", "Frames that wait for inference."),
    "inferred_age_seconds": Meter("histogram", "From capture until a frame's signals left inference.", SECONDS),
    "collected_age_seconds": Meter("histogram", "From capture until a frame's signals reached the collector.", SECONDS),
    "commit_seconds": Meter("histogram", "Time of the database for a batch of samples.", SECONDS),
    "committed_age_seconds": Meter("histogram", "From capture until a sample was committed.", SECONDS),
    "samples_written": Meter("counter", "Student seconds committed."),
    "samples_dropped": Meter("counter", "Student seconds lost because the database was away for too long."),
    "readings_refused": Meter("counter", "Readings not stored: captured without a Yes, in a pause or after the end."),
    "writes_failed": Meter("counter", "Batches that the database did not take at once; they are written later."),
    "collector_queue": Meter("gauge", "Samples, gestures and statuses that wait to be written."),
    "alerts_fired": Meter("counter", "Alerts that began to fire."),
    "alerts_resolved": Meter("counter", "Alerts that ceased to fire."),
    "sources_seen": Meter("gauge", "Sources whose frames came in lately."),
    "rate_fps": Meter("gauge", "Frames a second that each source is asked for."),
    "agreed_rate_fps": Meter("gauge", "Frames a second that each source would be asked for on a faster machine."),
}  # fmt: skip
"""All numbers of the stages; a name that is not here cannot be counted."""


class Meters:
    """The numbers of one process; may be used by several threads. A name that METERS lacks is a KeyError."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, float] = {}
        self._buckets: dict[str, Counter[int]] = {}

    def count(self, name: str, by: float = 1) -> None:
        """Add to a counter."""
        _of_kind(name, "counter")
        with self._lock:
            self._values[name] = self._values.get(name, 0) + by

    def set(self, name: str, value: float) -> None:
        """Say what a gauge shows now."""
        _of_kind(name, "gauge")
        with self._lock:
            self._values[name] = value

    def observe(self, name: str, values: Sequence[float]) -> None:
        """Add to a histogram."""
        places = [bisect_left(_of_kind(name, "histogram").bounds, value) for value in values]
        with self._lock:
            self._buckets.setdefault(name, Counter()).update(places)
            self._values[f"{name}_sum"] = self._values.get(f"{name}_sum", 0) + sum(values)

    def snapshot(self) -> dict[str, float]:
        """Return all numbers by flat names; of a histogram ``name_sum``, and ``name_N``: how many are in bucket N."""
        with self._lock:
            found = dict(self._values)
            for name, counts in self._buckets.items():
                found.update({f"{name}_{place}": float(number) for place, number in counts.items()})
        return found


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram read back: upper bounds with how many were at most that, the last without bound; and the sum."""

    cumulated: tuple[tuple[str, float], ...]
    total: float


def read_histogram(name: str, values: Mapping[str, float]) -> Buckets | None:
    """Return the histogram ``name`` of a snapshot, or None where nothing was observed."""
    if f"{name}_sum" not in values:
        return None
    bounds = [*(f"{bound:g}" for bound in METERS[name].bounds), "+Inf"]
    so_far, cumulated = 0.0, []
    for place, bound in enumerate(bounds):
        so_far += values.get(f"{name}_{place}", 0.0)
        cumulated.append((bound, so_far))
    return Buckets(tuple(cumulated), values[f"{name}_sum"])


def _of_kind(name: str, kind: str) -> Meter:
    meter = METERS[name]
    if meter.kind != kind:
        raise KeyError(f"{name} is a {meter.kind}, not a {kind}")
    return meter
