"""This machine in its network: the names and addresses by which others may reach it."""

from __future__ import annotations

import errno
import ipaddress
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import psutil

from engage.errors import SettingsError

LOOPBACK = ("127.0.0.1", "::1", "localhost")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_ELSEWHERE = "192.0.2.1"
"""TEST-NET-1 (RFC 5737): nobody. A route to it is asked for; nothing is sent."""


def lan_address() -> str | None:
    """Return the address others reach this machine at: that of the way out, else any of its own; None without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ELSEWHERE, 9))
            found = ipaddress.ip_address(probe.getsockname()[0])
        except OSError:
            found = None
    own = [address for address in own_addresses() if not address.is_loopback and not address.is_link_local]
    if found is None or found.is_loopback or found.is_unspecified:
        found = next((address for address in own if isinstance(address, IPv4Address)), None)
    return None if found is None else str(found)


def own_addresses() -> list[Address]:
    """Return all addresses of this machine's interfaces, as they are now."""
    return [network_interface.ip for network_interface in _interfaces()]


def own_networks() -> list[Network]:
    """Return the networks of this machine's interfaces."""
    return [network_interface.network for network_interface in _interfaces()]


def own_names() -> list[str]:
    """Return this machine's host names, lower case: its own, that with ``.local`` (multicast DNS), and localhost."""
    name = socket.gethostname().lower().rstrip(".")
    short = name.partition(".")[0]
    return list(dict.fromkeys(filter(None, (name, short and f"{short}.local", "localhost"))))


def _interfaces() -> list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]:
    found = []
    for addresses in psutil.net_if_addrs().values():
        for entry in addresses:
            if entry.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            mask = entry.netmask or ""
            length = bin(int(ipaddress.ip_address(mask))).count("1") if mask else None
            bare = entry.address.partition("%")[0]
            found.append(ipaddress.ip_interface(bare if length is None else f"{bare}/{length}"))
    return found


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises SettingsError, one line, where the address is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reasons = {
            errno.EADDRINUSE: "another program uses it, perhaps another 'engage serve'; stop that program or choose "
            "another port with --set web.port=8001",
            errno.EACCES: "ports below 1024 need more rights; set web.port to 1024 or above",
        }
        reason = reasons.get(error.errno or 0, f"{error.strerror or error}; check web.host and web.port")
        raise SettingsError(f"The dashboard cannot listen on {host} port {port}: {reason}.") from None
    return listener
