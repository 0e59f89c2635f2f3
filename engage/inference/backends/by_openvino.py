"""The network by OpenVINO, on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engage.core.types import Image
from engage.errors import ModelError
from engage.inference.backends.graph import FEATURES, SIGNALS_OUT
from engage.inference.backends.source import Precision, Source

HINTS = {Precision.FP32: "f32", Precision.INT8: "f32", Precision.BF16: "bf16"}
"""What is computed with where the graph itself does not say int8."""


class OpenVinoBackend:
    """A compiled model of OpenVINO (see InferenceBackend)."""

    def __init__(self, source: Source, precision: Precision) -> None:
        """Compile the graph; raises ModelError where it cannot, or where the processor does not know ``precision``."""
        import openvino

        core = openvino.Core()
        if precision.upper() not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise ModelError(f"This processor has no instructions for {precision}; OpenVINO computes in fp32 or int8.")
        self.name = f"openvino-{precision}"
        compiled = _compiled(core, source.graph(precision), HINTS[precision], source.threads)
        self._request = compiled.create_infer_request()
        names = [output.any_name for output in compiled.outputs]
        self._places = [names.index(name) for name in (FEATURES, SIGNALS_OUT) if name in names]

    def run(self, crops: Image) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return features and signals of ``crops``."""
        found = self._request.infer({0: np.ascontiguousarray(crops)}, share_inputs=True)
        features, *signals = (found[place] for place in self._places)
        return features, signals[0] if signals else None


def _compiled(core: Any, path: Path, hint: str, threads: int) -> Any:
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": hint,
    }
    try:
        return core.compile_model(str(path), "CPU", options)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"OpenVINO cannot read {path} ({reason}); delete the file, it is made anew.") from None
