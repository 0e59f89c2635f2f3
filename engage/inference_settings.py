"""How faces are read: by which library, how exactly, in what batches; and where model files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field

from engage.section import Section

BackendName = Literal["auto", "torch", "onnxruntime", "openvino", "cuda"]
PrecisionName = Literal["auto", "fp32", "bf16", "int8"]
BACKENDS: tuple[str, ...] = get_args(BackendName)[1:]
"""All that may be named, without ``auto``."""


class Inference(Section):
    """The network: what computes it, and micro-batching over all students."""

    backend: BackendName = "auto"
    """What computes the network; ``auto`` measures once what is fastest here among those that answer alike."""
    precision: PrecisionName = "auto"
    """What it computes with; ``auto`` leaves it to the same measurement."""
    cache: Path | None = None
    """Where graphs of the network and the measurement are kept; the user's cache folder where not set."""
    max_batch: Annotated[int, Field(ge=1, le=1024)] = 32
    max_wait_s: Annotated[float, Field(ge=0)] = 0.01
    """How long a face may wait for others to join its batch."""
    max_age_s: Annotated[float, Field(gt=0)] = 2.0
    """The latency budget: frames captured longer ago are dropped unread, and counted."""
    threads: Annotated[int, Field(ge=1)] = 1
    replicas: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that read faces; students are spread over them. More than one is for several machines or GPUs."""


class Models(Section):
    """Where model files lie."""

    store: Path = Path("var/models")
    folders: tuple[Path, ...] = ()
    """Further folders to look in for public model files; nothing is written there."""
    classifier: Path | None = None
    """Folder of the expression network; the one that ships with the program where not set."""
