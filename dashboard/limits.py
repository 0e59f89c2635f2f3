"""How often one address on the network may try to get in."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response
from flask_limiter import Limiter

PER_ADDRESS = "10 per minute; 60 per hour"
FAILURES_COUNT = (
    "people.sign_in",
    "people.setup",
    "invitations.welcome",
    "invitations.reset",
    "my_account.change_password",
)
"""Where only what failed counts: a whole class may sign in from behind one address."""
ALL_COUNT = ("invitations.forgotten",)
SERVICES = ("oidc.begin", "oidc.callback")
PER_ADDRESS_SERVICES = "60 per minute; 600 per hour"


def attach(app: Flask, limiter: Limiter) -> None:
    """Limit the views that somebody might try again and again."""
    for endpoint in FAILURES_COUNT:
        _limit(app, endpoint, limiter.limit(PER_ADDRESS, methods=["POST"], deduct_when=_failed))
    for endpoint in ALL_COUNT:
        _limit(app, endpoint, limiter.limit(PER_ADDRESS, methods=["POST"]))
    for endpoint in SERVICES:
        _limit(app, endpoint, limiter.limit(PER_ADDRESS_SERVICES))


def _limit(app: Flask, endpoint: str, decorate: Any) -> None:
    view: Any = app.view_functions[endpoint]
    limited = decorate(view)
    limited.access = view.access
    app.view_functions[endpoint] = limited


def _failed(response: Response) -> bool:
    return response.status_code >= 400
