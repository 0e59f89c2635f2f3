"""From the administrator's invitation to a co-teacher with an account of their own, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_invited_signed_in_and_teaching(page: Page, serve: Any, sign_in: Any, look: Any, accessible: Any) -> None:
    server = serve(2)
    server.steer(stopped=True)
    sign_in(server)
    page.get_by_role("link", name="People").click()
    page.get_by_label("E-mail").fill("ada@school.example")
    expect(page.get_by_label("For a student: which one?")).to_be_hidden()
    page.get_by_role("radio", name="Student").check()
    expect(page.get_by_label("For a student: which one?")).to_be_visible()
    page.get_by_role("radio", name="Teacher").check()
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_label("Copy it now").input_value()
    look("accounts", full=True)
    accessible()
    page.get_by_role("button", name="Sign out").click()

    page.goto(link)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_text("Choose a password.")).to_be_visible()
    look("welcome")
    accessible()
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Password", exact=True).fill("four green boats")
    page.get_by_label("Password again").fill("four green boats")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Courses")).to_be_visible()
    page.get_by_role("link", name="My account").click()
    look("my-account", full=True)
    accessible()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_text("You are signed out everywhere.")).to_be_visible()
    page.get_by_role("link", name="Forgotten your password?").click()
    expect(page.get_by_text("sends no e-mail here")).to_be_visible()
    accessible()

    sign_in(server)
    page.goto(f"{server.address}/courses/1")
    page.get_by_label("Add a co-teacher").select_option(label="Ada Lovelace (ada@school.example)")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Ada Lovelace teaches this course now.")).to_be_visible()
    look("course-staff", full=True)
    page.get_by_role("link", name="People").click()
    page.get_by_role("link", name="Change Ada Lovelace").click()
    page.get_by_role("button", name="Make a link for a new password").click()
    expect(page.get_by_label("Copy it now")).to_be_visible()
    look("account", full=True)
    accessible()
