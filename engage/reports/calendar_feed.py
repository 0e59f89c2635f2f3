"""Sessions as an iCalendar feed (RFC 5545): when they were, and where their reports are. No student is in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Event

from engage.storage.records import SessionRecord

NAME = "Class sessions"
ASK_EVERY = timedelta(hours=1)


def feed(sessions: Iterable[SessionRecord], home: str, now: datetime) -> bytes:
    """Return the feed; ``home`` is the dashboard's address. A running session ends, for now, at ``now``."""
    calendar = Calendar()
    calendar.add("prodid", "-//Engage//Sessions//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", NAME)
    calendar.add("refresh-interval", ASK_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", ASK_EVERY, parameters={"VALUE": "DURATION"})
    for session in sessions:
        calendar.add_component(_event(session, home.rstrip("/"), now))
    return bytes(calendar.to_ical())


def _event(session: SessionRecord, home: str, now: datetime) -> Event:
    ended = session.ended_at or now
    event = Event()
    event.add("uid", f"session-{session.id}@{urlsplit(home).hostname or 'engage'}")
    event.add("dtstamp", session.ended_at or session.started_at)
    event.add("dtstart", _whole(session.started_at))
    event.add("dtend", max(_whole(ended), _whole(session.started_at) + timedelta(seconds=1)))
    event.add("summary", _title(session))
    event.add("url", f"{home}/sessions/{session.id}/report")
    event.add("transp", "OPAQUE")
    if session.ended_at is None:
        event.add("description", "This session is running.")
    return event


def _title(session: SessionRecord) -> str:
    title = session.title or session.course_title
    named = title if title == session.course_title else f"{title} ({session.course_title})"
    return "".join(character if character.isprintable() else " " for character in named)


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
