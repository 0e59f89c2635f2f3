"""Which launcher the settings ask for."""

from __future__ import annotations

from collections.abc import Mapping

from engage.config import Settings
from engage.runtime.launcher import Launcher
from engage.runtime.specs import find_factory

LAUNCHERS = {"local": "engage.runtime.launcher:LocalLauncher", "ray": "engage.runtime.by_ray:RayLauncher"}


def build_launcher(settings: Settings, environment: Mapping[str, str] | None = None) -> Launcher:
    """Return the launcher of ``runtime.launcher``; ``environment`` is for its processes, beside what they inherit."""
    name = settings.runtime.launcher
    launcher: Launcher = find_factory(LAUNCHERS[name], f"runtime.launcher {name}")(settings, environment)
    return launcher
