"""The settings of the dashboard's server: where it listens, by which names, and with or without TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from engage.network import LOOPBACK, lan_address
from engage.section import Section

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (compared with, not bound to)  # nosec B104

AUTHORITY = "ca.pem"
"""The file in ``tls.folder`` that devices are to trust."""

SHORTEST_KEY = 32


class Tls(Section):
    """The certificate that browsers are shown. Without one, ``web.lan`` has the program make its own."""

    certificate: Path | None = None
    """A certificate with its chain, PEM."""
    key: Path | None = None
    """Its private key, PEM, without a password."""
    names: tuple[str, ...] = ()
    """Further host names for the program's own certificate; the first is the one in links."""
    folder: Path = Path("var/tls")
    """Where the program keeps its own authority and certificate."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("give certificate and key together; either is of no use alone")
        return self


class Web(Section):
    """The dashboard's server."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    lan: bool = False
    """Serve the local network by HTTPS; what ``engage serve --lan`` sets."""
    tls: Tls = Tls()
    threads: Annotated[int, Field(ge=4, le=1000)] = 64
    """One live page or joined browser holds one thread."""
    processes: Annotated[int, Field(ge=1, le=32)] = 1
    """Web processes of this machine, at ``port`` and the ports after it. Several need ``socketio.message_queue``, and a
    proxy in front that keeps each browser with one of them (docs/cluster.md)."""
    secret_key: SecretStr | None = None
    """Signs cookies and links: 32 characters or more, the same for all web processes; made and kept in
    ``var/secret.key`` where not set."""
    public_url: str | None = None
    """The address people use, where it differs from host and port (behind a proxy)."""
    behind_proxy: Annotated[int, Field(ge=0, le=5)] = 0
    """How many proxies stand in front, each adding one entry to X-Forwarded-For; 0 believes none of such headers."""
    trusted_hosts: tuple[str, ...] = ()
    """Further host names by which people reach the server; ``.school.example`` stands for all below it."""
    secure_cookies: bool = False
    """Set where people reach the dashboard by HTTPS and neither ``lan`` nor ``public_url`` says so."""
    upload_limit_mb: Annotated[int, Field(ge=1, le=200)] = 20
    """Uploads are held in memory."""

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("must be an address such as https://engage.school.example, without a path")
        return url.rstrip("/")

    @field_validator("secret_key")
    @classmethod
    def _long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"must have {SHORTEST_KEY} characters or more")
        return key

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.processes > 1 and (self.public_url is None or self.serves_tls):
            raise ValueError("several processes need public_url, the address of a proxy that also serves TLS")
        if self.behind_proxy and self.public_url is None:
            raise ValueError("behind_proxy needs public_url, the address that people use")
        if self.behind_proxy and self.serves_tls:
            raise ValueError("behind_proxy and TLS of its own exclude one another; let the proxy serve TLS")
        return self

    @property
    def serves_tls(self) -> bool:
        """Return whether this program itself speaks TLS with browsers."""
        return self.lan or self.tls.certificate is not None

    @property
    def https(self) -> bool:
        """Return whether people reach the dashboard by HTTPS, so that cookies may insist on it."""
        by_proxy = self.public_url is not None and self.public_url.startswith("https:")
        return self.serves_tls or self.secure_cookies or by_proxy

    @property
    def listens_on(self) -> str:
        """Return the address to bind: for the local network all of them, unless the settings name one."""
        return EVERYWHERE[0] if self.lan and self.host in LOOPBACK else self.host

    @property
    def address(self) -> str:
        """Return the dashboard's address for people, without a slash at its end."""
        if self.public_url:
            return self.public_url
        host = self.host
        if self.tls.names:
            host = self.tls.names[0]
        elif self.listens_on in EVERYWHERE and self.lan:
            host = lan_address() or "localhost"
        elif self.host in (*LOOPBACK, *EVERYWHERE):
            host = "localhost"
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.serves_tls else 'http'}://{shown}:{self.port}"
