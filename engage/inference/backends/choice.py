"""Which backend this machine should use: the fastest of those that answer as the reference does, measured once.

Measuring is left to the caller, who may do it in a process of its own; here is how the answer is remembered: in one
small file per machine, packages and weights.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from engage.inference.backends.measuring import Measured
from engage.inference.backends.registry import REFERENCE, Offer, offers, versions
from engage.inference.backends.source import Precision, Source

log = logging.getLogger(__name__)

Measure = Callable[[Source, Sequence[Offer]], Sequence[Measured]]


def choose(source: Source, backend: str, precision: str, measure: Measure) -> Offer:
    """Return the offer that the settings ``backend`` and ``precision`` mean on this machine.

    Where they leave a choice, it is the remembered one, else the fastest that ``measure`` finds usable. Where it finds
    none, PyTorch in float32 reads, or the first on offer, and the next start measures again. Raises ModelError where
    nothing is on offer.
    """
    candidates = [one for one in offers(backend, precision) if precision != "auto" or _worth_measuring(one)]
    if len(candidates) == 1:
        return candidates[0]
    path = source.cache / f"choice-{_key(source, candidates)}.json"
    known = _remembered(path)
    if known in candidates:
        return known
    log.info("measuring backends offers=%s", ",".join(map(str, candidates)))
    found = measure(source, candidates)
    best = fastest(found)
    if best is None:
        return REFERENCE if REFERENCE in candidates else candidates[0]
    _remember(path, best, found)
    log.info("backend chosen %s", best)
    return best


def fastest(found: Iterable[Measured]) -> Offer | None:
    """Return the fastest offer without a problem, None where there is none."""
    usable = [one for one in found if not one.problem]
    if not usable:
        return None
    best = max(usable, key=lambda one: one.faces_per_s)
    return Offer(best.backend, Precision(best.precision))


def processor_name() -> str:
    """Return what the processor calls itself."""
    path = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.+)", path.read_text("utf-8")) if path.is_file() else []
    return names[0] if names else platform.processor() or "unknown processor"


def _key(source: Source, candidates: Sequence[Offer]) -> str:
    """Return what stands for everything that a choice depends on: processor, packages, weights, offers.

    Not the number of threads: recordings are read with more than live sessions, by the same backend.
    """
    parts = [processor_name(), _instructions(), os.cpu_count(), versions(), source.key]
    text = json.dumps([*map(str, parts), *map(str, candidates)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _worth_measuring(offer: Offer) -> bool:
    """Return whether ``offer`` may be fast: without instructions for it, bfloat16 takes ten times as long."""
    if offer.precision is not Precision.BF16 or offer.backend == "cuda" or not Path("/proc/cpuinfo").is_file():
        return True
    return bool(re.search(r"\b(amx_bf16|avx512_bf16|bf16)\b", _instructions()))


def _instructions() -> str:
    """Return the processor's own list of what it can; a virtual machine's name says little."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"(?:flags|Features)\s*:\s*(.+)", path.read_text("utf-8")) if path.is_file() else None
    return found[1] if found else platform.machine()


def _remembered(path: Path) -> Offer | None:
    try:
        values = json.loads(path.read_text("utf-8"))["choice"]
        return Offer(values["backend"], Precision(values["precision"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(path: Path, chosen: Offer, found: Sequence[Measured]) -> None:
    values = {"choice": asdict(chosen), "processor": processor_name(), "measured": [asdict(one) for one in found]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(values, indent=2), "utf-8")
        partial.replace(path)
    except OSError as error:
        log.warning("the choice of a backend cannot be kept path=%s reason=%s", path, error.strerror)


def remembered_choices(cache: Path) -> list[Path]:
    """Return the files of choices in ``cache``, the newest first."""
    return sorted(cache.glob("choice-*.json"), key=lambda path: -path.stat().st_mtime)
