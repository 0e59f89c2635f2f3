"""The network as an ONNX graph, written from its weights alone: no PyTorch, and no tracing, which takes it seconds.

The layers are those of ``engage.inference.network``, batch norms folded into the convolutions before them; the contract
suite holds each graph against the network itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engage.core.types import CROP_SIZE_PX, EMOTIONS
from engage.errors import ModelError
from engage.inference.answers import SIGNALS, UNITS
from engage.inference.card import Card

if TYPE_CHECKING:
    from onnx import ModelProto

Weights = Mapping[str, NDArray[np.float32]]
"""A state dict by name."""

OPSET, IR_VERSION = 17, 8
EPSILON = 1e-5
"""Of PyTorch's batch norms."""
CROPS, FEATURES, SIGNALS_OUT, PROBABILITIES = "crops", "features", "signals", "probabilities"
PLAIN = "plain/"
"""Names of nodes that keep full precision where a graph is quantised start with it."""


def trunk_graph(weights: Weights, card: Card) -> ModelProto:
    """Return the graph from ``crops`` ``(n, 48, 48)`` uint8 to ``features`` ``(n, F)`` and, with that head, ``signals``
    ``(n, 14)``; the expression head is not in it, so that it is computed only where it is wanted.

    Raises:
        ModelError: the package onnx is not installed, or a weight is missing.
    """
    graph = _Graph(weights)
    maps = graph.trunk(graph.normalised(card))
    outputs = {graph.pooled(maps[-1], FEATURES): len(weights["expression.weight"][0])}
    if "signals.hidden.weight" in weights:
        outputs[graph.signals(maps)] = len(SIGNALS)
    return graph.model(outputs, card)


def expression_graph(weights: Weights, card: Card) -> ModelProto:
    """Return the graph from ``crops`` to calibrated ``probabilities`` ``(n, 8)``; raises as ``trunk_graph`` does."""
    graph = _Graph(weights)
    features = graph.pooled(graph.trunk(graph.normalised(card))[-1], FEATURES)
    weight, bias = weights["expression.weight"] / card.temperature, weights["expression.bias"] / card.temperature
    logits = graph.node("Gemm", features, weight, bias, name="logits", transB=1)
    return graph.model({graph.node("Softmax", logits, name=PROBABILITIES, axis=1): len(EMOTIONS)}, card)


