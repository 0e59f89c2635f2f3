"""Downloads that can be continued and end in a verified file or in none."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from engage.errors import ModelError

Progress = Callable[[int, int], None]
"""Told how many bytes are there, and of how many."""

TIMEOUT_S = 20.0
BLOCK = 1 << 16
ATTEMPTS = 5
"""Connections opened per download; a further one only if the last one brought something."""


def download(url: str, target: Path, sha256: str, size: int, progress: Progress | None = None) -> None:
    """Fetch ``url`` into ``target``, of ``size`` bytes and with this SHA-256.

    The bytes gather in ``target`` plus ``.part``, which is kept when the connection breaks and continued next time (by
    an HTTP Range, or from the start where the server has none), deleted when the checksum is wrong, and becomes
    ``target`` in one step when it is right. Raises ModelError with one line.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _gather(_Wanted(target.name, url, size, progress), part)
        _check(part, sha256, target.name)
        part.replace(target)
    except OSError as error:
        raise ModelError(f"{target} cannot be written ({error.strerror or error}).") from None


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    url: str
    size: int
    progress: Progress | None


def _gather(wanted: _Wanted, part: Path) -> None:
    """Bring ``part`` to the wanted size, or a little past it where the server sends too much."""
    if _size(part) > wanted.size:
        part.unlink()
    reason = ""
    for _ in range(ATTEMPTS):
        before = _size(part)
        if before >= wanted.size:
            return
        reason = _continue(wanted, part, before)
        now = _size(part)
        if now == before or 0 < now < before:
            break
    done = _size(part)
    if done < wanted.size:
        kept = f"; {done} of {wanted.size} bytes are here, and the next try goes on from there" if done else ""
        raise ModelError(f"{wanted.name} cannot be fetched ({reason or 'the connection broke'}{kept}).")


def _continue(wanted: _Wanted, part: Path, start: int) -> str:
    """Append what one connection brings to ``part``; return why it ended early, or nothing."""
    request = urllib.request.Request(wanted.url, headers={"User-Agent": "engage"})  # noqa: S310 (a registered address)
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 # nosec B310
            _append(wanted, part, start, response)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            part.unlink(missing_ok=True)
        return f"the server answered {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return _why(error.reason)
    except (TimeoutError, ConnectionError, HTTPException) as error:
        return _why(error)
    return ""


def _append(wanted: _Wanted, part: Path, start: int, response: HTTPResponse) -> None:
    continued = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    done = start if continued else 0
    length = response.length
    if length is not None and done + length != wanted.size:
        part.unlink(missing_ok=True)
        raise ModelError(
            f"{wanted.name} cannot be fetched (the server has {done + length} bytes instead of {wanted.size})."
        )
    with part.open("r+b" if done else "wb") as file:
        file.seek(done)
        while done <= wanted.size and (block := response.read(BLOCK)):
            file.write(block)
            done += len(block)
            if wanted.progress:
                wanted.progress(min(done, wanted.size), wanted.size)


def _why(error: BaseException | str) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or "the connection broke"


def _check(part: Path, sha256: str, name: str) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        part.unlink()
        raise ModelError(f"{name} was fetched and deleted again: its SHA-256 {found} is wrong.")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
