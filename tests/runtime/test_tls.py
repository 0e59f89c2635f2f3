"""The entrance for TLS: what it passes on, whom it leads to HTTPS, and what one bad client does to the others."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engage.certificates import certificate_for
from engage.config import Settings
from engage.errors import SettingsError
from engage.runtime.addresses import free_port
from engage.runtime.tls import Entrance, KeyPair, TlsWorker


@dataclass
class Context:
    """A worker's surroundings, as far as this one needs them."""

    beaten: threading.Event = field(default_factory=threading.Event)

    def beat(self) -> None:
        self.beaten.set()


@dataclass(frozen=True)
class Running:
    port: int
    authority: Path
    behind: socket.socket
    worker: TlsWorker

    def connect(self) -> ssl.SSLSocket:
        """Return a client that speaks TLS and trusts the authority."""
        trusting = ssl.create_default_context(cafile=str(self.authority))
        return trusting.wrap_socket(self.open(), server_hostname="localhost")

    def open(self) -> socket.socket:
        """Return a client that has not spoken yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def accept(self) -> tuple[socket.socket, bytes]:
        """Return the next connection at the dashboard's socket, and the line ahead of it."""
        inside, _ = self.behind.accept()
        inside.settimeout(30)
        line = b""
        while not line.endswith(b"\r\n"):
            line += inside.recv(1)
        return inside, line


@contextmanager
def running(folder: Path, most: int = 8) -> Iterator[Running]:
    settings = Settings(home=folder, web={"lan": True})  # type: ignore[arg-type]
    certificate = certificate_for(settings)
    behind = socket.socket(socket.AF_UNIX)
    behind.settimeout(30)
    behind.bind(str(folder / "web.sock"))
    behind.listen()
    stop, context, port = threading.Event(), Context(), free_port()
    worker: Any = TlsWorker(
        context,  # type: ignore[arg-type] # it needs the beat alone
        Entrance("127.0.0.1", port, folder / "web.sock", most),
        lambda: KeyPair(certificate.chain, certificate.key),
    )
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        assert context.beaten.wait(30)
        assert certificate.authority is not None
        yield Running(port, certificate.authority, behind, worker)
    finally:
        stop.set()
        thread.join(30)
        behind.close()
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def entrance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("tls")) as found:
        yield found


def read_all(client: socket.socket) -> bytes:
    said = b""
    while more := client.recv(65536):
        said += more
    return said


def test_what_is_said_passes_both_ways_with_the_clients_address_ahead(entrance: Running) -> None:
    with entrance.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        inside, line = entrance.accept()
        with inside:
            assert line == b"PROXY TCP4 127.0.0.1 127.0.0.1 0 %d\r\n" % entrance.port
            assert inside.recv(100) == b"GET / HTTP/1.1\r\n\r\n"
            inside.sendall(b"an answer")
        assert read_all(client) == b"an answer", "and the end of one side is the end of the other"


def test_much_passes_while_both_speak_at_once(entrance: Running) -> None:
    much = bytes(range(256)) * 8192  # 2 MB: more than any buffer on the way
    with entrance.connect() as client:
        client.sendall(b"x")
        inside, _ = entrance.accept()

        def talk() -> None:
            inside.recv(1)
            threading.Thread(target=inside.sendall, args=(much,)).start()
            heard.append(sum(len(part) for part in iter(lambda: inside.recv(65536), b"")))

        heard: list[int] = []
        talking = threading.Thread(target=talk)
        talking.start()
        sending = threading.Thread(target=client.sendall, args=(much[:1_000_000],))
        sending.start()
        got = b""
        while len(got) < len(much):
            got += client.recv(65536)
        sending.join()
        client.close()
        talking.join()
        inside.close()
    assert got == much
    assert heard == [1_000_000]


@pytest.mark.parametrize(
    ("request_text", "first", "place"),
    [
        (b"GET /try?x=1 HTTP/1.1\r\nHost: school.example:8000\r\n\r\n", b"307", b"https://school.example:8000/try?x=1"),
        (b"HEAD / HTTP/1.1\r\nAccept: */*\r\nhOsT: 10.0.0.7:8000\r\n\r\n", b"307", b"https://10.0.0.7:8000/"),
        (b"POST /sign-in HTTP/1.1\r\nHost: a\r\n\r\npassword", b"400", None),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", b"400", None),
        (b"GET //evil.example\x01 HTTP/1.1\r\nHost: a\r\n\r\n", b"400", None),
        (b"GET / HTTP/1.1\r\n\r\n", b"400", None),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"400", None),
        (b"SSH-2.0-OpenSSH\r\n\r\n", b"400", None),
    ],
)
def test_plain_http_is_led_to_https(entrance: Running, request_text: bytes, first: bytes, place: bytes | None) -> None:
    with entrance.open() as client:
        client.sendall(request_text)
        said = client.recv(4096)
    assert said.split()[1] == first
    assert b"https://" in said
    places = [line.removeprefix(b"Location: ") for line in said.split(b"\r\n") if line.startswith(b"Location: ")]
    assert places == ([place] if place else [])


def test_silent_and_rude_clients_hold_up_nobody(entrance: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engage.runtime.tls.HELLO_S", 90.0)  # longer than anybody here waits
    with entrance.open(), entrance.open() as rude:
        rude.sendall(b"\x16\x03\x01\xff\xff" + bytes(200))  # the beginning of no handshake
        with entrance.connect() as client:
            client.sendall(b"x")
            inside, _ = entrance.accept()
            inside.close()


def test_the_oldest_protocols_are_not_spoken(entrance: Running) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(entrance.authority)
    with pytest.warns(DeprecationWarning):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with entrance.open() as client, pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(client, server_hostname="localhost")


def test_beyond_the_most_a_connection_is_closed_at_once(tmp_path: Path) -> None:
    with running(tmp_path, most=1) as entrance, entrance.connect() as first:
        first.sendall(b"x")
        inside, _ = entrance.accept()
        with entrance.open() as second:
            assert second.recv(1) == b""
        assert entrance.worker.refused == 1
        inside.close()


def test_without_a_certificate_it_refuses_to_run(tmp_path: Path) -> None:
    missing = KeyPair(tmp_path / "none.pem", tmp_path / "none.key")
    worker = TlsWorker(Context(), Entrance("127.0.0.1", free_port(), tmp_path / "x", 1), lambda: missing)  # type: ignore[arg-type]
    # in a thread of its own: where Playwright was used before, this one has an event loop already
    with ThreadPoolExecutor(1) as alone, pytest.raises(SettingsError, match=r"none\.pem"):
        alone.submit(worker.run, threading.Event()).result(60)
