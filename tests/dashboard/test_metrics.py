"""Numbers for Prometheus and the health of the system: who may read them, and that they name nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dashboard import create_app
from dashboard.live import deliver
from engage.core.meters import Meters
from engage.core.types import Reason, Sample, Score, ScoredSample
from engage.core.updates import LiveUpdate
from engage.storage.pulse import Pulse, Standing

SCORED = Score(value=6.0, confidence=0.8, reason=None, terms={})
UNSCORED = Score(value=None, confidence=0.0, reason=Reason.AWAY, terms={})


def numbers(client: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(client: Any, name: str, **labels: str) -> float:
    return numbers(client)[name, frozenset(labels.items())]


class Set:
    """A clock that stands."""

    def __init__(self, now: datetime) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


def test_requests_are_counted_by_endpoint_and_not_by_address(browser: Any, school: Any) -> None:
    client = browser("teacher")
    for path in (f"/courses/{school.course}", f"/courses/{school.course}", f"/courses/{school.other_course}", "/none"):
        client.get(path)
    labels = {"endpoint": "courses.show", "method": "GET"}
    assert value(client, "engage_requests_total", status="200", **labels) == 2
    assert value(client, "engage_requests_total", status="404", **labels) == 1
    assert value(client, "engage_requests_total", endpoint="none", method="GET", status="404") == 1
    assert value(client, "engage_request_seconds_count", endpoint="courses.show") == 3


def test_samples_are_counted_and_nobody_is_named(app: Any, browser: Any, school: Any) -> None:
    client = browser("teacher")
    deliver(app, [update(school, SCORED), update(school, UNSCORED), update(school, UNSCORED)])
    assert value(client, "engage_updates_total") == 3
    assert value(client, "engage_samples_total", scored="yes") == 1
    assert value(client, "engage_samples_total", scored="no") == 2
    assert value(client, "engage_sessions_running") == 2
    text = client.get("/metrics").text
    assert not [name for name in ("Amina", "Ben", "teacher@", "Physics", "rtsp") if name in text]
    labels = {label for _, pairs in numbers(client) for label, _ in pairs}
    assert labels <= {"endpoint", "method", "status", "le", "scored", "outcome", "process", "event"}


def update(school: Any, score: Score) -> LiveUpdate:
    now = datetime.now(UTC)
    sample = Sample(school.session, school.student, int(now.timestamp()), now, 5, 1.0, 1.0, 0.9, 120.0)
    return LiveUpdate(school.session, now, (ScoredSample(sample, score, "1"),))


@pytest.mark.parametrize(
    ("remote", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403),
        ("192.0.2.7", {"Authorization": "Bearer a-long-secret"}, 200),
        ("192.0.2.7", {"Authorization": "Bearer another"}, 403),
        ("192.0.2.7", {"Authorization": "Basic YTpi"}, 403),
    ],
)
def test_who_may_read(
    settings: Any, database: Any, school: Any, remote: str, headers: dict[str, str], status: int
) -> None:
    with_token = settings.model_copy(update={"metrics": type(settings.metrics)(token="a-long-secret")})
    client = create_app(with_token, database).test_client()
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": remote}, headers=headers).status_code == status


def test_without_a_token_none_fits(browser: Any, school: Any) -> None:
    answer = browser(None).get(
        "/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}, headers={"Authorization": "Bearer "}
    )
    assert answer.status_code == 403


class TestReadiness:
    """What ``/readyz`` says of the processes."""

    def problems(self, client: Any) -> list[str]:
        answer = client.get("/readyz")
        found = [each for each in answer.json["problems"] if each != "browser libraries"]
        assert answer.status_code == (503 if answer.json["problems"] else 200)
        return found

    def test_all_well(self, browser: Any, database: Any, school: Any) -> None:
        client = browser(None)
        assert self.problems(client) == [], "nothing that supervises has written"
        Pulse(database).write([Standing("collector", True, False, 0), Standing("capture-1", False, False, 1)])
        assert self.problems(client) == [], "students of one process are away for seconds"
        Pulse(database).stop()
        assert self.problems(client) == []

    def test_processes_that_do_not_work(self, browser: Any, database: Any, school: Any) -> None:
        Pulse(database).write([Standing("collector", False, False, 3), Standing("capture-1", False, True, 10)])
        assert self.problems(browser(None)) == ["capture-1 was given up", "collector does not report"]

    def test_silence(self, browser: Any, database: Any, school: Any) -> None:
        long_ago = Set(datetime.now(UTC) - timedelta(minutes=5))
        Pulse(database, long_ago).write([Standing("collector", True, False, 0)])
        assert "have not reported" in self.problems(browser(None))[0]

    def test_stages_in_the_metrics(self, browser: Any, database: Any, school: Any) -> None:
        meters = Meters()
        meters.count("frames_stale", 3)
        meters.set("inference_queue", 12)
        meters.observe("inferred_age_seconds", [0.04, 0.3])
        other = Meters()
        other.count("samples_written", 7)
        processes = [
            Standing("inference", True, False, 0, {}, meters.snapshot()),
            Standing("collector", True, False, 0, {}, other.snapshot()),
        ]
        Pulse(database).write(processes)
        client = browser(None)
        assert value(client, "engage_frames_stale_total", process="inference") == 3
        assert value(client, "engage_inference_queue", process="inference") == 12
        assert value(client, "engage_inferred_age_seconds_count", process="inference") == 2
        assert value(client, "engage_inferred_age_seconds_bucket", process="inference", le="0.05") == 1
        assert value(client, "engage_inferred_age_seconds_sum", process="inference") == pytest.approx(0.34)
        assert value(client, "engage_samples_written_total", process="collector") == 7
        names = {name for name, _ in numbers(client)}
        assert not [name for name in names if name.startswith("engage_batch_size")], "nobody counted any"

    def test_processes_in_the_metrics(self, browser: Any, database: Any, school: Any) -> None:
        Pulse(database).write([Standing("collector", True, False, 2, {"signals_dropped": 7})])
        client = browser(None)
        assert value(client, "engage_process_up", process="collector") == 1
        assert value(client, "engage_process_restarts", process="collector") == 2
        assert value(client, "engage_process_events_total", process="collector", event="signals_dropped") == 7


def test_a_database_that_is_gone_is_said_and_not_an_error(browser: Any, database: Any, school: Any) -> None:
    client = browser(None)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME TO elsewhere")
    assert value(client, "engage_database_up") == 0
    assert ("engage_sessions_running", frozenset()) not in numbers(client)
