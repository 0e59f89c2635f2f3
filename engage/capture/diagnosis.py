"""Why a network camera cannot be opened: OpenCV says no more than that it cannot."""

from __future__ import annotations

import http.client
import socket
from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
REFUSED = (401, 403)
CLIENT = {"User-Agent": "engage"}


def explain(address: str, timeout_s: float) -> str:
    """Return in words why the stream at ``address`` fails, such as "refuses the name or password".

    Asks the camera once, for at most ``timeout_s`` a step. The text continues a sentence that starts with the
    (redacted) address, and holds no part of it.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or PORTS[parts.scheme.lower()]
    except (ValueError, KeyError):
        return "is not a valid address"
    if not parts.hostname:
        return "names no host"
    ask = _ask_http if parts.scheme.lower().startswith("http") else _ask_rtsp
    try:
        status, kind = ask(parts, port, timeout_s)
    except socket.gaierror:
        return "names a host that is not known here"
    except TimeoutError:
        return f"did not answer within {timeout_s:g} s"
    except ConnectionRefusedError:
        return "does not answer: nothing listens on that port"
    except (OSError, http.client.HTTPException, ValueError):
        return "does not answer as a camera would"
    return _meaning(status, kind, with_password=parts.username is not None)


def _meaning(status: int, kind: str, with_password: bool) -> str:
    if status in REFUSED:
        return "refuses this name and password" if with_password else "asks for a name and password"
    if status == http.client.NOT_FOUND:
        return "has no stream under this path"
    if status >= http.client.BAD_REQUEST:
        return f"answers with error {status}"
    return f"answers, but sends no video that can be read{f' ({kind})' if kind else ''}"


def _ask_http(parts: SplitResult, port: int, timeout_s: float) -> tuple[int, str]:
    secure = parts.scheme.lower() == "https"
    make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = make(parts.hostname or "", port, timeout=timeout_s)
    headers = dict(CLIENT)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=headers)
        response = connection.getresponse()
        return response.status, response.headers.get_content_type()
    finally:
        connection.close()


def _ask_rtsp(parts: SplitResult, port: int, timeout_s: float) -> tuple[int, str]:
    """Ask without the password: a camera that wants one says 401, and OpenCV has just tried the one given."""
    target = f"rtsp://{parts.hostname}:{port}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
    with socket.create_connection((parts.hostname or "", port), timeout=timeout_s) as connection:
        connection.settimeout(timeout_s)
        connection.sendall(f"DESCRIBE {target} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: engage\r\n\r\n".encode())
        first = connection.makefile("rb").readline(1024).decode("latin-1").split()
    if len(first) < 2 or not first[0].startswith("RTSP/"):
        raise ValueError("not RTSP")
    return int(first[1]), ""
