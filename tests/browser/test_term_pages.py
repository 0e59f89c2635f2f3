"""The at-risk list and a student's own page in a real browser: read, taken along, erased only by the typed name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_from_the_list_to_the_student_and_out(page: Page, serve: Any, sign_in: Any, look: Any, accessible: Any) -> None:
    server = serve(3)
    server.steer(stopped=True)
    server.past_session(30)
    sign_in(server)
    page.goto(f"{server.address}/courses/1/risk")
    expect(page.get_by_role("heading", name="Not enough data")).to_be_visible()
    look("risk", full=True)
    accessible()
    page.get_by_role("link", name="Amina Diallo").click()
    expect(page.get_by_role("heading", level=1, name="Amina Diallo")).to_be_visible()
    look("student-term", full=True)
    accessible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download everything").click()
    assert taken.value.suggested_filename == "engage-student-1.zip"
    page.get_by_role("link", name=re.compile("Erase")).click()
    page.get_by_label("Type the name to confirm").fill("Amina")
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_label("Type the name to confirm")).to_have_attribute("aria-invalid", "true")
    accessible()
    page.get_by_label("Type the name to confirm").fill("Amina Diallo")
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_text("has been erased")).to_be_visible()
    assert page.goto(f"{server.address}/students/1").status == 404  # type: ignore[union-attr]
