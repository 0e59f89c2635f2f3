"""Names, proxies, cookies and headers: what is answered, and whose word counts."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.serving import make_server

from dashboard import create_app
from dashboard.access import Access, allow
from dashboard.security import let_page_use
from dashboard.supported import PARTLY, PLACES, SUPPORTED, TESTED
from engage.certificates import certificate_for, fingerprint
from engage.config import Settings
from engage.network import own_addresses, own_names
from engage.storage.database import Database

ROOT = Path(__file__).resolve().parents[2]
GIVEN = {"certificate": "a.pem", "key": "a.key"}


@pytest.fixture(scope="module")
def app_with(empty_tables: Path) -> Iterator[Callable[..., Flask]]:
    """Return a maker of applications with these settings of the web server, one for each, on empty tables."""
    database = Database(f"sqlite:///{empty_tables}")
    database.open()

    @cache
    def made(web: str) -> Flask:
        app = create_app(Settings(home=empty_tables.parent, web=json.loads(web)), database)
        app.testing = True
        app.add_url_rule("/who", "who", allow(Access.PUBLIC)(who))
        app.add_url_rule("/meeting-page", "meeting_page", allow(Access.PUBLIC)(meeting))
        return app

    yield lambda **web: made(json.dumps(web))
    database.close()


def meeting() -> str:
    let_page_use("camera", "display-capture")
    return ""


def who() -> dict[str, Any]:
    return {"address": request.remote_addr, "scheme": request.scheme, "host": request.host}


def ask(app: Flask, path: str = "/who", host: str = "localhost", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(path, headers={"Host": host, **named})


class TestHosts:
    """Which names are answered."""

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
    def test_this_machine_is_answered(self, app_with: Any, host: str) -> None:
        assert ask(app_with(), host=host).status_code == 200

    def test_by_any_name_and_address_it_has(self, app_with: Any) -> None:
        app = app_with()
        for address in own_addresses():
            host = f"[{address}]" if address.version == 6 else str(address)
            assert ask(app, host=f"{host}:8000").status_code == 200, host
        for name in own_names():
            assert ask(app, host=name).status_code == 200, name

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "localhost.evil.example", "8.8.8.8", "school.example@evil.example", "a b", "school.example:x"],
    )
    def test_another_name_is_not(self, app_with: Any, host: str) -> None:
        for path in ("/who", "/socket.io/?EIO=4&transport=polling"):
            answer = ask(app_with(trusted_hosts=["school.example"]), path, host)
            assert answer.status_code == 400, path
            assert "web.trusted_hosts" in answer.text
            assert "evil" not in answer.text

    @pytest.mark.parametrize(
        ("web", "host"),
        [
            ({"trusted_hosts": ["school.example"]}, "school.example:8000"),
            ({"trusted_hosts": [".school.example"]}, "rooms.school.example"),
            ({"public_url": "https://engage.school.example"}, "engage.school.example"),
            ({"host": "engage.school.example"}, "engage.school.example"),
            ({"lan": True, "tls": {"names": ["school.example"]}}, "school.example"),
        ],
    )
    def test_what_the_settings_name_is(self, app_with: Any, web: dict[str, Any], host: str) -> None:
        assert ask(app_with(**web), host=host).status_code == 200


class TestSockets:
    """Which pages may open a socket."""

    @pytest.mark.parametrize(
        ("host", "origin", "code"),
        [
            ("school.example:8000", "https://school.example:8000", 200),
            ("127.0.0.1:8000", "https://127.0.0.1:8000", 200),
            ("127.0.0.1:8000", "https://public.example", 200),
            ("school.example:8000", "http://school.example:8000", 400),
            ("school.example:8000", "https://school.example", 400),
            ("school.example:8000", "https://evil.example", 400),
            ("school.example:8000", "null", 400),
        ],
    )
    def test_those_of_the_address_they_ask(self, app_with: Any, host: str, origin: str, code: int) -> None:
        app = app_with(lan=True, tls={"names": ["school.example"]}, public_url="https://public.example")
        path = "/socket.io/?EIO=4&transport=polling"
        assert ask(app, path, host, Origin=origin).status_code == code

    def test_no_header_of_a_client_makes_it_another_address(self, app_with: Any) -> None:
        path = "/socket.io/?EIO=4&transport=polling"
        forwarded = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https"}
        assert ask(app_with(), path, Origin="https://evil.example", **forwarded).status_code == 400


class TestProxies:
    """Behind a stated number of proxies their word on the client counts, and nobody else's."""

    def test_without_a_proxy_nobody_is_believed(self, app_with: Any) -> None:
        spoofed = {"X_Forwarded_For": "10.1.1.1", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "evil.example",
                   "Forwarded": "for=10.1.1.1;proto=https", "X_Real_IP": "10.1.1.1"}  # fmt: skip
        assert ask(app_with(), **spoofed).json == {"address": "127.0.0.1", "scheme": "http", "host": "localhost"}

    @pytest.mark.parametrize(
        ("hops", "chain", "client"),
        [
            (1, "10.1.1.1", "10.1.1.1"),
            (1, "6.6.6.6, 10.1.1.1", "10.1.1.1"),
            (2, "10.1.1.1, 10.2.2.2", "10.1.1.1"),
            (2, "6.6.6.6, 10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ],
    )
    def test_as_many_entries_count_as_there_are_proxies(
        self, app_with: Any, hops: int, chain: str, client: str
    ) -> None:
        app = app_with(behind_proxy=hops, public_url="https://engage.school.example")
        assert ask(app, X_Forwarded_For=chain).json["address"] == client

    def test_the_limit_on_attempts_counts_real_clients(self, app_with: Any) -> None:
        app = app_with(behind_proxy=1, public_url="https://engage.school.example")
        with forwarding(app) as port:
            attempt = attempts(port)
            codes = [attempt(f"10.9.9.{number}") for number in range(12)]
        assert codes == [410] * 10 + [429] * 2, "another X-Forwarded-For each time, and still one client"


class TestHttps:
    """Cookies and headers where people come by HTTPS."""

    @pytest.mark.parametrize(
        ("web", "host"),
        [
            ({"lan": True}, own_names()[0]),
            ({"behind_proxy": 1, "public_url": "https://engage.school.example"}, "engage.school.example"),
        ],
    )
    def test_cookies_insist_on_it(self, app_with: Any, web: dict[str, Any], host: str) -> None:
        answer = ask(app_with(**web), "/sign-in", host, X_Forwarded_Proto="https")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-engage=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(re.split("; ?", cookie))
        assert "Domain" not in cookie

    def test_without_it_they_do_not(self, app_with: Any) -> None:
        cookie = ask(app_with(), "/sign-in").headers["Set-Cookie"]
        assert cookie.startswith("engage=")
        assert "Secure" not in cookie
        assert "HttpOnly" in cookie

    @pytest.mark.parametrize(
        ("web", "host", "hsts"),
        [
            ({"lan": True, "tls": {"names": ["school.example"]}}, "school.example", "max-age=86400"),
            ({"lan": True}, "localhost", None),
            ({"lan": True}, "127.0.0.1", None),
            (
                {"tls": {"certificate": "a", "key": "b"}, "trusted_hosts": ["a.example"]},
                "a.example",
                "max-age=31536000",
            ),
            ({"trusted_hosts": ["a.example"]}, "a.example", None),
        ],
    )
    def test_hsts_with_tls_alone_and_never_for_localhost(
        self, app_with: Any, web: dict[str, Any], host: str, hsts: str | None
    ) -> None:
        assert ask(app_with(**web), host=host).headers.get("Strict-Transport-Security") == hsts

    def test_the_policy_for_content_has_no_hole(self, app_with: Any) -> None:
        policy = ask(app_with(), "/sign-in").headers["Content-Security-Policy"]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
        assert "unsafe" not in policy
        assert "*" not in policy

    def test_a_page_gets_the_devices_its_view_names(self, app_with: Any) -> None:
        app = app_with()
        policy = ask(app, "/meeting-page").headers["Permissions-Policy"]
        assert policy == "camera=(self), microphone=(), geolocation=(), display-capture=(self)"
        assert "self" not in ask(app).headers["Permissions-Policy"]


class TestTrust:
    """How a device comes to trust the program's own authority."""

    def test_the_certificate_and_its_fingerprint(self, app_with: Any, empty_tables: Path) -> None:
        app = app_with(lan=True)
        found = certificate_for(Settings(home=empty_tables.parent, web={"lan": True}))  # type: ignore[arg-type]
        assert fingerprint(found.authority or Path()) in ask(app, "/trust").text
        sent = ask(app, "/trust/engage-ca.crt")
        assert sent.mimetype == "application/x-x509-ca-cert"
        assert sent.data[:2] == b"\x30\x82", "DER, as every system opens it"
        assert b"PRIVATE" not in sent.data

    def test_with_a_given_certificate_there_is_nothing_to_trust(self, app_with: Any) -> None:
        app = app_with(lan=True, tls=GIVEN)
        assert ask(app, "/trust").status_code == 404
        assert ask(app, "/trust/engage-ca.crt").status_code == 404


class forwarding:  # noqa: N801 (used as a context manager)
    """A tiny proxy before the application: it appends the client's address, as real ones do. Yields its port."""

    def __init__(self, app: Flask) -> None:
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        outer = self

        class Forward(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.forward(b"")

            def do_POST(self) -> None:
                self.forward(self.rfile.read(int(self.headers["Content-Length"])))

            def forward(self, body: bytes) -> None:
                inner = http.client.HTTPConnection("127.0.0.1", outer.server.port, timeout=30)
                headers = {name: value for name, value in self.headers.items() if name != "X-Forwarded-For"}
                chain = [self.headers["X-Forwarded-For"]] if "X-Forwarded-For" in self.headers else []
                headers["X-Forwarded-For"] = ", ".join([*chain, self.client_address[0]])
                headers["X-Forwarded-Proto"] = "https"
                inner.request(self.command, self.path, body, headers)
                answer = inner.getresponse()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.read())
                inner.close()

            def log_message(self, *_: object) -> None:
                pass

        self.proxy = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
        self.threads = [threading.Thread(target=server.serve_forever) for server in (self.server, self.proxy)]

    def __enter__(self) -> int:
        for thread in self.threads:
            thread.start()
        return self.proxy.server_port

    def __exit__(self, *_: object) -> None:
        for server in (self.proxy, self.server):
            server.shutdown()
            server.server_close()
        for thread in self.threads:
            thread.join()


def attempts(port: int) -> Callable[[str], int]:
    """Return what tries a wrong one-time link through the proxy, as if for another client, and returns the code."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    common = {"Host": "engage.school.example"}
    client.request("GET", "/sign-in", headers=common)
    answer = client.getresponse()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.read().decode())
    assert token
    form = {
        **common,
        "Cookie": answer.headers["Set-Cookie"].partition(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
        "Referer": "https://engage.school.example/sign-in",
    }

    def attempt(spoofed: str) -> int:
        client.request("POST", "/setup/wrong", f"csrf_token={token[1]}", {**form, "X-Forwarded-For": spoofed})
        answer = client.getresponse()
        answer.read()
        return answer.status

    return attempt


def test_the_page_and_the_document_say_the_same_of_each_system(app_with: Any) -> None:
    page = re.sub(r"<[^>]+>", " ", ask(app_with(), "/supported").text)
    document = (ROOT / "docs" / "supported.md").read_text("utf-8")
    words = {TESTED: "tested", SUPPORTED: "should work, not tried here", PARTLY: "may work, not tried here"}
    for place in PLACES:
        meeting = words[place.how] if place.meeting else "not possible on this system"
        row = f"| {place.system} | {place.browsers} | {words[place.how]}"
        assert any(line.startswith(row) and line.endswith(f"| {meeting} |") for line in document.splitlines()), row
        assert re.search(rf"{place.system}\s+{place.browsers}\s+{words[place.how]}", page), place
