"""``engage bench faces|frames --avx2``: the same measurement where no library may use more than AVX2.

In a process of its own, as the libraries' own switches are read once, at their start; the baseline is measured there
too, under the same switches. Its cache is its own, so that no choice made there counts elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from engage.cli.yardstick import answer, answer_apart
from engage.config import Settings
from engage.errors import EngageError
from engage.inference.backends.registry import Offer
from engage.inference.backends.source import Precision
from engage.runtime.launcher import plain_settings

SWITCHES = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # PyTorch's oneDNN
    "DNNL_MAX_CPU_ISA": "AVX2",  # OpenVINO's, which goes by its old name
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels
    "OPENCV_CPU_DISABLE": "AVX512_SKX,AVX512_CNL,AVX512_CLX,AVX512_ICL",
}
NO_SWITCH = ("onnxruntime",)
"""These ask the processor alone: their figures are left out, not passed off as plain."""
TIMEOUT_S = 1800.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is measured: backends one by one, or frames end to end; and for how much processor time each."""

    what: Literal["faces", "frames"]
    seconds: float
    offers: Sequence[Offer] = ()
    students: int = 1


def measure(settings: Settings, asked: Asked) -> dict[str, Any]:
    """Return what the measurement says under AVX2 alone, with ``forced``: the switches and what they led to.

    Raises EngageError where the process fails.
    """
    with TemporaryDirectory(prefix="engage-avx2-") as folder:
        question = {
            "settings": plain_settings(plain(settings, Path(folder))),
            "what": asked.what,
            "seconds": asked.seconds,
            "students": asked.students,
            "offers": [
                [offer.backend, offer.precision] for offer in asked.offers if offer.backend not in NO_SWITCH
            ],
        }  # fmt: skip
        found: dict[str, Any] = answer_apart("engage.cli.plain_bench", question, TIMEOUT_S, SWITCHES)
    if "problem" in found:
        raise EngageError(found["problem"])
    return found


def plain(settings: Settings, cache: Path) -> Settings:
    """Return ``settings`` with a cache of their own, and OpenVINO where a backend without a switch would be taken."""
    inference = settings.inference.model_copy(update={"cache": cache})
    if inference.backend in ("auto", *NO_SWITCH):
        inference = inference.model_copy(update={"backend": "openvino", "precision": "int8"})
    return settings.model_copy(update={"inference": inference})


def main() -> None:
    """Measure in this process: the question comes by standard input."""
    from engage.cli import faces_bench, frames_bench

    asked = json.load(sys.stdin)
    settings = Settings(**asked["settings"])
    try:
        if asked["what"] == "frames":
            found = frames_bench.measure(settings, asked["students"], asked["seconds"])
        else:
            offers = [Offer(name, Precision(precision)) for name, precision in asked["offers"]]
            found = faces_bench.measure(settings, offers, asked["seconds"])
    except EngageError as error:
        answer({"problem": str(error)})
        return
    answer({**found, "forced": {**SWITCHES, "torch_capability": _torch_capability()}})


def _torch_capability() -> str:
    import torch

    return str(torch.backends.cpu.get_cpu_capability())


if __name__ == "__main__":
    main()
