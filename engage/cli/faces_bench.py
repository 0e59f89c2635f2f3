"""``engage bench faces``: faces a second of one core by every backend and precision, each in a process of its own.

So that start and memory are those of a worker that has nothing else. Ratios are to PyTorch in float32 as it comes, one
face at a time, in the same run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from engage.capture.virtual.probe import drawn_crops
from engage.cli.finding import network_source
from engage.cli.yardstick import answer, answer_apart, one_core, per_core_s
from engage.config import Settings
from engage.core.signals import SignalArrays
from engage.core.types import Image
from engage.errors import EngageError
from engage.inference.backed import BackedClassifier
from engage.inference.backends.measuring import differences
from engage.inference.backends.registry import KINDS, Offer, build
from engage.inference.backends.source import Precision, Source, open_source

SIZES = (1, 8, 32)
TIMEOUT_S = 600.0


def measure(settings: Settings, offers: Sequence[Offer], seconds: float) -> dict[str, Any]:
    """Return what each of ``offers`` does here, or in ``problem`` why it is not to be had.

    Per offer: faces a second of one core by batch size, their ratio to the baseline, start of a worker to its first
    answer in seconds and in processor seconds, memory in MB, largest differences from the reference.
    """
    from engage.inference.classifier import load

    source, crops = network_source(settings, threads=1), drawn_crops()
    reference = load(source.folder, threads=1)
    with one_core():
        baseline = per_core_s(lambda: len(reference.signals(crops[:1]).yaw_deg), seconds)
    wanted = reference.signals(crops)
    rows = {str(offer): _row(source, offer, (crops, wanted), (seconds, baseline)) for offer in offers}
    return {
        "model": reference.name,
        "unit": "faces per second of one core",
        "baseline_faces_per_s": round(baseline, 1),
        "backends": rows,
    }


def _row(
    source: Source, offer: Offer, known: tuple[Image, SignalArrays], timing: tuple[float, float]
) -> dict[str, Any]:
    crops, wanted = known
    seconds, baseline = timing
    missing = KINDS[offer.backend].missing
    if missing:
        return {"problem": f"not installed: {', '.join(missing)}"}
    question = {
        "folder": str(source.folder.resolve()),
        "cache": str(source.cache.resolve()),
        "offer": [offer.backend, offer.precision],
        "crops": crops.tolist(),
        "seconds": seconds,
    }
    try:
        if offer.backend not in ("torch", "cuda"):
            source.graph(offer.precision)  # made once per machine, no part of a start
        found = answer_apart("engage.cli.faces_bench", question, TIMEOUT_S)
    except EngageError as error:
        return {"problem": str(error)}
    if "problem" in found:
        return dict(found)
    answers = {name: None if value is None else np.array(value, np.float32) for name, value in found["answers"].items()}
    rates = found["faces_per_s"]
    return {
        "faces_per_s": rates,
        "over_baseline": {size: round(rate / baseline, 2) for size, rate in rates.items()},
        "start_s": found["start_s"],
        "start_processor_s": found["start_processor_s"],
        "memory_mb": found["memory_mb"],
        "differences": differences(SignalArrays(**answers), wanted),  # type: ignore[arg-type]
    }


def main() -> None:
    """Measure one offer in this process: the question comes by standard input."""
    asked = json.load(sys.stdin)
    crops = np.array(asked["crops"], np.uint8)
    source = open_source(Path(asked["folder"]), Path(asked["cache"]), lambda: crops)
    try:
        offer = Offer(asked["offer"][0], Precision(asked["offer"][1]))
        classifier = BackedClassifier.of(build(offer, source), source)
    except EngageError as error:
        answer({"problem": str(error)})
        return
    classifier.signals(crops[:1])
    process = psutil.Process()
    started_s, processor_s = time.time() - process.create_time(), time.process_time()
    found = classifier.signals(crops)
    with one_core():
        rates = {
            str(size): round(per_core_s(_batch(classifier, np.resize(crops, (size, 48, 48))), asked["seconds"]), 1)
            for size in SIZES
        }
    answers = {one.name: getattr(found, one.name) for one in fields(found)}
    answer(
        {
            "start_s": round(started_s, 2),
            "start_processor_s": round(processor_s, 2),
            "memory_mb": round(getattr(process.memory_full_info(), "uss", 0) / 2**20, 1),
            "faces_per_s": rates,
            "answers": {name: None if value is None else value.tolist() for name, value in answers.items()},
        }
    )


def _batch(classifier: BackedClassifier, crops: Image) -> Any:
    return lambda: len(classifier.signals(crops).yaw_deg)


if __name__ == "__main__":
    main()
