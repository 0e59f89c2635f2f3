"""Which workers run where, as plain data: a worker is named by ``package.module:function`` and its arguments.

The function is called as ``factory(context, **arguments)`` in the process that runs the worker, and returns an object
with ``run(stop)``. So the runtime imports no worker, and a spec can travel to any process or machine.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engage.core.protocols import Worker, WorkerContext
from engage.errors import SettingsError


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """One worker: its name, unique in the deployment, its factory and JSON-like arguments (no secrets in the name)."""

    name: str
    factory: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: with a worker, that worker in its main thread; without, a group that is assigned its workers."""

    name: str
    worker: WorkerSpec | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of this process beside those it inherits."""


def build(spec: WorkerSpec, context: WorkerContext) -> Worker:
    """Return the worker that ``spec`` describes. Raises SettingsError where its factory does not exist."""
    module_name, _, function_name = spec.factory.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"Worker {spec.name}: there is no factory {spec.factory} ({error}).") from error
    worker: Worker = factory(context, **spec.arguments)
    return worker
