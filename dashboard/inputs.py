"""What a request of the API brings, checked: a body, a Unix second."""

from __future__ import annotations

from typing import Any

from flask import abort, request

SECOND_DIGITS = 12


def json_body() -> dict[str, Any]:
    """Return the JSON object that was sent; 400 where it is none."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400, "Send a JSON object.")
    return body


def unix_second(name: str, default: int | None = None) -> int:
    """Return the query parameter ``name`` as Unix seconds, ``default`` where it is left out; else 400."""
    text = request.args.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > SECOND_DIGITS:
        abort(400, f"'{name}' must be a Unix second, such as {name}=1700000000.")
    return int(text)
