"""Where workers run, and how they are watched: on this machine, or on a Ray cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engage.section import Positive, Section

Port = Annotated[int, Field(ge=1024, le=65535)]


class Ray(Section):
    """The cluster (docs/ray.md); of no meaning to the local launcher."""

    address: str = "auto"
    """HOST:PORT of the cluster's head; ``auto`` is the cluster that this machine was joined to by ``ray start``."""
    first_port: Port = 20000
    last_port: Port = 29999
    """Where the machines of the cluster reach one another's channels, each on the address by which Ray knows it."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_port < self.first_port + 100:
            raise ValueError("last_port must be at least 100 above first_port: every channel needs a port")
        return self


class Runtime(Section):
    """Where workers run, and how they are watched."""

    launcher: Literal["local", "ray"] = "local"
    folder: Path = Path("var/run")
    """Sockets of the local channels; only the user may enter it."""
    shared_folder: Path | None = None
    """Sockets by which web processes that were started on their own (``engage serve --only web``) reach the workers of
    this machine; only the user may enter it."""
    capture_processes: Annotated[int, Field(ge=0, le=64)] = 0
    """Processes that capture workers are grouped into, on every machine; 0 means one per core."""
    sites: dict[Annotated[str, Field(pattern="^[a-z0-9-]{1,40}$")], tuple[str, ...]] = Field(default_factory=dict)
    """Cameras that only some machines can reach: a site's name, and the networks (CIDR), hosts or addresses (``*`` for
    any text) of its cameras. Machines at the site are those with the resource ``site:NAME``."""
    heartbeat_timeout_s: Positive = 10.0
    restart_budget: Annotated[int, Field(ge=0)] = 10
    """Restarts of one process within ``restart_window_s`` before it is given up and said so."""
    restart_window_s: Positive = 120.0
    drain_s: Positive = 5.0
    ray: Ray = Ray()
