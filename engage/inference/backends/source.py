"""What every backend is built from: a model folder's weights, and graphs of them kept in a cache.

Graphs are derived, never committed: their names hold the weights' checksum, so that other weights mean other files.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from engage.core.types import Image
from engage.errors import ModelError
from engage.inference.backends.graph import Weights
from engage.inference.card import REMEDY, Card, load_card, read_weights

GRAPH_VERSION = 1
"""Of what ``graph.py`` and ``quantising.py`` make of the same weights."""


class Precision(StrEnum):
    """What the trunk is computed with; heads are always float32."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class Source:
    """A model folder, and the folder for what is derived from it.

    ``drawn`` gives ``(N, 48, 48)`` crops of drawn faces, always the same: int8 takes its ranges from them.
    """

    folder: Path
    card: Card
    cache: Path
    drawn: Callable[[], Image]
    threads: int = 1

    @property
    def key(self) -> str:
        """Return what names all that is derived from these weights."""
        parts = (self.card.sha256, str(self.card.mean), str(self.card.std), str(GRAPH_VERSION))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]

    def weights(self) -> Weights:
        """Return the weights in float32; raises ModelError where they are missing, damaged or not safetensors."""
        content = read_weights(self.folder, self.card)
        try:
            return {name: _computable(value) for name, value in safetensors.numpy.load(content).items()}
        except safetensors.SafetensorError as error:
            raise ModelError(f"The weights of {self.folder} cannot be read ({error}); {REMEDY}.") from None

    def graph(self, precision: Precision) -> Path:
        """Return the ONNX graph of the trunk and the signals head, writing it where the cache does not have it.

        Raises ModelError where the packages for that are missing or the cache cannot be written.
        """
        path = self.cache / f"{self.card.name}-{self.key}-{'int8' if precision is Precision.INT8 else 'fp32'}.onnx"
        if path.is_file():
            return path
        if precision is Precision.INT8:
            from engage.inference.backends.quantising import write_quantised

            plain = self.graph(Precision.FP32)
            _write(path, lambda partial: write_quantised(plain, partial, self.drawn()))
            return path
        from engage.inference.backends.graph import save, trunk_graph

        try:
            graph = trunk_graph(self.weights(), self.card)
        except KeyError as error:
            raise ModelError(
                f"The weights of {self.folder} are no '{self.card.architecture}': no {error}; {REMEDY}."
            ) from None
        _write(path, lambda partial: save(graph, partial))
        return path


def open_source(folder: Path, cache: Path, drawn: Callable[[], Image], threads: int = 1) -> Source:
    """Return the source of the model in ``folder``; raises ModelError as ``load_card`` does."""
    return Source(folder, load_card(folder), cache, drawn, threads)


def _computable(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float32) if values.dtype.kind == "f" else values


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``path`` written whole or not at all, also where two processes write it at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            partial = Path(folder) / path.name
            write(partial)
            partial.replace(path)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written ({error.strerror}); set inference.cache to a folder that can, or "
            "inference.backend to torch, which needs none."
        ) from None
