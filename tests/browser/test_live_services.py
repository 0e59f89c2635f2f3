"""PostgreSQL and Redis stopped under the running system: what the live page says to people, and that it recovers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cluster.programs import need
from tests.faults.lesson import Lesson, running_lesson
from tests.faults.servers import Postgres, Redis, restartable_postgres

pytestmark = [pytest.mark.browser, pytest.mark.postgres, pytest.mark.timeout(400)]

DATABASE_AWAY = "The database does not answer. What the cameras see is kept, and written when it is back."
NEWS_AWAY = "News does not get through to this page at the moment. Nothing is lost."
KNOWS_ALL = """seconds => [...engageLive.memory.students.values()].every(
    student => seconds.every(second => student.scores.has(second)))"""
PRESENT = "() => document.querySelectorAll('.card[data-kind=present]').length >= 2"
SHORT_S = 6.0
"""How long a service is away at least: past what a page takes to notice."""


@pytest.fixture
def school(tmp_path: Path) -> Iterator[tuple[Lesson, Postgres, Redis]]:
    need("postgres", "redis-server")
    with restartable_postgres() as database:
        queue = Redis(tmp_path)
        try:
            asked = {"socketio": {"message_queue": queue.address}}
            with running_lesson(tmp_path, database.address, count=2, **asked) as lesson:
                yield lesson, database, queue
        finally:
            queue.stop()


def stored(lesson: Lesson, since: float, until: float) -> list[int]:
    """Return the seconds between two times of which every student has a sample."""
    found = [set(seconds) for seconds in lesson.stored(since).values()]
    return sorted(second for second in set.intersection(*found) if since < second < until)


def test_the_live_page_says_what_is_away_and_when_it_is_over(
    page: Page, school: tuple[Lesson, Postgres, Redis], until: Callable[..., None], look: Any
) -> None:
    lesson, database, queue = school
    cookies = [pair.split("=", 1) for pair in lesson.watcher.cookie.split("; ")]
    page.context.add_cookies([{"name": name, "value": value, "url": lesson.system.address} for name, value in cookies])
    page.goto(f"{lesson.system.address}/sessions/{lesson.session}")
    until(page, PRESENT, timeout_s=90)
    state = page.locator("#state")
    expect(state).to_be_hidden()
    for service, words in ((database, DATABASE_AWAY), (queue, NEWS_AWAY)):
        service.stop()
        away = time.time()
        try:
            expect(state).to_contain_text(words, timeout=60_000)
            look(f"away-{'database' if service is database else 'news'}")
            page.wait_for_timeout(max(0.0, 1000 * (SHORT_S - (time.time() - away))))
        finally:
            service.start()
        back = time.time()
        expect(state).to_be_hidden(timeout=60_000)
        lesson.await_live(lesson.students, back + 2.0)
        seconds = stored(lesson, away - 1.0, back)
        assert len(seconds) >= SHORT_S / 2, "the cameras were looked at meanwhile"
        until(page, KNOWS_ALL, seconds, timeout_s=90)
    lesson.assert_told_is_stored()
