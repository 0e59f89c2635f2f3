"""A model as one ONNX file: crops in, calibrated probabilities out, for programs that have no PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engage.core.types import CROP_SIZE_PX
from engage.inference.backends.graph import CROPS, expression_graph, save
from engage.inference.classifier import Classifier
from trainer.errors import TrainerError

CHECKED = 2
"""Crops on which the file is compared with the model; ONNX's own evaluator is thorough and slow."""
TOLERANCE = 1e-4


def write_onnx(classifier: Classifier, path: Path) -> float:
    """Write ``classifier`` to ``path`` and return how far the file's answers are from the model's, at most 1e-4.

    The file's input ``crops`` is ``(n, 48, 48)`` uint8 gray, its output ``probabilities`` ``(n, 8)`` float32 in FER+
    order; ``n`` is free.

    Raises:
        TrainerError: onnx is not installed, the file cannot be written, or it answers otherwise.
    """
    try:
        import onnx
        from onnx.reference import ReferenceEvaluator
    except ImportError:
        raise TrainerError("an ONNX file needs the package onnx: pip install 'engage[train]'") from None
    weights = {name: tensor.numpy() for name, tensor in classifier.network.state_dict().items()}
    crops = np.random.default_rng(0).integers(0, 256, (CHECKED, CROP_SIZE_PX, CROP_SIZE_PX), np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(expression_graph(weights, classifier.card), path)
        found = ReferenceEvaluator(onnx.load(path)).run(None, {CROPS: crops})
    except OSError as error:
        raise TrainerError(f"cannot write {path}: {error}; free some space or give another --onnx") from error
    difference = float(np.abs(np.asarray(found)[0] - classifier.predict(crops)).max())
    if difference > TOLERANCE:
        raise TrainerError(f"{path} answers otherwise than the model (by {difference:.1e}); report this bug")
    return difference
