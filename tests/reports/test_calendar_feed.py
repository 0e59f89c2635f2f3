"""The calendar feed and its secret addresses."""

from __future__ import annotations

import dataclasses
from datetime import UTC, timedelta

import icalendar
import pytest
from sqlalchemy import text

from engage.reports.calendar_feed import feed
from engage.storage.calendar_tokens import CalendarTokens
from engage.storage.database import Database
from tests.databases import School
from tests.reports.making import START, session


class TestFeed:
    """RFC 5545, read back."""

    def test_events(self) -> None:
        sessions = [session(title="Waves; “café”, ünïcode\r\nX-EVIL:1"), session(START, None, 6, "Physics")]
        calendar = icalendar.Calendar.from_ical(feed(sessions, "https://school.example", START + timedelta(minutes=4)))
        ended, running = calendar.walk("VEVENT")
        assert str(ended["SUMMARY"]) == "Waves; “café”, ünïcode  X-EVIL:1 (Physics)"
        assert (ended.decoded("DTSTART"), ended.decoded("DTEND")) == (START, START + timedelta(minutes=10))
        assert ended.decoded("DTSTART").tzinfo is not None and ended.decoded("DTSTART").astimezone(UTC) == START
        assert (str(ended["UID"]), str(ended["URL"])) == (
            "session-5@school.example",
            "https://school.example/sessions/5/report",
        )
        assert str(running["SUMMARY"]) == "Physics"
        assert running.decoded("DTEND") == START + timedelta(minutes=4)

    def test_no_sessions(self) -> None:
        assert icalendar.Calendar.from_ical(feed([], "http://localhost:8000", START)).walk("VEVENT") == []

    def test_a_session_of_no_length_lasts_a_second(self) -> None:
        one = dataclasses.replace(session(), ended_at=START)
        event = icalendar.Calendar.from_ical(feed([one], "http://localhost", START)).walk("VEVENT")[0]
        assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(seconds=1)


class TestTokens:
    """One for each account, revocable, and only its hash is kept."""

    def test_issue_use_revoke(self, school: School, database: Database) -> None:
        tokens, teacher = CalendarTokens(database), school.teacher.id
        assert tokens.issued_at(teacher) is None and not tokens.revoke(teacher)
        token = tokens.issue(teacher)
        assert tokens.user_id(token) == teacher and tokens.issued_at(teacher) is not None
        with database.engine.connect() as connection:
            stored = str(connection.execute(text("SELECT value FROM settings")).all())
        assert token.partition(".")[2] not in stored
        newer = tokens.issue(teacher)
        assert (tokens.user_id(token), tokens.user_id(newer)) == (None, teacher)
        assert tokens.revoke(teacher) and tokens.user_id(newer) is None

    def test_an_account_that_was_switched_off(self, school: School, database: Database) -> None:
        tokens = CalendarTokens(database)
        token = tokens.issue(school.teacher.id)
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE users SET active = :no"), {"no": False})
        assert tokens.user_id(token) is None

    @pytest.mark.parametrize(
        "token", ["", ".", "1", "1.", "x.y", "²." + "a" * 43, f"{10**30}.a", "1." + "a" * 200, "1.\ud800"]
    )
    def test_nonsense(self, school: School, database: Database, token: str) -> None:
        CalendarTokens(database).issue(1)
        assert CalendarTokens(database).user_id(token) is None
