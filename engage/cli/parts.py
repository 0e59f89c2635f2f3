"""Which processes one ``engage serve`` runs: all, or in a deployment of several the web's alone, or all but those."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from engage.config import Settings
from engage.errors import SettingsError
from engage.runtime.addresses import claim, shared_folder
from engage.runtime.specs import ProcessSpec, WorkerSpec


class Part(StrEnum):
    """What ``--only`` names."""

    WEB = "web"
    WORKERS = "workers"


def check(settings: Settings, part: Part | None) -> None:
    """Raise SettingsError where the settings do not bear the processes that are asked for."""
    if settings.web.processes > 1 and settings.socketio.message_queue is None:
        raise SettingsError(
            "Several web processes need socketio.message_queue, the address of a Redis server; else pages miss news."
        )
    if part is None:
        return
    if settings.socketio.message_queue is None or settings.runtime.shared_folder is None:
        raise SettingsError(
            f"--only {part} needs socketio.message_queue and runtime.shared_folder, by which web processes and workers "
            "reach each other."
        )
    if settings.runtime.launcher != "local":
        raise SettingsError(f"--only {part} needs runtime.launcher local: its web processes reach workers by sockets.")
    if settings.web.serves_tls:
        raise SettingsError(f"--only {part} does not go with TLS of its own; let the proxy before it serve TLS.")


def claim_sockets(settings: Settings, part: Part | None) -> None:
    """Have the shared sockets' folder to oneself, where one is set and workers run here. ChannelError where taken."""
    if part is not Part.WEB and settings.runtime.shared_folder is not None:
        claim(shared_folder(settings.path(settings.runtime.shared_folder)))


def fixed_processes(settings: Settings, part: Part | None, folder: Path | None) -> list[ProcessSpec]:
    """Return the processes that run all the time, in their order of start; ``folder`` is private, for TLS.

    What serves an address, or looks at single pictures for it, stays on this machine.
    """
    behind = {} if folder is None else {"socket_file": str(folder / "web.sock")}
    specs: list[ProcessSpec] = []
    if part is not Part.WORKERS:
        web = range(settings.web.processes)
        specs += [_fixed(_numbered("web", k), "web", {**behind, "number": k}, here=True) for k in web]
    if part is not Part.WEB:
        networks = range(settings.inference.replicas)
        specs.append(_fixed("collector", "collector", {}))
        specs += [_fixed(_numbered("inference", k), "inference", {"replica": k}, gpu=True) for k in networks]
        specs.append(_fixed("looks", "looks", {}, here=True))
    return [*specs, _fixed("tls", "tls", behind, here=True)] if behind else specs


def _numbered(name: str, number: int) -> str:
    return f"{name}-{number + 1}" if number else name


def _fixed(
    name: str, worker: str, arguments: Mapping[str, Any], *, here: bool = False, gpu: bool = False
) -> ProcessSpec:
    return ProcessSpec(name, WorkerSpec(name, f"engage.cli.workers:{worker}", arguments), here=here, gpu=gpu)
