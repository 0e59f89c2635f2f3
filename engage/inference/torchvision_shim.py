"""Makes ``import torchvision`` work where its compiled operators do not match the installed torch.

torchvision registers Python "fake" kernels for ``torchvision::nms`` and ``torchvision::qnms`` when it is imported and
fails with a RuntimeError if its C++ library did not load (a CPU-only torch beside a wheel built for CUDA, an early
torch release, some ARM builds). Only the network definitions are used here, none of those operators, so giving torch
their schemas is enough. Where torchvision loads by itself, nothing is changed.
"""

from __future__ import annotations

import functools
import importlib
import sys

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@functools.cache
def ensure_torchvision() -> None:
    """Leave ``torchvision`` importable and imported; call it before the first ``import torchvision``.

    Raises whatever ``import torchvision`` raises if the missing operators were not the cause.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for schema in _SCHEMAS:
            if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
                torch.library.define(f"torchvision::{schema.partition('(')[0]}", schema[schema.index("(") :])
        importlib.import_module("torchvision")
