"""Addresses of sources, as they may be shown."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://).*@")
"""Up to the last @: a password may hold one, or a slash, that nobody escaped."""
_SECRET = re.compile(r"(?i)\b(pass(?:word|wd)?|pwd|token|key|secret|auth)=[^&/?#\s]*")
STREAMS = ("rtsp", "rtsps", "http", "https")
"""Schemes of network cameras."""


def redact(address: str) -> str:
    """Return ``address`` without the name and password of ``user:password@`` or of ``?password=`` and the like."""
    return _SECRET.sub(lambda match: f"{match[1]}=***", _USER.sub("***@", address))


def scheme(address: str) -> str:
    """Return the part before ``:`` in lower case, or "" for a path (a Windows drive letter included)."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", address)
    return match[1].lower() if match else ""
