"""What all measurements share: where they were made, a core of their own, processor time, a process of their own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np

from engage.errors import EngageError
from engage.inference.backends.choice import processor_name


def surroundings() -> dict[str, Any]:
    """Return what every measurement says beside its figures: machine, load, time."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {
        "cores": os.cpu_count(),
        "machine": f"{platform.machine()}, {processor_name()}",
        "load_average": load,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def percentiles(name: str, values: Sequence[float] | np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float | None]:
    """Return three marks of ``values``, by ``name`` and mark; None of none."""
    marks = (50, 95, 99)
    if not len(values):
        return {f"{name}_p{mark}": None for mark in marks}
    return {f"{name}_p{mark}": round(float(np.percentile(values, mark)), 4) for mark in marks}


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core while inside, where the system can, and OpenCV to one thread."""
    import cv2

    threads = cv2.getNumThreads()
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    cv2.setNumThreads(1)
    if allowed:
        os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        if allowed:
            os.sched_setaffinity(0, allowed)


def per_core_s(work: Callable[[], int], seconds: float) -> float:
    """Return how much ``work`` gets done in a second of processor time; it returns how much it did.

    Processor time and not the clock's, so that a busy machine changes the figure little. The first call only warms up.
    """
    work()
    done, began_s = 0, time.process_time()
    while (spent_s := time.process_time() - began_s) < seconds or not done:
        done += work()
    return done / spent_s


def answer_apart(
    module: str, question: Mapping[str, Any], timeout_s: float, environment: Mapping[str, str] | None = None
) -> Any:
    """Return what ``python -m MODULE`` answers in JSON, on its last line, to a question on its standard input.

    ``environment`` comes on top of this process's. Raises EngageError, one line, where it fails, crashes or takes
    longer than ``timeout_s``.
    """
    try:
        done = subprocess.run(  # noqa: S603 (ourselves)
            [sys.executable, "-m", module],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=True,
            timeout=timeout_s,
            env={**os.environ, **(environment or {})},
        )
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        reason = str(error)
    raise EngageError(f"{module} gave no answer: {reason}")


def answer(value: object) -> None:
    """Give the answer that ``answer_apart`` waits for."""
    sys.stdout.write(f"\n{json.dumps(value)}\n")
