"""The whole way: a really running ``engage serve`` on the virtual class, watched in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PRESENT = "document.querySelectorAll('.card[data-kind=present]').length"
SCORED = "document.querySelectorAll('.card[data-says=score]').length"
NUMERALS = "[...document.querySelectorAll('.card')].map(card => card.innerText)"
KNOWN = "[...(window.engageLive?.memory.students.values() ?? [])].reduce((n, s) => n + s.scores.size, 0)"
NEWEST = "engageLive.memory.newest"


def make_the_administrator(page: Page, link: str) -> None:
    """Go from the one-time link to the two doors."""
    page.goto(link)
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail").fill("ada@school.example")
    page.get_by_label("Password", exact=True).fill("a quiet morning")
    page.get_by_label("Password again").fill("a quiet morning")
    page.get_by_role("button", name="Make the account").click()
    page.get_by_label("Somewhere else").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Expression, attention and score").check()
    page.get_by_role("button", name="Next").click()


def test_from_the_link_to_the_end_of_a_session(page: Page, live_system: Any, until: Any, look: Any) -> None:
    make_the_administrator(page, live_system.setup_link)
    page.get_by_role("button", name="Look at the virtual class").click()

    until(page, f"() => {PRESENT} >= 8", timeout_s=120)
    assert page.evaluate("engageLive.link.transport") == "websocket"
    before = page.evaluate(NUMERALS)
    changed = f"old => {NUMERALS}.filter((text, i) => text !== old[i]).length >= 8"
    until(page, changed, before, timeout_s=60)
    until(page, f"() => {SCORED} >= 8", timeout_s=60)
    page.wait_for_timeout(15_000)  # something for the chart and the lines, for the people who look at the pictures
    look("system-live")
    expect(page.locator("#state")).to_be_hidden()

    known = page.evaluate(KNOWN)
    page.reload()
    until(page, f"known => {KNOWN} >= known", known, timeout_s=30)

    page.evaluate("engageLive.link.socket.disconnect()")
    expect(page.locator("#state")).to_have_text(re.compile("Connection lost"))
    last = page.evaluate(NEWEST)
    page.wait_for_timeout(4000)  # real seconds pass while nobody listens
    assert page.evaluate(NEWEST) == last
    page.evaluate("engageLive.link.socket.connect()")
    until(page, f"last => {NEWEST} >= last + 4", last)
    missed = "last => [1, 2, 3].every(s => engageLive.memory.seconds.get(last + s)?.mean != null)"
    until(page, missed, last)

    page.get_by_role("button", name="Stop session").click()
    page.locator("#stop").get_by_role("button", name="Stop session").click()
    expect(page.get_by_text("The session has ended.")).to_be_visible()
    expect(page.locator("#mean")).not_to_have_text("–")
    look("system-ended")
