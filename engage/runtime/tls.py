"""The entrance for TLS: takes browsers' connections, and passes what is in them on to the dashboard's own socket.

A process of its own, because Python's SSL sockets must not be read and written by two threads at once, as the threads
of a web server with WebSockets do (OpenSSL forbids it, and they cannot be duplicated either); asyncio keeps each
connection to one thread. It also keeps the private key away from the process that parses requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engage.core.protocols import Stop, WorkerContext
from engage.errors import EngageError, SettingsError
from engage.network import listen

logger = logging.getLogger(__name__)

HANDSHAKE = 0x16
"""The first byte of a TLS connection (RFC 8446, 5.1); HTTP begins with a letter."""
CHUNK = 64 * 1024
HELLO_S, REQUEST_S = 10.0, 5.0
"""How long a client may take to say anything at all, and to ask without TLS."""
LONGEST_REQUEST = 8 * 1024
TICK_S = 0.25
LOOK_EVERY_S = 3600.0
"""How often the certificate is looked at: renewed, or replaced on the disk."""
REQUEST_LINE = re.compile(rb"(GET|HEAD) (/[\x21-\x7e]*) HTTP/1\.[01]\r\n")
HOST_LINE = re.compile(rb"\r\nhost:[ \t]*([A-Za-z0-9.\-\[\]:]{1,255})[ \t]*\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate chain and its key, both PEM."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where to listen, where the dashboard's socket is, and how many connections may be open at once."""

    host: str
    port: int
    behind: Path
    most: int


class TlsWorker:
    """Serves TLS until stopped; ``find`` returns the certificate in force, renewed if need be, or raises EngageError.

    Whoever asks without TLS on the same port is led to the same page with it. The dashboard hears each client's address
    by the PROXY protocol, version 1.
    """

    def __init__(self, context: WorkerContext, entrance: Entrance, find: Callable[[], KeyPair]) -> None:
        self._context = context
        self._entrance = entrance
        self._find = find
        self._tasks: set[asyncio.Task[None]] = set()
        self.refused = 0

    def run(self, stop: Stop) -> None:
        """Serve until ``stop`` is set. Raises EngageError where there is no certificate or no address to serve at."""
        asyncio.run(self._serve(stop))

    async def _serve(self, stop: Stop) -> None:
        loop = asyncio.get_running_loop()
        self._tls = context_for(self._find())
        with listen(self._entrance.host, self._entrance.port) as listener:
            listener.setblocking(False)
            accepting = asyncio.create_task(self._accept(listener))
            looked_s = loop.time()
            while not stop.is_set():
                self._context.beat()
                if accepting.done():
                    accepting.result()
                if loop.time() - looked_s > LOOK_EVERY_S:
                    looked_s = loop.time()
                    await asyncio.to_thread(self._look_again)
                await asyncio.sleep(TICK_S)
            accepting.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look_again(self) -> None:
        try:
            self._tls = context_for(self._find())
        except EngageError as error:
            logger.error("event=certificate_not_renewed reason=%s; the one at hand stays in use", error)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, address = await loop.sock_accept(listener)
            if len(self._tasks) >= self._entrance.most:
                self.refused += 1
                connection.close()
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(self._take(connection, address[0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _take(self, connection: socket.socket, client: str) -> None:
        """Serve one connection to its end; whatever a client does wrong ends that connection alone."""
        try:
            async with asyncio.timeout(HELLO_S):
                first = await _peek(connection)
            if first == HANDSHAKE:
                await self._pass_on(connection, client)
            elif first is not None:
                await _lead_to_tls(connection)
        except (OSError, ssl.SSLError, TimeoutError, asyncio.IncompleteReadError) as error:
            logger.debug("event=connection_ended reason=%s", type(error).__name__)
        finally:
            connection.close()

    async def _pass_on(self, connection: socket.socket, client: str) -> None:
        loop = asyncio.get_running_loop()
        server_ip, server_port = connection.getsockname()[:2]
        kind = "TCP6" if ":" in client else "TCP4"
        outside = asyncio.StreamReader(CHUNK)
        protocol = asyncio.StreamReaderProtocol(outside)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, connection, ssl=self._tls, ssl_handshake_timeout=HELLO_S, ssl_shutdown_timeout=2.0
        )
        to_client = asyncio.StreamWriter(transport, protocol, outside, loop)
        try:
            inside, to_server = await asyncio.open_unix_connection(str(self._entrance.behind), limit=CHUNK)
            try:
                to_server.write(f"PROXY {kind} {client} {server_ip} 0 {server_port}\r\n".encode())
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pump(outside, to_server))
                    both.create_task(_pump(inside, to_client))
            except* (OSError, ssl.SSLError):
                logger.debug("event=connection_broken")
            finally:
                to_server.close()
        finally:
            to_client.close()
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                await to_client.wait_closed()


def context_for(pair: KeyPair) -> ssl.SSLContext:
    """Return a server's TLS: 1.2 or newer, HTTP/1.1. Raises SettingsError where the files cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(pair.chain, pair.key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"TLS cannot use {pair.chain} with {pair.key} ({error.strerror or error}).") from None
    return context


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends, then close the target: neither side of HTTP goes on half open."""
    try:
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
    finally:
        target.close()


async def _peek(connection: socket.socket) -> int | None:
    """Return the first byte that the client sends, left where it is; None where it sends none."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    first = connection.recv(1, socket.MSG_PEEK)
    return first[0] if first else None


async def _lead_to_tls(connection: socket.socket) -> None:
    """Answer plain HTTP: a page is found under ``https``; anything else was sent in the open and is refused."""
    loop = asyncio.get_running_loop()
    request = b""
    async with asyncio.timeout(REQUEST_S):
        while b"\r\n\r\n" not in request and len(request) < LONGEST_REQUEST:
            more = await loop.sock_recv(connection, LONGEST_REQUEST)
            if not more:
                return
            request += more
    line, host = REQUEST_LINE.match(request), HOST_LINE.search(request)
    if line and host:
        status, place = b"307 Temporary Redirect", b"Location: https://" + host[1] + line[2] + b"\r\n"
    else:
        status, place = b"400 Bad Request", b""
    words = b"This address speaks HTTPS; begin the link with https://\n"
    head = b"HTTP/1.1 %s\r\n%sContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    await loop.sock_sendall(connection, head % (status, place, len(words)) + words)
