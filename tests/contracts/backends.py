"""The product's own weights on every backend of this machine, graphs made once a run."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from engage.capture.virtual.probe import drawn_crops
from engage.core.types import Image
from engage.errors import ModelError
from engage.inference.backed import BackedClassifier
from engage.inference.backends.registry import KINDS, Offer, build
from engage.inference.backends.source import Precision, Source, open_source
from engage.inference.card import default_folder

OFFERS = [Offer(name, precision) for name, kind in KINDS.items() for precision in kind.precisions]


@functools.cache
def probe() -> Image:
    """Return the drawn crops."""
    return drawn_crops()


@functools.cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="engage-graphs-")


@functools.cache
def source() -> Source:
    """Return the source of the shipped weights, with a cache of its own."""
    return open_source(default_folder(), Path(_kept().name), probe)


@functools.cache
def backed(offer: Offer) -> BackedClassifier:
    """Return the shipped network by ``offer``; raises ModelError where this machine does not have it."""
    missing = KINDS[offer.backend].missing
    if missing:
        raise ModelError(f"not installed: {', '.join(missing)}")
    return BackedClassifier.of(build(offer, source()), source())


ONNX = Offer("onnxruntime", Precision.FP32)
