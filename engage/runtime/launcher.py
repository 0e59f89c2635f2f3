"""Starting worker processes, and the channels between them. Another launcher offers the same on other machines."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec
from pydantic import SecretStr

from engage.config import Settings
from engage.errors import EngageError
from engage.runtime.addresses import AddressBook, RunFolder, free_port, has_unix_sockets, shared_folder
from engage.runtime.channels import ChannelHub, Channels
from engage.runtime.host import Order
from engage.runtime.specs import HubSpec, ProcessSpec

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)
"""Parallelism comes from processes; libraries that each start a thread per core would fight over the same cores."""

STDERR = 2


class Handle(Protocol):
    """One started process."""

    @property
    def pid(self) -> int:
        """Return its number, for people."""

    def exit_code(self) -> int | None:
        """Return how it ended (negative: by that signal), or None while it runs. Never waits."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end up to ``timeout_s``; return whether it has ended."""

    def stop(self) -> None:
        """Ask it to finish what is at hand and end."""

    def kill(self) -> None:
        """End it, and all that it started, at once."""


@dataclass(frozen=True, slots=True)
class GroupPlace:
    """A capture group that may run: its name, and the sites of its machine; None where that machine is the only one."""

    name: str
    sites: frozenset[str] | None = None

    def suits(self, site: str) -> bool:
        """Return whether a worker for ``site`` may run here; an empty one may run anywhere."""
        return not site or self.sites is None or site in self.sites


class Launcher(Protocol):
    """Places processes somewhere and supplies their channels; a context manager, and one that may be entered again."""

    def __enter__(self) -> Self:
        """Get ready."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let go of the channels."""

    @property
    def channels(self) -> ChannelHub:
        """Return the channels for the process that launches."""

    def groups(self) -> Sequence[GroupPlace]:
        """Return the capture groups that there is room for now; the workers of one that is gone move to others."""

    def cores(self) -> int:
        """Return how many cores there are for workers now."""

    def launch(self, process: ProcessSpec, incarnation: int) -> Handle:
        """Start a process. Raises EngageError where that is impossible now."""


class LocalProcess:
    """A process of this machine, in a session of its own: the terminal's Ctrl-C does not reach it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ended = False

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return how it ended, or None while it runs; what an ended process left running is killed."""
        code = self._process.poll()
        if code is not None and not self._ended:
            self._ended = True
            self._kill_group()
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
        return code

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end up to ``timeout_s``; return whether it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, timeout_s))
        return self.exit_code() is not None

    def stop(self) -> None:
        """Ask it to end, by SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """End it and all that it started."""
        self._process.kill()
        self._kill_group()

    def _kill_group(self) -> None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


class LocalLauncher:
    """Starts every process on this machine; its channels are sockets in a private folder of this run.

    It may be entered again inside, and lets go with the outermost exit; the supervisor enters it itself.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._environment = dict(environment or {})
        self._stack = ExitStack()
        self._entered = 0
        self._channels: Channels | None = None

    def __enter__(self) -> Self:
        """Make the folder for sockets. Raises ChannelError where that is impossible."""
        self._entered += 1
        if self._channels is not None:
            return self
        if has_unix_sockets():
            runtime = self._settings.runtime
            folder = self._stack.enter_context(RunFolder(self._settings.path(runtime.folder)))
            wanted = runtime.shared_folder
            shared = None if wanted is None else str(shared_folder(self._settings.path(wanted)))
            addresses = AddressBook(str(folder), shared=shared)
        else:
            addresses = AddressBook(None, free_port())
        where = {"folder": addresses.folder, "port": addresses.port, "shared": addresses.shared}
        self._hub = HubSpec("engage.runtime.channels:open_local", where)
        self._channels = Channels(addresses)
        self._stack.callback(self._channels.close)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the channels and remove their folder."""
        self._entered -= 1
        if not self._entered:
            self._channels = None
            self._stack.close()

    @property
    def channels(self) -> Channels:
        """Return the channels of this process."""
        if self._channels is None:
            raise EngageError("The launcher was not entered.")
        return self._channels

    def groups(self) -> Sequence[GroupPlace]:
        """Return a group for each core of this machine, or as many as the settings say."""
        count = self._settings.runtime.capture_processes or self.cores()
        return [GroupPlace(f"capture-{number}") for number in range(1, 1 + count)]

    def cores(self) -> int:
        """Return how many cores this program may use."""
        return local_cores()

    def launch(self, process: ProcessSpec, incarnation: int) -> LocalProcess:
        """Start a Python interpreter for ``process``. Raises EngageError where the system has no room for it."""
        order = Order(process, incarnation, self._hub, plain_settings(self._settings))
        return start(order, {**self._environment, **process.environment})


def start(order: Order, environment: Mapping[str, str]) -> LocalProcess:
    """Start a Python interpreter that carries out ``order`` on this machine.

    Raises EngageError where the system has no room for it.
    """
    try:
        child = subprocess.Popen(  # noqa: S603 (our own interpreter and module, no shell)
            [sys.executable, "-m", "engage.runtime.host", order.process.name],
            stdin=subprocess.PIPE,
            stdout=STDERR,
            env={**ONE_THREAD, **os.environ, **environment},
            start_new_session=True,
        )
    except OSError as error:
        raise EngageError(f"The process {order.process.name} cannot be started: {error.strerror}.") from error
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.write(msgspec.json.encode(order) + b"\n")
            child.stdin.flush()
    return LocalProcess(child)


def local_cores() -> int:
    """Return how many cores of this machine this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plain_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON-like values, secrets included; ``Settings(**values)`` gives them back."""
    values: dict[str, Any] = _plain(settings.model_dump())
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Path | IPv4Network | IPv6Network):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value
