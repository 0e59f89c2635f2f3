"""Which workers run where, as plain data: a worker is named by ``package.module:function`` and its arguments.

The function is called as ``factory(context, **arguments)`` in the process that runs the worker, and returns an object
with ``run(stop)``. So the runtime imports no worker, and a spec can travel to any process or machine.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
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
    site: str = ""
    """Where it must run, because its camera is reached from there alone; anywhere where empty."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: with a worker, that worker in its main thread; without, a group that is assigned its workers."""

    name: str
    worker: WorkerSpec | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of this process beside those it inherits."""
    here: bool = False
    """Whether it belongs on the supervisor's machine: it serves an address, or files, of that machine."""
    gpu: bool = False
    """Whether it gains by a GPU."""


@dataclass(frozen=True, slots=True)
class HubSpec:
    """How a process gets at the channels of its deployment: a factory, ``package.module:function``, and arguments."""

    factory: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def build(spec: WorkerSpec, context: WorkerContext) -> Worker:
    """Return the worker that ``spec`` describes. Raises SettingsError where its factory does not exist."""
    worker: Worker = find_factory(spec.factory, f"Worker {spec.name}")(context, **spec.arguments)
    return worker


def find_factory(name: str, wanted_by: str) -> Callable[..., Any]:
    """Return the function of this name, ``package.module:function``. Raises SettingsError where there is none."""
    module_name, _, function_name = name.partition(":")
    try:
        factory: Callable[..., Any] = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"{wanted_by}: there is no factory {name} ({error}).") from error
    return factory
