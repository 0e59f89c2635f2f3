"""A whole deployment: two programs with a web process each, one with workers, behind nginx, on Redis and PostgreSQL.

Virtual students without pictures are fed to the real collector; joined browsers' frames go the whole way.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import secrets
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
import socketio

from engage.capture.virtual.snapshot import draw
from engage.certificates import certificate_for
from engage.cli.deployment import EMAIL, PASSWORD, Ground, ground, populate, stored
from engage.cli.feeding import Feeder
from engage.cli.page_client import PageClient
from engage.cli.throwaway import Place, nginx
from engage.cli.trial import RunningSystem, running_system
from engage.cli.web_bench import kill_web
from engage.config import Settings
from engage.core.live import JOINERS
from engage.runtime.addresses import free_port
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.join_keys import JoinKeys, KeyHashes
from engage.storage.queries import Queries
from engage.storage.records import NewStudent
from tests.cluster.programs import need
from tests.conftest import shared_folder

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90.0
STUDENTS = 24
INFERENCE = {"backend": "onnxruntime", "precision": "fp32"}  # nothing to measure first


@dataclass(frozen=True)
class School:
    """The deployment, and the course whose students are fed."""

    place: Ground
    address: str
    authority: str
    first: RunningSystem
    second: RunningSystem
    routes: Path
    course: int
    students: list[int]

    @property
    def database(self) -> Database:
        return self.place.database

    def teacher(self) -> str:
        """Return the Cookie header of a newly signed-in teacher; nginx has chosen a process for it."""
        entrance = RunningSystem(psutil.Process(), None, self.address, self.routes, self.authority)  # type: ignore[arg-type]
        return entrance.sign_in(EMAIL, PASSWORD)

    def process_of(self, cookie: str) -> int:
        """Return which process nginx leads a browser to: 0 or 1."""
        requests.get(f"{self.address}/healthz", headers={"Cookie": cookie}, verify=self.authority, timeout=30)
        key = route(cookie)
        until(lambda: key in self.led())
        ports = self.led()[key]
        return ports.pop() - self.place.port if len(ports) == 1 else -1

    def led(self) -> dict[str, set[int]]:
        """Return to which ports each browser's requests were led so far."""
        found: dict[str, set[int]] = defaultdict(set)
        for line in self.routes.read_text().splitlines():
            key, *upstreams = line.split(" ")  # several where the first one did not answer
            found[key].add(int(upstreams[-1].rsplit(":", 1)[1]))
        return found

    def teachers(self) -> list[str]:
        """Return the cookies of two signed-in browsers, one at each process."""
        found: dict[int, str] = {}
        while len(found) < 2:
            cookie = self.teacher()
            process = self.process_of(cookie)
            if process >= 0:
                found.setdefault(process, cookie)
        return [found[0], found[1]]

    def page(self, cookie: str, session: int, transport: str = "websocket") -> PageClient:
        return PageClient(self.address, cookie, session, (transport,), self.authority)


def route(cookie: str) -> str:
    found = re.search(r"engage_route=([0-9a-f]+)", cookie)
    assert found, cookie
    return found[1]


