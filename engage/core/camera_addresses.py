"""Which addresses a camera may have: what a teacher types must not lead the server to itself or to its files.

Pure: names are looked up by the caller (``engage.camera_gate``), which shows every answer to ``network_refused``.
"""

from __future__ import annotations

import re
import socket
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from engage.core.addresses import STREAMS

Network = IPv4Network | IPv6Network

METADATA = tuple(map(ip_network, ("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128")))
"""Where clouds tell a machine its secrets, outside 169.254.0.0/16 (Alibaba, Azure, Oracle, AWS over IPv6)."""
_THIS_NETWORK = ip_network("0.0.0.0/8")
_NAT64 = ip_network("64:ff9b::/96")
_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(%[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class CameraRules:
    """What this installation says of cameras. A network that is denied stays denied, whatever else allows it."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()
    media_folders: tuple[Path, ...] = ()
    """Absolute folders that recordings may be played from; none where empty."""


def parts_of(address: str) -> SplitResult:
    """Return the parts of a stream's address. Raises ValueError unless every reader finds the same host in it."""
    text = address.strip()
    parts = urlsplit(text)
    odd = "\\" in text or any(char.isspace() or unicodedata.category(char) == "Cc" for char in text)
    if parts.scheme not in STREAMS or odd or not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise ValueError("not a stream's address")
    if parts.port == 0 or "@" in f"{parts.path}{parts.query}{parts.fragment}".partition("/")[0]:
        raise ValueError("not a stream's address")
    return parts


def host_of(parts: SplitResult) -> str:
    """Return the host as a resolver reads it: compatibility characters folded, no dot at the end."""
    return unicodedata.normalize("NFKC", parts.hostname or "").replace("\u3002", ".").rstrip(".").lower()


def number_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that ``host`` writes out, 127.1 and 0x7f000001 and 2130706433 included; None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host)) if re.fullmatch(r"[0-9a-fx.]+", host) else None
    except OSError:
        return None


def network_refused(number: IPv4Address | IPv6Address, rules: CameraRules) -> bool:
    """Return whether no camera may be there: this machine, link-local, multicast, reserved, or denied by a setting.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64, RFC 6052) counts as what it leads to. Private networks
    are where a school's cameras are, so they are allowed.
    """
    inner = _inside(number)
    both = (number,) if inner is None else (number, inner)
    if any(each in network for each in both for network in rules.deny):
        return True
    if any(each in network for each in both for network in rules.allow):
        return False
    return any(_never(each) for each in both if inner is None or each is inner)


def local_name(host: str) -> bool:
    """Return whether a name means this machine by definition (RFC 6761)."""
    return host == "localhost" or host.endswith(".localhost")


def file_allowed(path: Path, rules: CameraRules) -> bool:
    """Return whether ``path``, already resolved, lies inside one of the folders for recordings."""
    return any(path.is_relative_to(folder) for folder in rules.media_folders)


def _inside(number: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(number, IPv4Address):
        return None
    if number in _NAT64:
        return IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour


def _never(number: IPv4Address | IPv6Address) -> bool:
    return (
        number.is_loopback
        or number.is_link_local
        or number.is_multicast
        or number.is_unspecified
        or number.is_reserved
        or number in _THIS_NETWORK
        or any(number in network for network in METADATA)
    )
