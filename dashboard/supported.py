"""What works where: the systems and browsers, and how far each was tried; and how devices come to trust this server."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, abort, render_template
from flask.typing import ResponseReturnValue

from dashboard.access import Access, allow
from dashboard.services import services
from engage.web_settings import AUTHORITY

blueprint = Blueprint("supported", __name__)

TESTED, SUPPORTED, PARTLY = "tested", "supported", "partly"


@dataclass(frozen=True, slots=True)
class Place:
    """One kind of device: whether joining, the meeting window and the live page work on it, and what to know."""

    system: str
    browsers: str
    how: str
    """TESTED: in every run of the test suite. SUPPORTED: built for it, by documented features; not tried here."""
    meeting: bool
    """Whether a window can be shared there; telephones and tablets have no such function."""
    note: str = ""


PLACES = (
    Place("Linux", "Chromium", TESTED, True),
    Place("Windows", "Chrome 120, Edge 120, Firefox 121", SUPPORTED, True),
    Place("macOS", "Chrome 120, Edge 120, Firefox 121, Safari 17.5", SUPPORTED, True),
    Place("ChromeOS", "Chrome 120", SUPPORTED, True),
    Place("Android", "Chrome 120, Firefox 121", SUPPORTED, False, "screen"),
    Place("iOS, iPadOS", "Safari 17.5", SUPPORTED, False, "screen"),
    Place("iOS, iPadOS", "Chrome, Firefox", PARTLY, False, "engine"),
)
"""Versions are the oldest built for: ``light-dark()`` in styles and module workers set them."""


@blueprint.get("/supported")
@allow(Access.PUBLIC)
def show() -> ResponseReturnValue:
    """Show what works where."""
    return render_template("supported.html", places=PLACES, own_authority=_authority() is not None)


@blueprint.get("/trust")
@allow(Access.PUBLIC)
def trust() -> ResponseReturnValue:
    """Say how a device comes to trust this program's own authority; 404 where there is none."""
    file = _authority() or abort(404, "This server has no authority of its own; there is nothing to trust.")
    return render_template("trust.html", fingerprint=fingerprint_of(file), address=services().settings.address)


@blueprint.get("/trust/engage-ca.crt")
@allow(Access.PUBLIC)
def certificate() -> ResponseReturnValue:
    """Send the authority's certificate, as systems open it; 404 where there is none."""
    file = _authority() or abort(404, "This server has no authority of its own.")
    return Response(
        ssl.PEM_cert_to_DER_cert(file.read_text("ascii")),
        mimetype="application/x-x509-ca-cert",
        headers={"Content-Disposition": 'attachment; filename="engage-ca.crt"'},
    )


def fingerprint_of(file: Path) -> str:
    """Return the SHA-256 fingerprint of a PEM certificate, as systems show it: ``3F:09:…``."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read_text("ascii"))).digest().hex(":").upper()


def _authority() -> Path | None:
    """Return the file of the authority at work, if this program has one and serves with it."""
    settings = services().settings
    if not settings.web.lan or settings.web.tls.certificate is not None:
        return None
    file = settings.path(settings.web.tls.folder) / AUTHORITY
    return file if file.is_file() else None
