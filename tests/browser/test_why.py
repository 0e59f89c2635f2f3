"""What makes a score, beside the live card: by pointer and by focus."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SCORED = "document.querySelectorAll('.card[data-kind=present]').length"


def test_a_card_says_what_makes_its_score(page: Page, serve: Any, sign_in: Any, until: Any, look: Any) -> None:
    server = serve(6)
    sign_in(server)
    page.goto(server.past_session(60))
    until(page, f"() => {SCORED} >= 4")
    panel, card = page.locator("#why"), page.locator(".card[data-kind=present]").first
    card.hover()
    expect(panel).to_be_visible()
    expect(page.locator("#why-words")).to_have_text(re.compile(r"^\d+\.\d of 10: "))
    expect(page.locator("#why-parts li").first).to_have_text(re.compile(r"^[−+]\d"))
    look("why")
    card.hover()
    page.mouse.move(2, 2)
    expect(panel).to_be_hidden()
    assert panel.text_content().strip() == "", "names stand nowhere longer than they are looked at"

    page.get_by_label("Find a student").focus()
    while page.evaluate("!document.activeElement.matches('.card-open')"):
        page.keyboard.press("Tab")
    expect(panel).to_be_visible()
    expect(page.locator(".card-open:focus")).to_have_accessible_description(re.compile(r"of 10: |No score"))
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
