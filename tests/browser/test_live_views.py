"""The live page's other views: the seating plan, the projector's, and two teachers who look at one class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.services import Passwords
from engage.core.rules import alert_settings
from engage.storage.accounts import Accounts
from engage.storage.alerts import Alerts
from engage.storage.database import Database
from engage.storage.records import Role
from engage.storage.staffing import Staffing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CARDS = "document.querySelectorAll('.card[data-kind=present]').length"
ALERTS = "document.querySelectorAll('#alerts-list > .alert').length"
PLACES = """[...document.querySelectorAll('.card')].map(card => {
    const { x, y } = card.getBoundingClientRect();
    return [card.querySelector('.name').textContent, Math.round(x), Math.round(y)];
})"""
PERSONAL = """names => {
    const everything = document.documentElement.outerHTML
        + [...document.querySelectorAll('input')].map(field => field.value).join();
    return names.filter(name => everything.includes(name));
}"""
NAMES = "[...engageLive.memory.students.values()].flatMap(s => s.entry.name.split(' ')).filter(name => name.length > 3)"
LOW = alert_settings({"low_engagement": {"threshold": 6.0, "clear": 7.0}, "group_share": 1.0})
"""By these some of the twelve made-up students are low at any time of day."""
COLLEAGUE = "colleague@school.example"


def prepare(server: Any) -> None:
    """Let alerts come, and give the course a second teacher."""
    database = Database(f"sqlite:///{server.home}/engage.db")
    database.open()
    Alerts(database).save_rules(1, LOW, None)
    colleague = Accounts(database).create_user(COLLEAGUE, "Colleague", Passwords().hash("a loud evening"), Role.TEACHER)
    Staffing(database).add(1, colleague.id, 1)
    database.close()


@pytest.fixture
def other(chromium: Browser) -> Iterator[Page]:
    """Yield a page of another browser."""
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def test_the_seating_plan_and_the_projector(
    page: Page, serve: Any, sign_in: Any, until: Any, look: Any, accessible: Any
) -> None:
    server = serve(12)
    prepare(server)
    sign_in(server)
    server.steer(lost=[8], unreached=[8])
    page.goto(server.past_session(200))
    until(page, f"() => {CARDS} >= 8 && {ALERTS} >= 1")
    unreached = page.locator(".card", has_text="Ines").locator(".status")
    expect(unreached).to_have_text("no machine reaches this camera")
    page.keyboard.press("v")
    expect(page.get_by_role("button", name="Seating plan")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".board")).to_have_text("Board")
    places = {name: (x, y) for name, x, y in page.evaluate(PLACES)}
    first, beside, behind = places["Amina Diallo"], places["Finn O'Brien"], places["Ben Okafor"]  # A1, A2, B1
    assert first[1] == beside[1] and first[0] < beside[0]
    assert first[0] == behind[0] and first[1] < behind[1]
    expect(page.locator(".desk")).to_have_count(30 - 12)
    look("seats", full=True)
    accessible()
    page.reload()
    until(page, f"() => {CARDS} >= 8")
    expect(page.locator(".board")).to_be_visible()

    names = page.evaluate(NAMES)
    assert set(page.evaluate(PERSONAL, names)) == set(names), "or the check below says nothing"
    page.locator(".card-open").first.click()
    expect(page.locator("#student-name")).not_to_be_empty()
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator("#state")).to_have_text("1 camera is lost. Trying again.")
    assert page.evaluate(PERSONAL, names) == []
    look("projector")
    accessible()
    page.reload()
    until(page, "() => document.querySelector('#mean').textContent !== '–'")
    assert page.evaluate(PERSONAL, names) == [], "it survives a reload, from the first moment on"
    page.get_by_role("button", name="Show names").click()
    until(page, f"() => {CARDS} >= 8 && {ALERTS} >= 1")


def test_on_a_projector_a_small_class_is_not_shown_as_a_class(page: Page, serve: Any, sign_in: Any, until: Any) -> None:
    server = serve(4)
    sign_in(server)
    page.goto(server.past_session(30))
    until(page, f"() => {CARDS} >= 4 && document.querySelector('#mean').textContent !== '–'")
    page.keyboard.press("h")
    expect(page.locator("#mean")).to_have_text("–")
    expect(page.locator("#coverage")).to_have_text("Shown where at least 5 students have a score")
    assert page.evaluate("engageLive.band.columns.slice(1).flat().every(value => value === null)")


def test_two_teachers_see_what_the_other_does(page: Page, other: Page, serve: Any, sign_in: Any, until: Any) -> None:
    server = serve(12)
    prepare(server)
    sign_in(server)
    address = server.past_session(200)
    other.goto(f"{server.address}/sign-in")
    other.get_by_label("E-mail").fill(COLLEAGUE)
    other.get_by_label("Password").fill("a loud evening")
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url(f"{server.address}/")
    for each in (page, other):
        each.goto(address)
    for each in (page, other):
        until(each, f"() => {CARDS} >= 8 && {ALERTS} >= 1")

    page.keyboard.press("m")
    page.get_by_label("What begins now?").fill("Discussion")
    page.keyboard.press("Enter")
    until(other, "() => engageLive.markers.some(marker => marker.text === 'Discussion')")
    alerts = other.evaluate(ALERTS)
    other.locator("#alerts-list .got-it").first.click()
    until(page, f"n => {ALERTS} < n", alerts)
    page.keyboard.press("l")
    page.get_by_role("button", name="Ask the class").click()
    until(other, "() => engageLive.session.calibration.length === 1")
    expect(page.locator("#look-words")).to_contain_text("Done.")
    page.keyboard.press("Escape")
    other.keyboard.press("p")
    for each in (page, other):
        expect(each.locator("#pause")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("p")
    for each in (page, other):
        expect(each.locator("#pause")).to_have_attribute("aria-pressed", "false")
