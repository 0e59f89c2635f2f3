"""The signed webhook: one JSON POST for each notice, with a time and an HMAC over both (docs/webhook.md)."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from datetime import UTC
from urllib.parse import urlsplit

import certifi
import urllib3

from engage.alerts.hosts import addresses_of
from engage.core.notices import SUBJECTS, Delivery, Parcel
from engage.core.protocols import Clock
from engage.errors import DeliveryError, DeliveryRefused

VERSION = "v1"
CONNECT_S, READ_S = 5.0, 10.0
TIMEOUT = urllib3.Timeout(connect=CONNECT_S, read=READ_S)


def signature(signing_key: str, timestamp: int, body: bytes) -> str:
    """Return ``v1=`` and the HMAC-SHA256 (RFC 2104), in hexadecimal, over the timestamp, a full stop and the body."""
    signed = f"{timestamp}.".encode() + body
    return f"{VERSION}={hmac.new(signing_key.encode(), signed, hashlib.sha256).hexdigest()}"


def content(parcel: Parcel, base_url: str) -> bytes:
    """Return the body of a notice, the same at every attempt."""
    told = {
        "version": 1,
        "key": parcel.key,
        "kind": parcel.kind.value,
        "text": SUBJECTS[parcel.kind],
        "link": base_url + parcel.link,
        "created_at": parcel.created_at.astimezone(UTC).isoformat(),
    }
    return json.dumps(told).encode()


class WebhookSender:
    """Posts notices; a 2xx answer means taken. Redirects are not followed: they could lead anywhere."""

    together = False

    def __init__(self, base_url: str, clock: Clock, allow_private: bool) -> None:
        """Link to pages at ``base_url``; plain http and private addresses only with ``allow_private``."""
        self._base_url = base_url
        self._clock = clock
        self._allow_private = allow_private

    def send(self, delivery: Delivery, parcels: tuple[Parcel, ...]) -> None:
        """Post each of ``parcels``; DeliveryError with a line for the page where the receiver does not take one."""
        for parcel in parcels:
            body = content(parcel, self._base_url)
            now = int(self._clock.now().timestamp())
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "Engage",
                "Idempotency-Key": parcel.key,
                "X-Engage-Timestamp": str(now),
                "X-Engage-Signature": signature(delivery.signing_key or "", now, body),
            }
            self._post(delivery.address, body, headers)

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        if not secure and not self._allow_private:
            raise DeliveryRefused("A webhook on the internet needs an address that begins with https://.")
        port = parts.port or (443 if secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # The connection goes to the very address that was checked: a second look-up could give another (rebinding).
        address = addresses_of(host, port, self._allow_private)[0]
        try:
            with _pool(address, port, host if secure else None) as pool:
                answer = pool.request(
                    "POST", path, body=body, headers={"Host": _host_header(parts.netloc), **headers},
                    redirect=False, retries=False, timeout=TIMEOUT, preload_content=False,
                )  # fmt: skip
                status = answer.status
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DeliveryError(f"{host} cannot be reached ({type(error).__name__}).") from error
        if not 200 <= status < 300:
            raise DeliveryError(f"{host} answered {status}.")


def _pool(address: str, port: int, server_name: str | None) -> urllib3.HTTPConnectionPool:
    if server_name is None:
        return urllib3.HTTPConnectionPool(address, port)
    context = ssl.create_default_context(cafile=certifi.where())
    return urllib3.HTTPSConnectionPool(
        address, port, ssl_context=context, server_hostname=server_name, assert_hostname=server_name
    )


def _host_header(netloc: str) -> str:
    return netloc.rpartition("@")[2]
