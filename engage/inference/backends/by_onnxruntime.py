"""The network by ONNX Runtime, on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engage.core.types import Image
from engage.errors import ModelError
from engage.inference.backends.graph import CROPS, FEATURES, SIGNALS_OUT
from engage.inference.backends.source import Precision, Source


class OnnxRuntimeBackend:
    """A session of ONNX Runtime (see InferenceBackend)."""

    def __init__(self, source: Source, precision: Precision) -> None:
        """Open the graph; raises ModelError where it cannot be made or read."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = source.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised as well
        self.name = f"onnxruntime-{precision}"
        self._session = _opened(onnxruntime, source.graph(precision), options)
        names = [output.name for output in self._session.get_outputs()]
        self._wanted = [FEATURES, SIGNALS_OUT] if SIGNALS_OUT in names else [FEATURES]

    def run(self, crops: Image) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return features and signals of ``crops``."""
        found = self._session.run(self._wanted, {CROPS: np.ascontiguousarray(crops)})
        return found[0], found[1] if len(found) > 1 else None


def _opened(onnxruntime: Any, path: Path, options: Any) -> Any:
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions are those of its C++ side, without a common base
        reason = str(error).splitlines()[0]
        raise ModelError(f"ONNX Runtime cannot read {path} ({reason}); delete the file, it is made anew.") from None
