"""Alerts by the API and on the pages: seen, snoozed, told to all; the rules of a course and their preview."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from dashboard.live import deliver
from engage.core.types import Mode, Sample, Score, ScoredSample
from engage.core.updates import AlertEvent, AlertState, LiveUpdate
from engage.storage.alarms import Alarms
from engage.storage.alerts import Alerts
from engage.storage.database import Database
from engage.storage.store import SqlStore


@pytest.fixture
def low(school: Any, database: Database) -> int:
    """Return the alert of a student whose score was low for two minutes; then the session ended nobody knows when."""
    lesson = school.queries.session(school.session)
    store, alarms = SqlStore(database), Alarms(database)
    for second in range(120):
        at = lesson.started_at + timedelta(seconds=second)
        unix = int(at.timestamp())
        sample = Sample(school.session, school.student, unix, at, 5, 1.0, 1.0, 0.9, 0.5, mode=Mode.ATTENTION)
        scored = [ScoredSample(sample, Score(2.0, 0.8, None, {"raw": 2.0}), "test-1")]
        store.write(scored)
        alarms(scored, (), at)
    (alert,) = Alerts(database).of_session(school.session)
    return alert.id


def test_what_fires_is_listed_with_its_reason(school: Any, browser: Any, low: int) -> None:
    (alert,) = browser("teacher").get(f"/api/v1/sessions/{school.session}/alerts").get_json()["alerts"]
    assert (alert["id"], alert["student"], alert["rule"], alert["state"]) == (
        low, school.student, "low_engagement", "firing"
    )  # fmt: skip
    assert alert["why"] == "score below 4 for 90 s, 2.0 on average"
    assert alert["started_at"] - alert["since"] == pytest.approx(90, abs=0.01)


def test_seen_and_snoozed_by_one_page_is_told_to_all(
    app: Flask, school: Any, browser: Any, call: Any, low: int
) -> None:
    client = browser("teacher")
    other = app.extensions["socketio"].test_client(app, flask_test_client=browser("admin"))
    other.emit("watch", {"session": school.session}, callback=True)
    other.get_received()
    path = f"/api/v1/sessions/{school.session}/alerts/{low}"
    seen = call(client, f"{path}/acknowledge", {})
    assert seen.status_code == 200 and seen.get_json()["acknowledged_at"] > 0
    snoozed = call(client, f"{path}/snooze", {"minutes": 10})
    assert snoozed.get_json()["snoozed_until"] > seen.get_json()["acknowledged_at"]
    assert [event["name"] for event in other.get_received()] == ["changed", "changed"]


@pytest.mark.parametrize("body", [{}, [], {"minutes": 0}, {"minutes": True}, {"minutes": "ten"}, {"minutes": 99999}])
def test_a_snooze_without_a_time_is_refused(school: Any, browser: Any, call: Any, low: int, body: object) -> None:
    answer = call(browser("teacher"), f"/api/v1/sessions/{school.session}/alerts/{low}/snooze", body)
    assert answer.status_code == 400 and "minutes" in answer.get_json()["error"]


def test_an_alert_of_another_session_is_not_there(school: Any, browser: Any, call: Any, low: int) -> None:
    answer = call(browser("admin"), f"/api/v1/sessions/{school.other_session}/alerts/{low}/acknowledge", {})
    assert answer.status_code == 400


class TestRules:
    """The page of a course's rules."""

    def test_saved_rules_are_shown_again(self, school: Any, browser: Any, send: Any, database: Database) -> None:
        client, path = browser("teacher"), f"/courses/{school.course}/alerts"
        form = {"low_engagement.enabled": "on", "low_engagement.threshold": "3.5", "low_engagement.hold_s": "120"}
        form["group_least"] = "5"
        assert send(client, path, do="save", **form).status_code == 302
        rules = Alerts(database).rules(school.course)
        assert (rules.low_engagement.threshold, rules.low_engagement.hold_s) == (3.5, 120)
        assert not rules.away.enabled and rules.group_least == 5
        page = client.get(path).text
        assert 'value="3.5"' in page and 'name="group_least" value="5"' in page
        send(client, path, do="reset")
        assert Alerts(database).rules(school.course).away.enabled

    @pytest.mark.parametrize(
        ("number", "words"),
        [("many", "is not a number"), ("12", "threshold must lie in 0.5-9"), ("nan", "give numbers")],
    )
    def test_what_cannot_be_meant_is_said_and_not_saved(
        self, school: Any, browser: Any, send: Any, database: Database, number: str, words: str
    ) -> None:
        answer = send(
            browser("teacher"), f"/courses/{school.course}/alerts", do="save", **{"low_engagement.threshold": number}
        )
        assert answer.status_code == 422
        assert words in answer.text and f'value="{number}"' in answer.text
        assert Alerts(database).rules(school.course).low_engagement.threshold == 4.0

    def test_half_a_student_is_refused(self, school: Any, browser: Any, send: Any) -> None:
        answer = send(browser("teacher"), f"/courses/{school.course}/alerts", do="save", group_least="2.5")
        assert answer.status_code == 422 and "is not a whole number" in answer.text

    def test_a_preview_of_a_part_says_so(
        self, school: Any, browser: Any, send: Any, low: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        form = {"do": "preview", "low_engagement.enabled": "on", "low_engagement.hold_s": "20"}
        client, path = browser("teacher"), f"/courses/{school.course}/alerts"
        assert "Only the end" not in send(client, path, **form).text
        monkeypatch.setattr("dashboard.alerts.MOST_PLAYED", 10)
        shown = send(client, path, **form).text
        assert "Only the end of that session was played" in shown and "score below 4" not in shown

    def test_the_preview_shows_the_last_session_and_saves_nothing(
        self, school: Any, browser: Any, send: Any, database: Database, low: int
    ) -> None:
        client, path = browser("teacher"), f"/courses/{school.course}/alerts"
        shown = send(client, path, do="preview", **{"low_engagement.enabled": "on", "low_engagement.hold_s": "20"})
        assert "score below 4 for 20 s" in shown.text and "Amina" in shown.text
        none = send(client, path, do="preview", **{"low_engagement.enabled": "on", "low_engagement.hold_s": "600"})
        assert "None, with the numbers above" in none.text
        assert Alerts(database).rules(school.course).low_engagement.hold_s == 90


def test_alerts_travel_with_the_update_to_the_pages_that_watch(app: Flask, school: Any, browser: Any, low: int) -> None:
    socket = app.extensions["socketio"].test_client(app, flask_test_client=browser("teacher"))
    socket.emit("watch", {"session": school.session}, callback=True)
    socket.get_received()
    now = datetime.now(UTC)
    alert = AlertEvent(school.session, None, "class_dip", AlertState.FIRING, now, details={"since": 5.0}, id=9)
    updates = [LiveUpdate(school.session, now, alerts=(alert,)), LiveUpdate(school.session, now)]
    with app.app_context():
        deliver(app, updates)
    (event,) = socket.get_received()
    (told,) = event["args"][0]["alerts"]
    assert (told["id"], told["student"], told["headline"], told["since"]) == (9, None, "Class score fell", 5.0)
