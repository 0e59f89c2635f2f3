"""Which machines a channel may reach: those of the public internet, unless a setting allows others."""

from __future__ import annotations

import socket

from engage.core.notices import host_refused
from engage.errors import DeliveryError, DeliveryRefused


def addresses_of(host: str, port: int, allow_private: bool) -> list[str]:
    """Return the IP addresses of ``host``; every one of them must be public, unless ``allow_private``.

    DeliveryRefused for one that is not (it could be this machine, or one behind the school's firewall: SSRF, OWASP
    A10:2021); DeliveryError where the name cannot be looked up now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"The name {host[:100]} cannot be looked up.") from error
    addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
    if not allow_private and any(host_refused(address.partition("%")[0]) for address in addresses):
        raise DeliveryRefused(
            f"{host[:100]} is not on the public internet; notifications.allow_private_addresses would allow it."
        )
    return addresses
