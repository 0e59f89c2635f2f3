"""Which cameras only machines at one site can reach. Pure: names are not looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from ipaddress import ip_network

from engage.core.camera_addresses import host_of, number_of, parts_of

Sites = Mapping[str, Sequence[str]]
"""By the name of a site, its networks (CIDR), and its cameras' hosts or whole addresses, with ``*`` for any text."""

NO_MACHINE = "no machine reaches this camera"
"""What is said of a camera while no machine is at its site; the live page knows these words and translates them."""


def site_of(address: str, sites: Sites) -> str:
    """Return the first site that ``address`` belongs to; an empty text where it is reached from anywhere."""
    try:
        host = host_of(parts_of(address))
    except ValueError:  # no stream: a device, a recording, a drawn student
        host = ""
    return next((name for name, patterns in sites.items() if any(_fits(address, host, each) for each in patterns)), "")


def _fits(address: str, host: str, pattern: str) -> bool:
    if fnmatchcase(address, pattern) or (host and fnmatchcase(host, pattern.lower())):
        return True
    number = number_of(host) if host else None
    try:
        return number is not None and number in ip_network(pattern, strict=False)
    except ValueError:
        return False
