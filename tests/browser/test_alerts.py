"""Alerts on the live page, the page of a course's rules and that of notifications, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engage.core.rules import alert_settings
from engage.storage.alerts import Alerts
from engage.storage.database import Database

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

RULES = alert_settings({"low_engagement": {"threshold": 6.0, "clear": 7.0}, "group_share": 1.0})
"""By these, four of the twelve made-up students are low at any time of day."""
CURRENT = "document.querySelectorAll('#alerts-list > .alert').length"


def start(serve: Any, sign_in: Any, seconds: int) -> str:
    """Start a session with a past in which some students' scores are low, each told singly; return its address."""
    server = serve(12)
    database = Database(f"sqlite:///{server.home}/engage.db")
    database.open()
    Alerts(database).save_rules(1, RULES, None)
    database.close()
    sign_in(server)
    return str(server.past_session(seconds))


def test_the_panel(page: Page, serve: Any, sign_in: Any, until: Any, look: Any, accessible: Any) -> None:
    address = start(serve, sign_in, 300)
    page.goto(address)
    until(page, f"() => {CURRENT} >= 2")
    first = page.locator("#alerts-list > .alert").first
    expect(first).to_contain_text(re.compile(r"Low score.*score below 6 for 90 s.*since \d\d:\d\d", re.DOTALL))
    name = first.locator(".who").text_content() or ""
    card = page.locator(".card", has_text=name)
    expect(card.locator(".badge")).to_be_visible()
    expect(card.locator(".badge .hidden-text")).to_have_text("Alert: Low score")
    look("alerts")
    accessible()

    other = page.context.new_page()
    other.goto(address)
    until(other, f"() => {CURRENT} >= 2")
    before = page.evaluate(CURRENT)
    top = page.locator(".cards").bounding_box()
    first.get_by_role("button", name=f"Got it: {name}, Low score").click()
    for each in (page, other):
        until(each, f"n => {CURRENT} === n", before - 1)
        expect(each.locator(".card", has_text=name).locator(".badge")).to_be_hidden()
    assert page.locator(".cards").bounding_box() == top, "nothing jumps"
    assert page.evaluate("document.activeElement.className") == "got-it", "the focus goes on to the next"
    page.locator("#alerts-list .snooze").first.click()
    until(other, f"n => {CURRENT} === n", before - 2)
    page.locator("#alerts-past summary").click()
    expect(page.locator("#alerts-past-list")).to_contain_text(re.compile(r"snoozed until \d\d:\d\d"))
    other.close()


def test_the_keyboard_opens_and_closes_it(page: Page, serve: Any, sign_in: Any, until: Any) -> None:
    page.goto(start(serve, sign_in, 200))
    until(page, f"() => {CURRENT} >= 1")
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.className") == "got-it"
    page.keyboard.press("a")
    expect(page.locator("#alerts-body")).to_be_hidden()
    page.reload()
    until(page, f"() => {CURRENT} >= 1")
    expect(page.locator("#alerts-toggle")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#alerts-toggle")).to_have_accessible_name(re.compile(r"Alerts \d+ new alerts?"))


def test_rules_and_notifications(page: Page, serve: Any, sign_in: Any, look: Any, accessible: Any) -> None:
    server = serve(12)
    sign_in(server)
    server.past_session(300)
    page.goto(f"{server.address}/courses/1/alerts")
    page.get_by_role("button", name="Preview on the last session").click()
    expect(page.get_by_role("heading", name="These would have fired")).to_be_visible()
    assert page.get_by_role("row").count() > 2
    look("alert-rules", full=True)
    accessible()
    page.goto(f"{server.address}/notifications")
    page.get_by_label("Address").fill("https://hooks.example.org/engage?token=secret")
    page.get_by_role("button", name="Add channel").click()
    expect(page.get_by_role("status")).to_contain_text("signed with this key")
    look("notifications", full=True)
    accessible()
