"""Backends measured in a process of their own: ``python -m engage.cli.measuring``, asked and answered in JSON.

A library that crashes on this processor takes nothing with it there, and what was tried and not chosen leaves no memory
behind in the worker.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from engage.capture.virtual.probe import drawn_crops
from engage.cli.yardstick import answer, answer_apart
from engage.errors import EngageError
from engage.inference.backends.measuring import Measured, measure_here
from engage.inference.backends.registry import Offer
from engage.inference.backends.source import Precision, Source, open_source

log = logging.getLogger(__name__)

TIMEOUT_S = 120.0
"""Alone on a machine it takes some eight seconds, most of them for loading PyTorch and preparing int8."""


def measure_apart(source: Source, candidates: Sequence[Offer]) -> Sequence[Measured]:
    """Return what each of ``candidates`` does, measured in another process; nothing where that fails, which is logged.

    One that crashes there takes the others' figures with it: they are then measured each alone.
    """
    found = _asked(source, candidates)
    if found is None and len(candidates) > 1:
        return [one for offer in candidates for one in _asked(source, [offer]) or [_crashed(offer)]]
    return found or []


def main() -> None:
    """Read a question from standard input, answer it on standard output."""
    asked = json.load(sys.stdin)
    source = open_source(Path(asked["folder"]), Path(asked["cache"]), drawn_crops, asked["threads"])
    candidates = [Offer(name, Precision(precision)) for name, precision in asked["offers"]]
    answer([asdict(one) for one in measure_here(source, candidates)])


def _asked(source: Source, candidates: Sequence[Offer]) -> list[Measured] | None:
    question = {
        "folder": str(source.folder.resolve()),
        "cache": str(source.cache.resolve()),
        "threads": source.threads,
        "offers": [(offer.backend, offer.precision) for offer in candidates],
    }
    try:
        return [Measured(**values) for values in answer_apart("engage.cli.measuring", question, TIMEOUT_S)]
    except EngageError as error:
        log.warning("backends could not be measured offers=%s reason=%s", ",".join(map(str, candidates)), error)
        return None


def _crashed(offer: Offer) -> Measured:
    return Measured(offer.backend, offer.precision, problem="crashed while it was measured")


if __name__ == "__main__":
    main()
