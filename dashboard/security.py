"""Headers, cookies, uploads and the secret key."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from pathlib import Path
from typing import IO, Any, Final

from flask import Request, Response, g, request

from dashboard.services import services
from engage.config import Settings
from engage.errors import StorageError

KEY_FILE: Final = Path("var/secret.key")

CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

DEVICES: Final = ("camera", "microphone", "geolocation", "display-capture")
"""What a page may ask the browser for only where its view says so."""

A_YEAR_S: Final = 31_536_000
A_DAY_S: Final = 86_400

NAMELESS: Final = ("localhost", "127.0.0.1", "[::1]")
"""Hosts that are never told to insist on HTTPS: other programs share them."""


class InMemoryRequest(Request):
    """A request whose uploads stay in memory, bounded by MAX_CONTENT_LENGTH.

    Werkzeug writes files above 500 kB to the disk, where a picture of a face must never be.
    """

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return io.BytesIO()


def let_page_use(*devices: str) -> None:
    """Let the page of this request ask for these ``DEVICES``; without it a page may ask for none."""
    g.devices = devices


def permissions_policy() -> str:
    """Return the Permissions-Policy of this request's page."""
    used = g.get("devices", ())
    return ", ".join(f"{device}=({'self' if device in used else ''})" for device in DEVICES)


def flask_settings(settings: Settings) -> dict[str, Any]:
    """Return Flask's own settings: key, cookies, size limits."""
    return {
        "SECRET_KEY": _key(settings),
        "SESSION_COOKIE_NAME": "__Host-engage" if settings.web.https else "engage",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.web.https,
        "PERMANENT_SESSION_LIFETIME": 12 * 3600,
        "MAX_CONTENT_LENGTH": settings.web.upload_limit_mb * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "WTF_CSRF_TIME_LIMIT": None,
        "RATELIMIT_HEADERS_ENABLED": False,
    }


def _key(settings: Settings) -> bytes:
    given = settings.web.secret_key
    return secret_key(settings.path(KEY_FILE)) if given is None else given.get_secret_value().encode()


def secret_key(file: Path) -> bytes:
    """Return the key that signs cookies, made on first use and readable by this user alone.

    Raises StorageError with one line where it can be neither read nor made.
    """
    try:
        if not file.exists():
            _make_key(file)
        key = file.read_bytes()
    except OSError as error:
        raise StorageError(
            f"The key for cookies {file} cannot be used ({error.strerror}); check the folder's rights."
        ) from None
    if len(key) < 32:
        raise StorageError(f"The key for cookies {file} is damaged; delete it, and everyone signs in again.")
    return key


def _make_key(file: Path) -> None:
    """Put a whole new key in place, or leave the one that another process put there first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(draft)
    finally:
        draft.unlink()


def add_headers(response: Response) -> Response:
    """Return the response with the security headers; pages with personal data are kept by no cache."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint not in ("static", "vendor.library", "languages.words"):
        response.headers["Cache-Control"] = "no-store"
    response.headers.setdefault("Permissions-Policy", permissions_policy())
    if request.is_secure and request.host.partition(":")[0] not in NAMELESS:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_hsts_s()}")
    return response


def _hsts_s() -> int:
    """Return for how long browsers insist on HTTPS: a day with the program's own certificate, else a year.

    A laptop that served the network once must be reachable without TLS again tomorrow, also for its other programs.
    """
    web = services().settings.web
    return A_DAY_S if web.lan and web.tls.certificate is None else A_YEAR_S
