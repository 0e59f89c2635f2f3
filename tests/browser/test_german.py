"""The pages in German: chosen by the browser, kept by the account, no English word left over, no layout broken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

OUT = Path(__file__).parent / "out"
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CARDS = "document.querySelectorAll('.card[data-kind=present]').length"
PAGES = ("courses/1", "courses/1/students/1", "students/1", "courses/1/alerts", "courses/1/risk", "courses/1/seating",
         "notifications", "calendar", "account", "accounts", "school", "sessions/1/attendance",
         "sessions/1/report")  # fmt: skip
ENGLISH = re.compile(r"\b(the|your|and|nobody|student|students|camera|is|are|with|not yet)\b", re.IGNORECASE)
"""Words that German does not have."""
WORDS = """() => {
    const left = document.body.cloneNode(true);
    left.querySelectorAll('[lang=en], code, script, noscript, option').forEach(node => node.remove());
    return left.textContent;
}"""


@pytest.fixture
def german(chromium: Browser) -> Iterator[Page]:
    """Yield a page of a German browser, whose console must stay free of errors."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light", locale="de-DE")
    context.set_default_timeout(30_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [text for text in errors if "status of 4" not in text] == []


@pytest.fixture
def shots() -> Any:
    """Return a function that saves the page for people to look at, on a desktop and on a phone."""
    OUT.mkdir(exist_ok=True)

    def save(page: Page, name: str) -> None:
        for size, (width, height) in {"phone": (390, 844), "desktop": (1440, 900)}.items():
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=OUT / f"{name}-{size}.png", full_page=size == "phone")

    return save


def enter(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_label("E-Mail").fill("teacher@school.example")
    page.get_by_label("Passwort", exact=True).fill("a quiet morning")
    page.get_by_role("button", name="Anmelden", exact=True).click()
    page.wait_for_url(f"{address}/")


def test_a_german_morning(german: Page, serve: Any, until: Any, shots: Any) -> None:
    server, page = serve(12), german
    enter(page, server.address)
    expect(page.get_by_role("heading", name="Kurse")).to_be_visible()
    server.steer(away=[6], lost=[8])
    page.goto(server.past_session(700))
    until(page, f"() => {CARDS} >= 8")
    expect(page.locator(".card", has_text="Elif").locator(".status")).to_have_text("Einwilligung fehlt")
    expect(page.locator(".card", has_text="Grace").locator(".status")).to_have_text(re.compile(r"weg \d+ s"))
    expect(page.locator("#state")).to_have_text("1 Kamera ist ausgefallen: Ines Duarte. Neuer Versuch läuft.")
    expect(page.locator(".card[data-kind=present] .appears").first).to_have_text("wirkt")
    expect(page.locator(".card[data-kind=present] .numeral").first).to_have_text(re.compile(r"^\d+,\d$"))
    shots(page, "german-live")
    page.locator(".card[data-kind=present] .card-open").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"\d,\d von 10")).first).to_be_visible()
    shots(page, "german-live-student")
    left = {}
    for path in PAGES:
        page.goto(f"{server.address}/{path}")
        expect(page.locator("html")).to_have_attribute("lang", "de")
        found = sorted({match.group() for match in ENGLISH.finditer(page.evaluate(WORDS))})
        if found:
            left[path] = found
        page.set_viewport_size({"width": 320, "height": 640})  # WCAG 1.4.10: longer words too
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            left[f"{path} at 320 px"] = ["cut off"]
        page.set_viewport_size({"width": 1440, "height": 900})
        shots(page, f"german-{path.replace('/', '-')}")
    assert left == {}


def test_the_choice_of_a_language_stays_with_the_account(german: Page, serve: Any, chromium: Browser) -> None:
    server, page = serve(3), german
    enter(page, server.address)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Courses")).to_be_visible()
    page.goto(f"{server.address}/courses/new")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
