"""The whole way through: virtual class, faces, network, score, database rows, Socket.IO events."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import socketio
from argon2 import PasswordHasher

from engage.cli.trial import database_url
from engage.core.live import EVENT
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.queries import Queries

if TYPE_CHECKING:
    from engage.cli.trial import RunningSystem

EMAIL, PASSWORD = "teacher@example.org", "a long password"
STUDENTS = 12


class Listener:
    """A browser's stand-in that waits for a number of updates per student."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen: dict[int, list[dict[str, Any]]] = {}
        self.enough = threading.Event()

    def take(self, payload: dict[str, Any]) -> None:
        for sample in payload["samples"]:
            self.seen.setdefault(sample["student"], []).append(sample)
        if len(self.seen) == STUDENTS and min(map(len, self.seen.values())) >= self.wanted:
            self.enough.set()


@pytest.mark.timeout(180)
def test_from_virtual_class_to_rows_to_events(live_system: RunningSystem, tmp_path: Path) -> None:
    database = Database(database_url(tmp_path))
    database.open()
    try:
        token = live_system.setup_link.rsplit("/", 1)[1]
        user = Accounts(database).redeem_setup_token(token, EMAIL, "Teacher", PasswordHasher().hash(PASSWORD))
        queries, classroom = Queries(database), Classroom(database)
        course = next(course for course in queries.courses_for(user.id) if course.demo)
        session = classroom.start_session(course.id, user.id)
        listener = Listener(wanted=8)
        client = socketio.Client(reconnection=False)
        client.on(EVENT, listener.take)
        cookie = live_system.sign_in(EMAIL, PASSWORD)
        client.connect(live_system.address, headers={"Cookie": cookie}, transports=["websocket"])
        assert client.call("watch", {"session": session.id})["ok"]
        assert listener.enough.wait(90), {student: len(rows) for student, rows in listener.seen.items()}
        classroom.end_session(session.id)
        client.disconnect()
        check_rows(queries, session.id, listener)
        assert_ctrl_c_ends_all(live_system)
    finally:
        database.close()


def check_rows(queries: Queries, session_id: int, listener: Listener) -> None:
    stored = queries.samples_since(session_id, 0)
    by_key = {(scored.sample.student_id, scored.sample.second): scored for scored in stored}
    assert len(by_key) == len(stored), "a student's second was stored twice"
    for student, rows in listener.seen.items():
        seconds = [row["second"] for row in rows]
        assert len(set(seconds)) == len(seconds), "a student's second was sent twice"
        for row in rows:
            value = by_key[student, row["second"]].score.value
            assert row["score"] == (None if value is None else round(value, 2)), "the page was told another score"
        samples = [scored.sample for scored in stored if scored.sample.student_id == student]
        gestures = queries.student_gestures(session_id, student)
        again = [score.value for score in score_all(samples, ScoringSettings(), gestures)]
        assert again == [scored.score.value for scored in stored if scored.sample.student_id == student]
    assert any(scored.score.value is not None for scored in stored)
    assert any(scored.sample.expression for scored in stored)


def assert_ctrl_c_ends_all(system: RunningSystem) -> None:
    tree = list(system.tree())
    assert len(tree) > 5, "web, its worker, collector, inference and capture groups run"
    system.process.send_signal(signal.SIGINT)
    assert system.exit_code() == 130
    _, alive = psutil.wait_procs(tree, timeout=5)
    assert not alive, "a process outlived Ctrl-C"
    assert "Traceback" not in system.said()