class _Graph:
    """A graph under construction; every method adds nodes and returns the name of what they give."""

    def __init__(self, weights: Weights) -> None:
        try:
            import onnx
        except ImportError:
            raise ModelError("Writing an ONNX graph needs the package onnx: pip install onnx") from None
        self._onnx = onnx
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def node(self, kind: str, *inputs: str | NDArray[Any], name: str, **attributes: Any) -> str:
        """Add one node of one output, called ``name``; arrays become constants."""
        names = [
            given if isinstance(given, str) else self._constant(f"{name}.{place}", given)
            for place, given in enumerate(inputs)
        ]
        self._nodes.append(self._onnx.helper.make_node(kind, names, [name], name=name, **attributes))
        return name

    def normalised(self, card: Card) -> str:
        """Return gray images ``(n, 1, 48, 48)`` as the card wants them."""
        pixels = self.node("Cast", CROPS, name=f"{PLAIN}pixels", to=self._onnx.TensorProto.FLOAT)
        scale = np.array(1 / (255 * card.std), np.float32)
        scaled = self.node("Mul", pixels, scale, name=f"{PLAIN}scaled")
        centred = self.node("Add", scaled, np.array(-card.mean / card.std, np.float32), name=f"{PLAIN}centred")
        return self.node("Unsqueeze", centred, np.array([1], np.int64), name=f"{PLAIN}images")

    def trunk(self, images: str) -> list[str]:
        """Return the maps of the last three stages."""
        stem = self.node("Relu", self._conv(images, "trunk.conv1", "trunk.bn1", PLAIN), name=f"{PLAIN}stem")
        current = self.node("MaxPool", stem, name="low", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        maps = []
        for stage in range(1, 5):
            for block in range(2):
                current = self._block(current, f"trunk.layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1)
            maps.append(current)
        return maps[1:]

    def pooled(self, last: str, name: str) -> str:
        """Return the mean over each of the last stage's maps."""
        return self.node("Flatten", self.node("GlobalAveragePool", last, name=f"{PLAIN}mean"), name=name)

    def signals(self, maps: list[str]) -> str:
        """Return the signals head's answers, in their units."""
        flat = []
        for part, given in zip(("fine", "middle", "coarse"), maps, strict=True):
            thinned = self._conv(given, f"signals.{part}.0", f"signals.{part}.1", PLAIN)
            flat.append(self.node("Flatten", self.node("Relu", thinned, name=f"{part}.relu"), name=f"{part}.flat"))
        joined = self.node("Concat", *flat, name=f"{PLAIN}joined", axis=1)
        weights, units = self._weights, np.array(UNITS, np.float32)
        hidden = weights["signals.hidden.weight"], weights["signals.hidden.bias"]
        hidden_name = self.node("Gemm", joined, *hidden, name=f"{PLAIN}hidden", transB=1)
        active = self.node("Relu", hidden_name, name=f"{PLAIN}active")
        answer = weights["signals.answer.weight"] * units[:, None], weights["signals.answer.bias"] * units
        return self.node("Gemm", active, *answer, name=SIGNALS_OUT, transB=1)

    def model(self, outputs: Mapping[str, int], card: Card) -> ModelProto:
        """Return the finished graph with these outputs of so many numbers each."""
        helper, tensor = self._onnx.helper, self._onnx.TensorProto
        crops = helper.make_tensor_value_info(CROPS, tensor.UINT8, ["n", CROP_SIZE_PX, CROP_SIZE_PX])
        given = [helper.make_tensor_value_info(name, tensor.FLOAT, ["n", size]) for name, size in outputs.items()]
        graph = helper.make_graph(self._nodes, card.name, [crops], given, self._constants)
        versions = {"opset_imports": [helper.make_opsetid("", OPSET)], "ir_version": IR_VERSION}
        model: ModelProto = helper.make_model(graph, producer_name="engage", **versions)
        # The quantiser asks for this where batch norms are not folded and warns without it; here they are.
        helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
        return model

    def _block(self, given: str, name: str, stride: int) -> str:
        """Return the answer of one of ResNet18's basic blocks."""
        first = self.node("Relu", self._conv(given, f"{name}.conv1", f"{name}.bn1", stride=stride), name=f"{name}.mid")
        second = self._conv(first, f"{name}.conv2", f"{name}.bn2")
        if f"{name}.downsample.0.weight" in self._weights:
            given = self._conv(given, f"{name}.downsample.0", f"{name}.downsample.1", stride=stride)
        return self.node("Relu", self.node("Add", second, given, name=f"{name}.sum"), name=name)

    def _conv(self, given: str, conv: str, norm: str, prefix: str = "", stride: int = 1) -> str:
        weight, bias = folded(self._weights, conv, norm)
        side = weight.shape[-1]
        return self.node(
            "Conv", given, weight, bias, name=f"{prefix}{conv}",
            kernel_shape=[side, side], strides=[stride, stride], pads=[side // 2] * 4,
        )  # fmt: skip

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self._constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def folded(weights: Weights, conv: str, norm: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weight and bias of a convolution that also does what the batch norm behind it does."""
    mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
    scale = weights[f"{norm}.weight"] / np.sqrt(variance + EPSILON)
    weight = weights[f"{conv}.weight"] * scale[:, None, None, None]
    return weight.astype(np.float32), (weights[f"{norm}.bias"] - mean * scale).astype(np.float32)


def quantisable(graph: ModelProto) -> list[str]:
    """Return the names of the nodes that may be computed in int8: the trunk without its stem and its mean."""
    kinds = ("Conv", "Add", "MaxPool")
    return [node.name for node in graph.graph.node if node.op_type in kinds and not node.name.startswith(PLAIN)]


def save(graph: ModelProto, path: Path) -> None:
    """Write ``graph`` to ``path``."""
    import onnx

    onnx.save(graph, str(path))
