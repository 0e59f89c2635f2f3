"""Under a host name other than localhost: what browsers give to HTTPS alone, cookies, sockets and live updates."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from dashboard import create_app
from engage.config import Settings
from engage.storage.database import Database
from engage.storage.migrate import upgrade

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

HOST = "school.example"
CAMERA = "({secure: isSecureContext, camera: Boolean(navigator.mediaDevices?.getUserMedia)})"


@pytest.fixture
def page(secure_page: Page) -> Page:
    """Return the page that ``look`` and the other fixtures mean here."""
    return secure_page


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[str]:
    """Yield the address of the same dashboard without TLS, under the same host name."""
    web = {"trusted_hosts": [HOST]}
    settings = Settings(home=tmp_path, database={"url": f"sqlite:///{tmp_path}/plain.db"}, web=web)  # type: ignore[arg-type]
    database = Database(settings.database_url)
    database.open()
    upgrade(database)
    server = make_server("127.0.0.1", 0, create_app(settings, database), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{HOST}:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    database.close()


def test_the_camera_is_given_to_https_alone(secure_chromium: Browser, network: Any, plain: str) -> None:
    page = secure_chromium.new_page()  # that was never told to insist on HTTPS here
    page.goto(f"{plain}/supported")
    assert page.evaluate(CAMERA) == {"secure": False, "camera": False}
    page.goto(f"{network.address.replace('https', 'http')}/supported")
    assert page.url == f"{network.address}/supported", "plain HTTP leads to HTTPS"
    assert page.evaluate(CAMERA) == {"secure": True, "camera": True}
    page.close()


def test_signing_in_and_live_updates_by_https(page: Page, network: Any, until: Any) -> None:
    cookie = next(cookie for cookie in page.context.cookies() if cookie["name"].endswith("engage"))
    assert (cookie["name"], cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (
        "__Host-engage", True, True, "Lax"
    )  # fmt: skip
    assert cookie["domain"] == HOST
    session = network.start_demo()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{network.address}/sessions/{session}")
    until(page, "() => window.engageLive?.link?.transport === 'websocket'")
    until(page, "() => document.querySelectorAll('.card[data-kind=present]').length >= 6", timeout_s=90)
    expect(page.locator("#state")).to_be_hidden()
    assert [url.partition("?")[0] for url in sockets] == [f"{network.address.replace('https', 'wss')}/socket.io/"]
    network.end(session)


def test_another_sites_page_gets_no_socket(page: Page, network: Any) -> None:
    opened = """address => new Promise(resolve => {
        const socket = new WebSocket(address);
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
    })"""
    address = f"{network.address.replace('https', 'wss')}/socket.io/?EIO=4&transport=websocket"
    page.goto("about:blank")  # the same browser with its cookies, and another origin
    assert page.evaluate(opened, address) == "refused"


def test_how_to_trust_this_server(page: Page, network: Any, look: Any, accessible: Any) -> None:
    page.goto(f"{network.address}/trust")
    printed = next(line for line in network.system.said().splitlines() if "fingerprint" in line)
    assert page.locator(".fingerprint").inner_text() == printed.split()[-1]
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the certificate").click()
    authority = (network.home / "var/tls/ca.pem").read_text()
    assert Path(download.value.path()).read_bytes() == ssl.PEM_cert_to_DER_cert(authority)
    look("trust", full=True)
    accessible()
    page.goto(f"{network.address}/supported")
    look("supported", full=True)
    accessible()
