"""A student's dialog on the live page: read and used by keyboard and by mouse."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CARDS = "document.querySelectorAll('.card[data-kind=present]').length"
CORRECTIONS = "() => fetch(`/api/v1${engageLive.path}/corrections`).then(answer => answer.json())"


def corrections(page: Page) -> list[dict[str, Any]]:
    """Return what is stored."""
    rows: list[dict[str, Any]] = page.evaluate(CORRECTIONS)["corrections"]
    return rows


def test_a_students_dialog(page: Page, serve: Any, sign_in: Any, until: Any, look: Any, accessible: Any) -> None:
    server = serve(6)
    sign_in(server)
    page.goto(server.past_session(400))
    until(page, f"() => {CARDS} >= 4")
    opener = page.get_by_role("button", name="Ben Okafor: timeline and what makes the score")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Ben Okafor")
    expect(dialog).to_be_visible()
    expect(page.locator("#student-state")).to_have_text(re.compile(r"^\d+\.\d of 10 · appears .* · seat B1$"))
    expect(page.locator("#student-chart")).to_have_attribute("aria-label", re.compile(r"^Score from .* on average"))
    expect(page.locator("#student-words")).to_have_text(re.compile(r"^\d+\.\d of 10: "))
    expect(page.locator("#student-shares li").first).to_contain_text(re.compile(r"\d+ %"))
    expect(page.locator("#student-slow")).to_contain_text("Not read at this frame rate: nod")
    correct_by_keyboard(page)
    look("student")
    accessible()
    explain_a_moment(page)
    correct_by_mouse(page)
    withdraw(page)
    pause(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    assert "Ben" not in (page.locator("#student").text_content() or ""), "it keeps nothing of anybody"


def correct_by_keyboard(page: Page) -> None:
    """Say that the last three minutes were not engaged, without a mouse."""
    page.get_by_role("button", name="last 3 minutes").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Was not", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#seen-said")).to_have_text(re.compile("^Noted"))
    (row,) = corrections(page)
    assert row["engaged"] is False and row["own"] and row["until"] - row["from"] == pytest.approx(180, abs=1)
    expect(page.locator("#seen-list li")).to_have_count(1)


def explain_a_moment(page: Page) -> None:
    """Go back along the timeline by the slider, then to now."""
    page.get_by_role("slider", name="Moment to explain").focus()
    for _ in range(3):
        page.keyboard.press("PageDown")
    expect(page.locator("#student-when")).to_have_text(re.compile(r"^at \d\d:\d\d:\d\d$"))
    page.get_by_role("button", name="Back to now").click()
    expect(page.locator("#student-when")).to_have_text("now")


def correct_by_mouse(page: Page) -> None:
    """Drag over a part of the timeline and say that it was engaged."""
    page.locator("#student-chart").scroll_into_view_if_needed()
    box = page.locator("#student-chart .u-over").bounding_box()
    assert box is not None
    before = page.locator("#seen-from").input_value()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 40, steps=4)
    page.mouse.up()
    expect(page.locator("#seen-from")).not_to_have_value(before)
    page.get_by_role("button", name="Was engaged", exact=True).click()
    expect(page.locator("#seen-list li")).to_have_count(2)
    first = corrections(page)[0]
    assert first["engaged"] is True and 40 < first["until"] - first["from"] < 120, "a fifth of seven minutes"


def withdraw(page: Page) -> None:
    """Take the second one back."""
    page.get_by_role("button", name=re.compile("Withdraw: Was engaged")).click()
    expect(page.locator("#seen-said")).to_have_text("Withdrawn.")
    assert [row["engaged"] for row in corrections(page)] == [False]


def pause(page: Page) -> None:
    """Pause this student alone, and ask for a look at the screen after."""
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#student-said")).to_contain_text("Paused")
    expect(page.locator("#student-look")).to_be_disabled()
    assert page.evaluate("engageLive.session.paused") is False
    page.get_by_role("button", name="Go on", exact=True).click()
    expect(page.locator("#student-look")).to_be_enabled()
    page.get_by_role("button", name="Look at the screen", exact=True).click()
    expect(page.locator("#student-said")).to_have_text(re.compile("^Look at the screen|^Done"))
