"""From the link in the terminal to a course with a student, and every page on the way."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_first_run(page: Page, serve: Any, look: Any, accessible: Any) -> None:
    server = serve(0)
    page.goto(server.address)
    expect(page.get_by_role("heading", name="One step is left")).to_be_visible()
    look("before-setup")
    accessible()

    page.goto(f"{server.address}/setup/{(server.home / 'setup.txt').read_text()}")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_text("Choose a password.")).to_be_visible()
    look("setup-errors")
    accessible()
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail").fill("ada@school.example")
    page.get_by_label("Password", exact=True).fill("a quiet morning")
    page.get_by_label("Password again").fill("a quiet morning")
    page.get_by_role("button", name="Make the account").click()

    expect(page.get_by_role("heading", name="Where is the school?")).to_be_visible()
    look("where")
    accessible()
    page.get_by_label("European Union").check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_label("Presence only")).to_be_checked()
    expect(page.get_by_label("Expression, attention and score")).to_be_disabled()
    look("mode-eu")
    accessible()
    page.get_by_role("link", name="Back").click()
    page.get_by_label("Somewhere else").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Expression, attention and score").check()
    look("mode")
    page.get_by_role("button", name="Next").click()

    expect(page.get_by_role("heading", name="Where would you like to begin?")).to_be_visible()
    look("start")
    accessible()
    page.get_by_role("link", name="Set up my course").click()
    page.get_by_label("Name of the course").fill("Physics <b>9b</b>")
    look("course-new")
    page.get_by_role("button", name="Make the course").click()
    add_students(page)
    look("course", full=True)
    accessible()
    page.get_by_role("link", name="Change Ben").click()
    expect(page.get_by_text("In a session the camera stays off")).to_be_visible()
    look("student", full=True)
    accessible()
    page.get_by_role("link", name="Engage").click()
    look("home")
    accessible()
    page.get_by_role("button", name="Sign out").click()
    look("sign-in")
    accessible()


def add_students(page: Page) -> None:
    """Add two students by hand."""
    expect(page.get_by_text("Nobody yet.")).to_be_visible()
    for name, age, consent in (("Amina Diallo", "No, of age", "yes:student"), ("Ben Okafor", "Yes, a guardian", "")):
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label(re.compile(age)).check()
        page.get_by_label("Camera").fill("0")
        page.get_by_label("Consent").select_option(consent)
        page.get_by_role("button", name="Add student").click()
        expect(page.get_by_text(f"{name} was added.")).to_be_visible()
    expect(page.get_by_text("no consent on record")).to_be_visible()
