"""A system that serves the local network by HTTPS, and browsers that reach it by a host name that is not localhost."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from engage.cli.trial import RunningSystem, database_url, running_system
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.queries import Queries

HOST = "school.example"
EMAIL, PASSWORD = "ada@school.example", "a quiet morning"
CAMERA_FRAMES = 30


@dataclass(frozen=True)
class Network:
    """The running system and where it keeps its things."""

    system: RunningSystem
    home: Path

    @property
    def address(self) -> str:
        """Return the address by which browsers come."""
        return f"https://{HOST}:{self.system.address.rsplit(':', 1)[1]}"

    def start_demo(self) -> int:
        """Start a session of the virtual class and return its id."""
        with self.database() as database:
            queries = Queries(database)
            teacher = Accounts(database).user_by_email(EMAIL)
            assert teacher is not None
            course = next(course for course in queries.courses_for(teacher.id) if course.demo)
            return Classroom(database).start_session(course.id, teacher.id).id

    def end(self, session_id: int) -> None:
        """End a session."""
        with self.database() as database:
            Classroom(database).end_session(session_id)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Yield the system's database."""
        database = Database(database_url(self.home))
        database.open()
        yield database
        database.close()


@contextmanager
def network(home: Path, values: dict[str, Any]) -> Iterator[Network]:
    """Yield the system, running, with an administrator; the school is in the UK and everything may be inferred."""
    from argon2 import PasswordHasher

    from engage.core.policy import Jurisdiction
    from engage.core.types import Mode

    with running_system(home, {**values, "web": {"tls": {"names": [HOST]}}}, "--demo", "--lan") as system:
        running = Network(system, home)
        with running.database() as database:
            token = system.setup_link.rsplit("/", 1)[1]
            hashed = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
            user = Accounts(database).redeem_setup_token(token, EMAIL, "Ada Lovelace", hashed)
            Classroom(database).save_setup(Jurisdiction.UK, Mode.FULL, user.id)
        yield running


def trusting(home: Path) -> list[str]:
    """Return what makes Chromium find the host here and trust the authority in ``home``, and it alone."""
    authority = x509.load_pem_x509_certificate((home / "var/tls/server.pem").read_bytes())
    key = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return [f"--host-resolver-rules=MAP {HOST} 127.0.0.1", f"--ignore-certificate-errors-spki-list={digest}"]


def fake_camera(folder: Path) -> list[str]:
    """Return what makes Chromium's fake camera show a drawn student; the film is made in ``folder``."""
    from engage.capture.virtual.snapshot import draw

    film = folder / "camera.mjpeg"
    film.write_bytes(b"".join(draw(7, second / 5)[1] for second in range(CAMERA_FRAMES)))
    shown = f"--use-file-for-fake-video-capture={film}"
    return ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", shown]
