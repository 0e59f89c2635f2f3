"""Which backends there are, which of them this installation has, and how each is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from engage.core.protocols import InferenceBackend
from engage.errors import ModelError
from engage.inference.backends.source import Precision, Source


@dataclass(frozen=True, slots=True)
class Kind:
    """One backend: the packages it needs, the extra that brings them, and what it can compute with."""

    packages: tuple[str, ...]
    extra: str
    precisions: tuple[Precision, ...]
    build: Callable[[Source, Precision], InferenceBackend]

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the packages that are not installed."""
        return tuple(name for name in self.packages if find_spec(name) is None)


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """A backend with a precision."""

    backend: str
    precision: Precision

    def __str__(self) -> str:
        """Return it as logs and files name it."""
        return f"{self.backend}-{self.precision}"


REFERENCE = Offer("torch", Precision.FP32)


def _torch(source: Source, precision: Precision) -> InferenceBackend:
    from engage.inference.backends.by_torch import TorchBackend

    return TorchBackend(source, precision)


def _cuda(source: Source, precision: Precision) -> InferenceBackend:
    from engage.inference.backends.by_torch import TorchBackend

    return TorchBackend(source, precision, "cuda")


def _onnxruntime(source: Source, precision: Precision) -> InferenceBackend:
    from engage.inference.backends.by_onnxruntime import OnnxRuntimeBackend

    return OnnxRuntimeBackend(source, precision)


def _openvino(source: Source, precision: Precision) -> InferenceBackend:
    from engage.inference.backends.by_openvino import OpenVinoBackend

    return OpenVinoBackend(source, precision)


FULL, HALF, BYTE = Precision.FP32, Precision.BF16, Precision.INT8
KINDS: Mapping[str, Kind] = {
    "torch": Kind(("torch",), "", (FULL, HALF), _torch),
    "onnxruntime": Kind(("onnx", "onnxruntime"), "onnx", (FULL, BYTE), _onnxruntime),
    "openvino": Kind(("onnx", "onnxruntime", "openvino"), "openvino", (FULL, HALF, BYTE), _openvino),
    "cuda": Kind(("torch",), "", (FULL, HALF), _cuda),
}


def offers(backend: str = "auto", precision: str = "auto") -> list[Offer]:
    """Return what this installation offers of ``backend`` and ``precision``, either of which may be ``auto``.

    A graphics card counts where one was asked for, or where PyTorch can have one (it was not built for processors
    alone). Raises ModelError where nothing is left: packages are missing, or the backend has no such precision.
    """
    names = _automatic() if backend == "auto" else [backend]
    found = [Offer(name, kind) for name in names for kind in KINDS[name].precisions if precision in ("auto", kind)]
    if backend != "auto" and KINDS[backend].missing:
        missing, extra = ", ".join(KINDS[backend].missing), KINDS[backend].extra
        raise ModelError(f"The backend {backend} needs the package {missing}: pip install 'engage[{extra}]'.")
    if not found:
        raise ModelError(f"The backend '{backend}' is not to be had in {precision}; set inference.precision to auto.")
    return found


def build(offer: Offer, source: Source) -> InferenceBackend:
    """Return the backend of ``offer``; raises ModelError, one line, where it cannot be had here."""
    return KINDS[offer.backend].build(source, offer.precision)


def versions() -> dict[str, str]:
    """Return the versions of all packages that a backend may use, of those that are installed."""
    found = {}
    for name in sorted({package for kind in KINDS.values() for package in kind.packages}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _automatic() -> list[str]:
    processors_alone = "+cpu" in version("torch")
    return [name for name, kind in KINDS.items() if not kind.missing and not (name == "cuda" and processors_alone)]
