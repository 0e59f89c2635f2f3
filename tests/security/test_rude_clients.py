"""Clients that are slow, silent, greedy or talk nonsense: everybody else is served, and memory stays bounded."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests
import websocket

from dashboard.live import LARGEST_MESSAGE
from dashboard.waiting import MOST_WAITING, WAITED_FOR, whole
from tests.security.conftest import PATIENCE_S, THREADS, Served

CLOSED = (websocket.WebSocketConnectionClosedException, ConnectionError)
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@contextmanager
def connections(served: Served, count: int, said: bytes) -> Iterator[list[socket.socket]]:
    """Give so many open connections on each of which ``said`` was sent."""
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            each = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), PATIENCE_S))
            each.sendall(said)
            made.append(each)
        yield made


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"G",
        HEAD,
        HEAD + b"X-Slow: ",
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 100\r\n\r\nemail=",
        HEAD + b"\r\n" + HEAD,
    ],
    ids=["silence", "a letter", "half a head", "half a line", "half a form", "one and a half"],
)
def test_half_requests_hold_up_nobody(served: Served, said: bytes) -> None:
    """Ten times as many as the server has threads; gunicorn's own worker gives each a thread, for ever."""
    with connections(served, 10 * THREADS, said):
        for _ in range(3):
            assert served.answers()


def test_a_request_that_comes_byte_by_byte_is_answered(served: Served) -> None:
    with connections(served, 1, b"") as (slow,):
        for byte in HEAD + b"Connection: close\r\n\r\n":
            slow.sendall(bytes([byte]))
        assert b"200 OK" in slow.recv(65536)


def test_one_connection_serves_many_requests(served: Served) -> None:
    with requests.Session() as web:
        answers = [web.get(f"{served.address}/healthz", timeout=PATIENCE_S).status_code for _ in range(5)]
        assert answers == [200] * 5
    with connections(served, 1, (HEAD + b"\r\n") * 3) as (line,):
        found = b""
        while found.count(b"200 OK") < 3:
            data = line.recv(65536)
            assert data
            found += data


def test_more_half_requests_than_may_wait_are_dropped_and_cost_little(served: Served) -> None:
    before = served.resident_mb()
    with connections(served, MOST_WAITING + 64, HEAD) as lines:
        assert served.answers()
        lines[0].settimeout(PATIENCE_S)
        with suppress(ConnectionError):
            assert lines[0].recv(1) == b"", "the oldest is dropped"
        assert served.answers()
        assert served.resident_mb() - before < 64


@pytest.mark.parametrize(
    ("data", "is_whole"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", False),
        (b"POST / HTTP/1.1\r\ncontent-length:3\r\n\r\nabc", True),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (WAITED_FOR + 1), True),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (b"x" * 70_000, True),
    ],
)
def test_when_a_request_has_arrived(data: bytes, is_whole: bool) -> None:
    assert whole(data) is is_whole


class Wire:
    """A teacher's Socket.IO connection at the level of its frames.

    (Not by simple_websocket's client: what comes with the server's answer to the upgrade, as the greeting may, it hands
    out only when more comes, so a test waits for a ping or for ever.)
    """

    def __init__(self, served: Served) -> None:
        address = f"ws://127.0.0.1:{served.port}/socket.io/?EIO=4&transport=websocket"
        self.socket = websocket.create_connection(address, PATIENCE_S, cookie=served.cookie)
        self.read()  # engine.io's greeting
        self.socket.send("40")
        while not self.read().startswith("40"):
            pass

    def read(self) -> str:
        """Return the next text, answering pings."""
        text = str(self.socket.recv())
        if text == "2":
            self.socket.send("3")
        return text

    def watch(self, session: int) -> None:
        self.socket.send("421" + json.dumps(["watch", {"session": session}]))
        while not (answer := self.read()).startswith("431"):
            pass
        assert '"ok":true' in answer.replace(" ", "")

    def ended(self) -> bool:
        """Return whether the server closes it, reading what comes before."""
        try:
            while self.socket.recv():
                pass
        except CLOSED:
            return True
        return True  # an empty message is how it says so

    def close(self) -> None:
        self.socket.shutdown()  # without a word: the server may be gone


def test_an_oversize_message_ends_its_socket_and_nothing_else(served: Served) -> None:
    wire, other = Wire(served), Wire(served)
    before = served.resident_mb()
    with suppress(*CLOSED):  # the server may close while it is still being sent
        wire.socket.send("42" + json.dumps(["watch", "x" * (3 * LARGEST_MESSAGE)]))
    assert wire.ended()
    other.watch(served.session)
    assert served.answers()
    assert served.resident_mb() - before < 64
    wire.close()
    other.close()


@pytest.mark.parametrize(
    "said",
    ["", "9", "42", "42[", '42["watch"', '451-["share",{"_placeholder":true,"num":9}]', "4" * 100, "\x00", "40/x,{",
     "2probe", "5", '42["connect"]', '42["disconnect"]', "43[]", "4399999999999[1]", b"", b"\x00\xff" * 50],
)  # fmt: skip
def test_nonsense_on_a_socket_harms_nobody_else(served: Served, said: str | bytes) -> None:
    wire, other = Wire(served), Wire(served)
    with suppress(*CLOSED):
        wire.socket.send(said) if isinstance(said, str) else wire.socket.send_binary(said)
        wire.socket.send('421["watch",{"session":1}]')
    other.watch(served.session)
    wire.close()
    other.close()
    assert served.answers()


@pytest.mark.timeout(240)
def test_sockets_that_say_nothing_are_closed(served: Served) -> None:
    """As many as there are threads, and no account is needed for them: who was let in nowhere has to go."""
    address = f"ws://127.0.0.1:{served.port}/socket.io/?EIO=4&transport=websocket"
    silent = [websocket.create_connection(address, PATIENCE_S) for _ in range(THREADS)]
    assert served.answers()
    for each in silent:
        with suppress(*CLOSED):
            while (text := each.recv()) and text != "1":
                each.send("3")  # it answers pings
        each.shutdown()


def has_line_to(served: Served, port: int) -> bool:
    """Return whether the server holds a connection to this port of a client."""
    return any(line.raddr and line.raddr.port == port for line in served.process.net_connections("tcp"))


@pytest.mark.timeout(240)
def test_a_page_that_does_not_read_is_closed_and_costs_bounded_memory(served: Served) -> None:
    """It takes nothing off its line; 100 kB come for it ten times a second. It misses its pings and is closed."""
    served.answers()
    before = served.resident_mb()
    other = Wire(served)
    other.watch(served.session)
    address = ("127.0.0.1", served.port)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(address)
        slow.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Cookie: " + served.cookie.encode() + b"\r\n\r\n"
        )
        slow.recv(2048)
        for text in (b"40", b'42["watch",{"session":%d}]' % served.session):
            slow.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        (served.home / "say").write_text("100000")
        most, deadline = 0.0, time.monotonic() + PATIENCE_S
        port = slow.getsockname()[1]
        while has_line_to(served, port) and time.monotonic() < deadline:
            assert other.read()
            most = max(most, served.resident_mb() - before)
        (served.home / "say").unlink()
        print(f"closed after {PATIENCE_S - (deadline - time.monotonic()):.0f} s, {most:.0f} MB more at most")
        assert time.monotonic() < deadline, "a page that reads nothing is never closed"
    assert most < 150
    other.close()
    assert served.answers()