def until(fact: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def configuration(place: Ground, port: int, log: Path) -> tuple[str, str]:
    """Return the repository's configuration for this machine's ports and certificate, and the authority's file."""
    made = certificate_for(Settings(home=place.home, web={"lan": True}))  # type: ignore[arg-type]
    text = (ROOT / "docs" / "deploy" / "nginx.conf").read_text("utf-8")
    for old, new in {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "server_name engage.school.example;": "server_name localhost;",
        "/etc/ssl/engage/fullchain.pem": str(made.chain),
        "/etc/ssl/engage/privkey.pem": str(made.key),
        "server 127.0.0.1:8000": f"server 127.0.0.1:{place.port}",
        "server 127.0.0.1:8001": f"server 127.0.0.1:{place.port + 1}",
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return f"log_format route '$engage_route $upstream_addr';\naccess_log {log} route;\n{text}", str(made.authority)


@pytest.fixture
def school(deployed: School) -> School:
    """Return the running deployment once all of it is there, whatever the test before did."""
    for system in (deployed.first, deployed.second):
        until(lambda system=system: alive(system))  # type: ignore[misc]
    until(lambda: leads_to_both(deployed))
    return deployed


def leads_to_both(school: School) -> bool:
    """Return whether nginx leads new browsers to either process: one that was away is left out for some seconds."""
    asked = [requests.get(f"{school.address}/healthz", verify=school.authority, timeout=30) for _ in range(8)]
    keys = [str(answer.cookies["engage_route"]) for answer in asked]
    until(lambda: set(keys) <= school.led().keys())
    led = school.led()
    return len(set().union(*(led[key] for key in keys))) == 2


@pytest.fixture(scope="module")
def deployed() -> Iterator[School]:
    """Yield the running deployment."""
    need("redis-server", "postgres", "nginx")
    with ground(2, durable=False) as place:
        course, students = populate(place.database, STUDENTS)
        port, log = free_port(), place.home / "routes.log"
        http, authority = configuration(place, port, log)
        address = f"https://localhost:{port}"
        folders = [str(folder) for folder in (shared_folder() / "models",) if folder.is_dir()]
        values = {**place.values(1, address), "models": {"folders": folders}, "inference": INFERENCE}
        values["web"]["behind_proxy"] = 1
        more = {**values, "web": {**values["web"], "port": place.port + 1}}
        other = place.home / "other"
        other.mkdir()
        with (
            nginx(http, Place(place.home, port)),
            running_system(place.home, values) as first,
            running_system(other, more, "--only", "web") as second,
        ):
            yield School(place, address, authority, first, second, log, course, students)


@contextmanager
def lesson(school: School) -> Iterator[tuple[int, Feeder]]:
    """Give a session of the course whose students are fed, until the end."""
    session = Classroom(school.database).start_session(school.course, None)
    feeder = Feeder(school.place.home, session.id, school.students)
    feeder.start()
    try:
        yield session.id, feeder
    finally:
        feeder.stop()
        Classroom(school.database).end_session(session.id)


def nothing_is_lost(school: School, session: int, feeder: Feeder, pages: list[PageClient]) -> None:
    """Stop feeding; then everything that was fed is stored, and every page knows all of it."""
    feeder.stop()
    until(lambda: stored(school.database, session) >= feeder.fed)
    rows = stored(school.database, session)
    assert rows == feeder.fed, "something is stored that nobody sent"
    for page in pages:
        assert page.wait_until(lambda p: p.rows.keys() >= rows, PATIENCE_S), len(rows - page.known())


def test_nginx_keeps_each_browser_with_one_process(school: School) -> None:
    browsers = [requests.Session() for _ in range(12)]
    for _ in range(4):
        for web in browsers:
            assert web.get(f"{school.address}/sign-in", verify=school.authority, timeout=60).ok
    keys = [str(web.cookies["engage_route"]) for web in browsers]
    until(lambda: set(keys) <= school.led().keys())
    led = school.led()
    assert all(len(led[key]) == 1 for key in keys), "a browser was led to two processes"
    assert {port for key in keys for port in led[key]} == {school.place.port, school.place.port + 1}
    for web in browsers:
        web.close()


def test_updates_reach_pages_of_both_by_websocket_and_by_long_polling(school: School) -> None:
    with lesson(school) as (session, feeder):
        pages = [school.page(cookie, session, by) for cookie in school.teachers() for by in ("websocket", "polling")]
        for page in pages:
            page.start()
        heard = 3 * STUDENTS
        for page in pages:
            assert page.wait_until(lambda p: sum(row.by_event for row in p.rows.values()) >= heard, PATIENCE_S)
        nothing_is_lost(school, session, feeder, pages)
        assert [page.connected for page in pages] == [1] * 4, "a connection was led to another process and broke"
        for page in pages:
            page.stop()


def test_what_a_teacher_does_here_is_told_there(school: School) -> None:
    here, there = school.teachers()
    session = Classroom(school.database).start_session(school.course, None).id
    page = school.page(there, session)
    page.start()
    assert page.wait_until(lambda p: p.watching, PATIENCE_S)
    web = requests.Session()
    web.headers["Cookie"] = here
    found = re.search(
        r'name="csrf-token" content="([^"]+)"', web.get(f"{school.address}/", verify=school.authority, timeout=60).text
    )
    assert found
    answer = web.post(
        f"{school.address}/api/v1/sessions/{session}/markers",
        json={"text": "group work"},
        headers={"X-CSRFToken": found[1], "Referer": school.address},
        verify=school.authority,
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    assert page.wait_until(lambda p: p.changes > 0, PATIENCE_S)
    page.stop()
    web.close()
    Classroom(school.database).end_session(session)


def test_pages_of_a_killed_process_miss_nothing(school: School) -> None:
    with lesson(school) as (session, feeder):
        pages = [school.page(cookie, session) for cookie in school.teachers()]
        for page in pages:
            page.start()
        for page in pages:
            assert page.wait_until(lambda p: len(p.rows) >= 2 * STUDENTS, PATIENCE_S)
        kill_web(school.second)
        assert pages[1].wait_until(lambda p: p.connected >= 2, PATIENCE_S)
        newest = max(second for _, second in pages[1].known())
        for page in pages:
            assert page.wait_until(lambda p: max(s for _, s in p.rows) > newest + 2, PATIENCE_S)
        nothing_is_lost(school, session, feeder, pages)
        assert pages[0].connected == 1
        for page in pages:
            page.stop()


def alive(system: RunningSystem) -> bool:
    try:
        return requests.get(f"{system.address}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


@pytest.mark.nightly  # by day `tests/faults/test_services.py` and `tests/browser/test_live_services.py` have them away
@pytest.mark.parametrize("away_s", [5.0, 20.0])
@pytest.mark.parametrize("what", ["queue", "database"])
def test_an_outage_is_said_and_nothing_is_lost(school: School, what: str, away_s: float) -> None:
    with lesson(school) as (session, feeder):
        pages = [school.page(cookie, session) for cookie in school.teachers()]
        for page in pages:
            page.start()
        for page in pages:
            assert page.wait_until(lambda p: len(p.rows) >= 2 * STUDENTS, PATIENCE_S)
        with away(school, what):
            for page in pages:
                assert page.wait_until(lambda p: (what,) in p.troubles, PATIENCE_S), "the page was told nothing"
            time.sleep(away_s)
        for page in pages:
            assert page.wait_until(lambda p: p.troubles[-1] == (), PATIENCE_S), page.troubles
        fed = feeder.sent
        until(lambda: feeder.sent > fed + 2 * STUDENTS)
        nothing_is_lost(school, session, feeder, pages)
        assert "GIVEN UP" not in school.first.said() + school.second.said()
        for page in pages:
            page.stop()


@contextmanager
def away(school: School, what: str) -> Iterator[None]:
    """Have Redis or PostgreSQL gone, as if it had crashed, inside the block."""
    if what == "queue":
        school.place.redis.kill()
    else:
        school.place.postgres.stop("immediate")
    try:
        yield
    finally:
        if what == "queue":
            school.place.redis.start()
        else:
            school.place.postgres.start()


class Monitor:
    """Everything that Redis is told, as its MONITOR shows it."""

    def __init__(self, port: int) -> None:
        self.heard = bytearray()
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(b"MONITOR\r\n")
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        until(lambda: b"+OK" in self.heard)

    def _listen(self) -> None:
        while data := self._socket.recv(65536):
            self.heard += data

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._listener.join()
        self._socket.close()


def in_any_form(marker: bytes) -> list[bytes]:
    """Return a text as it would be found: itself, and by base64 at each of its three offsets."""
    forms = [marker]
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + marker)
        forms.append(text[math.ceil(offset * 4 / 3) + 1 : len(text) - 4])
    return forms


@dataclass
class JoinedStudent:
    """A browser that has joined: it pushes frames, and hears its own readings."""

    student: int
    source: socketio.Client
    readings: threading.Event


def join(school: School, course: int, session: int, process: int) -> JoinedStudent:
    """Return a new student who has said Yes in a browser that nginx leads to ``process``."""
    classroom, token = Classroom(school.database), secrets.token_urlsafe(24)
    student = classroom.create_student(course, NewStudent(f"Joined {token[:4]}", minor=False)).id
    hashes = KeyHashes(hashlib.sha256(token.encode()).hexdigest(), secrets.token_hex(32))
    teacher = Queries(school.database).session(session)
    assert teacher is not None and teacher.started_by is not None
    JoinKeys(school.database).issue(course, {student: hashes}, teacher.started_by)
    web = requests.Session()
    web.trust_env, web.verify = False, school.authority
    while school.process_of(f"engage_route={web.cookies.get('engage_route', '0')}") != process or not web.cookies:
        web.cookies.clear()
        web.get(f"{school.address}/join", timeout=60)
    page = web.get(f"{school.address}/join/me/{token}", timeout=60)
    found = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert found, page.text[:500]
    sent = {"headers": {"Referer": school.address, "X-CSRFToken": found[1]}, "timeout": 60}
    answered = web.post(f"{school.address}/join/answer", data={"answer": "yes", "csrf_token": found[1]}, **sent)
    assert 'data-state="starting"' in answered.text, answered.text[:2000]
    ticket = web.post(f"{school.address}/join/api/ticket", json={}, **sent).json()["ticket"]
    heard = threading.Event()
    client = socketio.Client(reconnection=False, http_session=web)
    client.on("reading", lambda reading: heard.set(), namespace=JOINERS)
    client.connect(
        school.address, auth={"ticket": ticket}, namespaces=[JOINERS], transports=["websocket"], wait_timeout=60
    )
    return JoinedStudent(student, client, heard)


def test_frames_reach_their_worker_from_either_process_and_redis_never_sees_one(school: School) -> None:
    """The second web process is another program's: its frames go through the shared folder's sockets."""
    import redis

    classroom, database = Classroom(school.database), school.database
    teacher = Accounts(database).user_by_email(EMAIL)
    assert teacher is not None
    course = classroom.create_course("Joining", teacher.id).id
    session = classroom.start_session(course, teacher.id).id
    joined = [join(school, course, session, process) for process in (0, 1)]
    marker = f"frame-{secrets.token_hex(24)}".encode()
    monitor = Monitor(school.place.redis.port)
    deadline = time.monotonic() + PATIENCE_S
    moment = 0.0
    while not all(each.readings.is_set() for each in joined):
        assert time.monotonic() < deadline, [each.readings.is_set() for each in joined]
        for each in joined:
            _, jpeg = draw(each.student, moment)
            answer = each.source.call("frame", jpeg + marker, namespace=JOINERS, timeout=60)
            assert answer["state"] == "on" and "error" not in answer, answer
        moment += 0.5
        time.sleep(0.4)
    rows = stored(database, session)
    assert {student for student, _ in rows} == {each.student for each in joined}
    with redis.Redis.from_url(school.place.redis.url) as client:
        client.publish("control", marker[:12] + b"-is-seen")
        until(lambda: b"-is-seen" in monitor.heard)
        kept = [bytes(key) for key in client.scan_iter()]
    seen = bytes(monitor.heard)
    assert b"reading" in seen, "their events did go through Redis"
    assert not any(form in seen for form in in_any_form(marker[12:])), "Redis was told a frame"
    assert b"\\xff\\xd8" not in seen and b"/9j/" not in seen, "Redis was told a JPEG"
    assert all(key.startswith(b"LIMITS") or b"engage" in key for key in kept), kept
    monitor.close()
    for each in joined:
        each.source.disconnect()
    classroom.end_session(session)
