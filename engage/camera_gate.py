"""Whether a camera's address may be used: asked when it is saved, and again by the worker each time it opens it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from engage.config import Settings
from engage.core.addresses import STREAMS, scheme
from engage.core.camera_addresses import (
    CameraRules,
    file_allowed,
    host_of,
    local_name,
    network_refused,
    number_of,
    parts_of,
)
from engage.errors import RequestError, SourceError

OWN = ("virtual", "browser", "window")
"""Sources that lead nowhere: drawn here, or pushed by a browser."""
NOT_AN_ADDRESS = "This is not a valid stream address; write it like rtsp://10.0.0.7/live."
REFUSED = "A camera may not be at this address; an administrator can allow it by capture.allow_networks."
NO_FILE = "Recordings are for administrators, and only from the folders in capture.media_folders."
NO_DEVICE = "Only an administrator can use a camera of the server itself; give a stream's address."


def look_up(host: str) -> list[str]:
    """Return the IP addresses of a name. Raises OSError or UnicodeError where there are none."""
    return list(dict.fromkeys(str(item[4][0]) for item in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))


@dataclass(frozen=True, slots=True)
class CameraGate:
    """The rules of this installation, and how names are looked up."""

    rules: CameraRules
    resolve: Callable[[str], list[str]] = look_up

    @classmethod
    def of(cls, settings: Settings) -> CameraGate:
        """Return the gate that the settings describe."""
        capture = settings.capture
        folders = tuple(settings.path(folder) for folder in capture.media_folders)
        return cls(CameraRules(capture.allow_networks, capture.deny_networks, folders))

    def require(self, address: str, administrator: bool) -> None:
        """Raise RequestError, one line for the form, unless this person may give a student this camera.

        A name that is not known now passes: the worker asks again.
        """
        address = address.strip()
        kind = scheme(address)
        if kind in OWN:
            return
        try:
            if kind in STREAMS:
                self._find(address)
            elif address.isascii() and address.isdigit():
                if not administrator:
                    raise RequestError(NO_DEVICE)
            elif not administrator:
                raise RequestError(NO_FILE)
            else:
                self.recording(Path(address))
        except SourceError as error:
            raise RequestError(str(error)) from None

    def stream(self, address: str) -> str:
        """Return the address to open, with the checked IP address in place of the name. Raises SourceError.

        So a name cannot lead elsewhere between check and connection (DNS rebinding). By TLS the name stays: the other
        end needs it, and only the check just before stands.
        """
        numbers = self._find(address)
        if not numbers:
            raise SourceError("The camera's address names a host that is not known here.")
        parts = parts_of(address)
        chosen = host_of(parts) if parts.scheme.endswith("s") else numbers[0]
        user, at, _ = parts.netloc.rpartition("@")
        port = f":{parts.port}" if parts.port else ""
        host = f"[{chosen}]" if ":" in chosen else chosen
        return parts._replace(netloc=f"{user}{at}{host}{port}").geturl()

    def recording(self, path: Path) -> Path:
        """Return the file to open, symbolic links followed. Raises SourceError unless its folder is allowed."""
        try:
            real = path.expanduser().resolve()
        except (OSError, RuntimeError, ValueError):
            raise SourceError(NO_FILE) from None
        if not file_allowed(real, self.rules):
            raise SourceError(NO_FILE)
        return real

    def _find(self, address: str) -> list[str]:
        """Return the IP addresses behind a stream's address, all of them allowed; none for an unknown name."""
        try:
            host = host_of(parts_of(address))
        except ValueError:
            raise SourceError(NOT_AN_ADDRESS) from None
        number = number_of(host)
        found = [str(number)] if number is not None else self._look_up(host)
        allowed = bool(found) or not local_name(host)
        if not allowed or any(network_refused(ip_address(each.partition("%")[0]), self.rules) for each in found):
            raise SourceError(REFUSED)
        return found

    def _look_up(self, host: str) -> list[str]:
        try:
            return self.resolve(host)
        except (OSError, UnicodeError):
            return []
