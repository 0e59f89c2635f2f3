"""Where the channels of one run are: sockets in a private folder, or ports of the loopback interface."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engage.errors import ChannelError

SOCKET_PATH_LIMIT = 103
"""Bytes of a Unix socket's path: 107 on Linux, 103 on macOS."""

CHANNEL = re.compile(r"[a-z]{1,16}(\.[A-Za-z0-9_-]{1,24})?")
SHARED = frozenset({"frames", "words", "looks", "answers"})
"""Kinds of channels between web processes and workers."""

LONGEST_SHARED = len("/answers.") + 24 + len(".sock")
LONGEST_FILE = len("/") + 16 + 1 + 24 + len(".sock")


def check_name(channel: str) -> None:
    """Raise ChannelError unless ``channel`` is a word, or a word, a dot and a suffix."""
    if not CHANNEL.fullmatch(channel):
        raise ChannelError(f"'{channel}' is no name for a channel; write a word, or word.suffix.")


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Turns a channel's name into its address; with a ``folder``, a socket file in it, else a TCP ``port``.

    Where there are no Unix sockets, every channel has its own address of 127.0.0.0/8, made from its name, and the run's
    one port; so a sender needs to ask nobody, and a receiver that is replaced comes back at the same address.
    """

    folder: str | None
    port: int = 0
    shared: str | None = None
    """The folder of the ``SHARED`` channels, where web processes of another run reach this one's workers."""

    def address(self, channel: str) -> str:
        """Return the ZeroMQ address of ``channel``: a word, or a word, a dot and a suffix. Raises ChannelError."""
        check_name(channel)
        if self.shared is not None and channel.partition(".")[0] in SHARED:
            return f"ipc://{self.shared}/{channel}.sock"
        if self.folder is not None:
            return f"ipc://{self.folder}/{channel}.sock"
        digest = hashlib.sha256(channel.encode()).digest()
        return f"tcp://127.{1 + digest[0] % 254}.{digest[1]}.{1 + digest[2] % 254}:{self.port}"


class RunFolder:
    """The private folder (mode 0700) of one run of the program inside ``parent``; a context manager that removes it.

    Every run has its own, so two programs of one installation, or one that was killed and its successor, never share
    sockets. What killed runs left behind is removed at the next start: a folder in use is locked. Where ``parent`` is
    too deep for a socket's path, the folder lies in the system's folder for temporary files.
    """

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._path: Path | None = None
        self._lock: int | None = None

    def __enter__(self) -> Path:
        """Make the folder and return its path. Raises ChannelError where that is impossible."""
        name = f"run-{secrets.token_hex(4)}"
        try:
            self._parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_abandoned(self._parent)
            path = self._parent / name
            if len(os.fsencode(path)) + LONGEST_FILE > SOCKET_PATH_LIMIT:
                _remove_abandoned(Path(tempfile.gettempdir()))
                path = Path(tempfile.mkdtemp(prefix="run-engage-"))
            else:
                path.mkdir(mode=0o700)
            self._path, self._lock = path, _lock(path)
        except OSError as error:
            raise ChannelError(f"No folder for sockets can be made in {self._parent}: {error.strerror}.") from error
        return path

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove the folder."""
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
        self._path = self._lock = None


def shared_folder(folder: Path) -> Path:
    """Return the folder of the ``SHARED`` channels, made where missing. Raises ChannelError where it cannot be used."""
    if not has_unix_sockets():
        raise ChannelError("Setting 'runtime.shared_folder' needs Unix sockets, which this system does not have.")
    if len(os.fsencode(folder)) + LONGEST_SHARED > SOCKET_PATH_LIMIT:
        raise ChannelError(f"The path of runtime.shared_folder, {folder}, is too long for sockets; give a shorter one.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise ChannelError(f"The folder {folder} of runtime.shared_folder belongs to another user.")
        folder.chmod(0o700)
    except OSError as error:
        raise ChannelError(f"The folder {folder} cannot be used for sockets: {error.strerror}.") from error
    return folder


def claim(folder: Path) -> int | None:
    """Return the lock by which one run's workers have ``folder`` to themselves; None where files cannot be locked.

    Raises ChannelError where another run has it. The lock lasts as long as this process.
    """
    try:
        return _lock(folder)
    except OSError:
        raise ChannelError(f"Workers of another run use the sockets in {folder}; there may be one such run.") from None


def has_unix_sockets() -> bool:
    """Return whether channels can be socket files here."""
    return hasattr(socket, "AF_UNIX") and os.name == "posix"


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens to now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _lock(folder: Path) -> int | None:
    """Lock ``folder`` for as long as this process lives; None where files cannot be locked."""
    try:
        import fcntl
    except ImportError:
        return None
    handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob("run-*"):
        if not (folder / "lock").exists():
            continue
        try:
            handle = _lock(folder)
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)
