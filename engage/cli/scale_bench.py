"""``engage bench scale``: the running system on ever larger classes, until it bears no more.

Each size is a run of ``engage bench live`` of its own, with frames drawn beforehand and the rate fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engage.cli.live_bench import Load
from engage.cli.live_bench import measure as measure_live
from engage.config import Settings
from engage.core.capacity import FEW_SIZES, fit
from engage.errors import EngageError

LATE_S = 0.5
"""Where 95 % of the events take longer than this the line is saturated, drops or not."""
DROPPED_SHARE = 0.01
DEARER = 1.1
"""Cost per student up to this many times the least counts as even."""
TOO_FEW = 10
"""Of fewer students the fixed costs (server, supervisor) would be shared out, so that they do not set the least."""

COLUMNS: Mapping[str, str] = {
    "cores_per_student": "cores each",
    "cores_busy": "cores",
    "memory_pss_mb": "PSS",
    "frames_dropped_share": "lost",
    "commit_latency_s_p50": "db .5",
    "commit_latency_s_p95": "db .95",
    "commit_latency_s_p99": "db .99",
    "event_latency_s_p50": "page .5",
    "event_latency_s_p95": "page .95",
    "event_latency_s_p99": "page .99",
}

Measure = Callable[[Settings, Load], dict[str, Any]]


def measure(
    settings: Settings, counts: Sequence[int], rate_fps: float, seconds: float, run: Measure = measure_live
) -> dict[str, Any]:
    """Return what each size of class costs, smallest first, and where saturation begins.

    A size past saturation is still measured; one that does not even start ends the series with its ``problem``.
    """
    rows: list[dict[str, Any]] = []
    for count in counts:
        try:
            rows.append(run(settings, Load(count, rate_fps, seconds, drawn_before=True)))
        except EngageError as error:
            rows.append({"students": count, "problem": str(error)})
            break
    begins = next((row["students"] for row in rows if is_saturated(row)), None)
    borne = [row for row in rows if not is_saturated(row)]
    spread = cost_spread(borne)
    return {
        "rate_fps": rate_fps,
        "classes": rows,
        "saturated_from_students": begins,
        "borne_students": max((row["students"] for row in borne), default=0),
        "cost_spread": spread,
        "cost_even": spread is not None and spread <= DEARER,
        "cores_fixed_and_each": fixed_and_each(borne),
        "verdict": verdict(begins, spread),
    }


def is_saturated(row: Mapping[str, Any]) -> bool:
    """Return whether a class was more than the machine bears: frames lost, or events late."""
    if "problem" in row:
        return True
    late = row["event_latency_s_p95"] is None or row["event_latency_s_p95"] > LATE_S
    return bool(late or row["frames_dropped_share"] > DROPPED_SHARE)


def cost_spread(borne: Sequence[Mapping[str, Any]]) -> float | None:
    """Return how many times the least cost per student the greatest is, among classes that were borne."""
    costs = [row["cores_per_student"] for row in borne if row["students"] >= TOO_FEW]
    return round(max(costs) / min(costs), 3) if costs and min(costs) > 0 else None


def fixed_and_each(borne: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """Return the straight line through the classes that were borne: cores without students, and cores for each.

    None of fewer than two sizes.
    """
    if len(borne) < FEW_SIZES:
        return None
    line = fit([(row["students"], row["cores_busy"]) for row in borne])
    return [round(line.fixed, 4), round(line.each, 6)]


def verdict(begins: int | None, spread: float | None) -> str:
    """Return both findings in one line."""
    where = "no size was too much" if begins is None else f"saturation begins at {begins} students or before"
    even = "" if spread is None else f"; until then a student costs up to {spread:.2f} times the least"
    return where + even
