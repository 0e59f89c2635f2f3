"""A network camera that speaks RTSP (RFC 2326), as most on walls do: JPEG in RTP (RFC 2435), in RTSP's connection."""

from __future__ import annotations

import os
import re
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from tests.faults.cameras import Camera, Doing

JPEG_TYPE = 26
"""RFC 3551's number of JPEG."""
TICKS = 90_000
TABLES_WITHIN = 255
"""The Q that says: the quantisation tables come with each picture."""
LARGEST_PART = 1400
DESCRIPTION = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\nc=IN IP4 0.0.0.0\r\n"
    "a=control:video\r\n"
)


class RtspCamera(Camera):
    """As its parent, by RTSP."""

    scheme = "rtsp"

    def _send(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection:  # ValueError: closed while it was waited for
            if self._greet(connection):
                self._play(connection)

    def _greet(self, connection: socket.socket) -> bool:
        """Answer until the client says PLAY; return whether it did."""
        heard = b""
        while not self._over.is_set() and self.doing is not Doing.STOPPED:
            if not select.select([connection], [], [], 1 / self.fps)[0] or self.doing is Doing.FROZEN:
                self._over.wait(1 / self.fps)
                continue
            data = connection.recv(4096)
            heard += data
            while b"\r\n\r\n" in heard:
                request, _, heard = heard.partition(b"\r\n\r\n")
                connection.sendall(answer(request.decode("latin-1"), self.address))
                if request.startswith(b"PLAY"):
                    return True
            if not data:
                return False
        return False

    def _play(self, connection: socket.socket) -> None:
        number, sequence = 0, 0
        while not self._over.wait(1 / self.fps) and self.doing is not Doing.STOPPED:
            while select.select([connection], [], [], 0)[0]:  # reports on what arrived, and signs of life
                if not connection.recv(4096):
                    return
            if self.doing is Doing.FROZEN:
                continue
            number += 1
            for part, last in parts(self._picture(number), broken=self.doing is Doing.CORRUPT):
                sequence = (sequence + 1) % 2**16
                kind = JPEG_TYPE | last << 7
                at = int(number * TICKS / self.fps) % 2**32
                packet = struct.pack("!BBHII", 0x80, kind, sequence, at, 7) + part
                connection.sendall(struct.pack("!cBH", b"$", 0, len(packet)) + packet)


def answer(request: str, address: str) -> bytes:
    """Return what a camera says to a request; it sends by this connection only, never by UDP."""
    number = re.search(r"^CSeq: *(\d+)", request, re.M | re.I)
    lines, body = [f"CSeq: {number[1] if number else 0}"], ""
    status, method = "200 OK", request.split(" ", 1)[0]
    if method == "DESCRIBE":
        body = DESCRIPTION
        lines += [f"Content-Base: {address}/", "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    elif method == "SETUP" and "RTP/AVP/TCP" not in request:
        status = "461 Unsupported Transport"
    elif method == "SETUP":
        lines += ["Session: 1", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
    elif method == "PLAY":
        lines += ["Session: 1"]
    else:
        lines += ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]
    return "\r\n".join([f"RTSP/1.0 {status}", *lines, "", body]).encode()


@dataclass(frozen=True)
class Split:
    """What RTP sends of a JPEG: its size, how colour is sampled, its tables, and the picture without its head."""

    width_px: int
    height_px: int
    sampling: int
    tables: bytes
    scan: bytes


def split(jpeg: bytes) -> Split:
    """Take a baseline JPEG with the usual Huffman tables apart."""
    at, tables, size = 2, b"", (0, 0, 0)
    while True:
        marker, length = struct.unpack("!HH", jpeg[at : at + 4])
        body = jpeg[at + 4 : at + 2 + length]
        if marker == 0xFFDB:
            tables += b"".join(body[start + 1 : start + 65] for start in range(0, len(body), 65))
        elif marker == 0xFFC0:
            size = (*struct.unpack("!HH", body[1:5]), body[7])
        elif marker == 0xFFDA:
            height_px, width_px, factors = size
            return Split(width_px, height_px, int(factors == 0x22), tables, jpeg[at + 2 + length : -2])
        at += 2 + length


def parts(jpeg: bytes, broken: bool) -> Iterator[tuple[bytes, bool]]:
    """Yield the payloads of a picture (RFC 2435, 3.1), each with whether it is the last; ``broken``: noise."""
    found = split(jpeg)
    for start in range(0, len(found.scan), LARGEST_PART):
        scan = found.scan[start : start + LARGEST_PART]
        head = struct.pack(
            "!IBBBB", start, found.sampling, TABLES_WITHIN, found.width_px // 8, found.height_px // 8
        )  # the highest byte of the first is "type-specific": 0
        if start == 0:
            head += struct.pack("!BBH", 0, 0, len(found.tables)) + found.tables
        yield head + (os.urandom(len(scan)) if broken else scan), start + LARGEST_PART >= len(found.scan)
