"""What a Ray actor does for this program: it is a worker process. Heavy imports wait for its environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping


class HostActor:
    """Runs one order in a thread of the actor; ``stop`` and ``pid`` are answered meanwhile by others."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        for name, value in environment.items():
            os.environ[name] = value
        self._stop = threading.Event()

    def pid(self) -> int:
        """Return the process's number on its machine."""
        return os.getpid()

    def run(self, order: bytes) -> int:
        """Carry out ``order`` and return the exit code, as the process of a local launcher would."""
        import dataclasses

        import msgspec
        import ray

        from engage.runtime import host

        plain = msgspec.json.decode(order, type=host.Order)
        arguments = {**plain.hub.arguments, "host": str(ray.util.get_node_ip_address())}  # type: ignore[no-untyped-call]
        return host.run(dataclasses.replace(plain, hub=dataclasses.replace(plain.hub, arguments=arguments)), self._stop)

    def stop(self) -> None:
        """Ask the worker to finish what is at hand and end."""
        self._stop.set()
