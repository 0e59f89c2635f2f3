"""Courses and people in a real browser: seats by hand, keyboard and finger; a file looked at before it is saved."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def drag(page: Page, what: Locator, to: Locator) -> None:
    what.scroll_into_view_if_needed()
    start, end = what.bounding_box(), to.bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 12, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(end["x"] + 20, end["y"] + 20, steps=4)
    page.mouse.up()


def test_seats_by_hand_keyboard_and_paper(page: Page, serve: Any, sign_in: Any, look: Any, accessible: Any) -> None:
    server = serve(14)
    sign_in(server)
    page.goto(f"{server.address}/courses/1/seating")

    def seat(name: str) -> Locator:
        return page.locator(f"[data-seat={name}]")

    said, saved = page.locator("#announcer"), page.locator("#saved")
    expect(seat("A1")).to_have_text("A1 Amina Diallo")
    drag(page, seat("A1"), seat("B1"))
    expect(seat("B1")).to_have_text("B1 Amina Diallo")
    expect(seat("A1")).to_have_text("A1 Ben Okafor")
    expect(saved).to_have_text("Saved.")
    drag(page, seat("C1"), page.locator(".standing"))
    expect(page.locator("#standing")).to_have_text("Clara Lindqvist")

    page.locator("#standing button").focus()
    page.keyboard.press("Enter")
    expect(said).to_contain_text("Clara Lindqvist is picked up")
    expect(seat("A4")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(said).to_have_text("B5, free")
    look("seating", full=True)
    page.keyboard.press("Enter")
    expect(said).to_have_text("Clara Lindqvist sits on B5.")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    expect(said).to_have_text("Clara Lindqvist stays.")
    expect(seat("B5")).to_be_focused()
    page.keyboard.press("Delete")
    expect(said).to_have_text("Clara Lindqvist has no seat.")
    expect(saved).to_have_text("Saved.")
    accessible()

    page.get_by_label("Rows").fill("2")
    page.get_by_label("Rows").press("Tab")
    expect(page.get_by_role("alert")).to_contain_text("Somebody sits there: move David Park (D1)")
    page.get_by_label("Seats in a row").fill("7")
    page.get_by_label("Rows").fill("6")
    page.get_by_label("Rows").press("Tab")
    expect(seat("F7")).to_be_visible()
    page.reload()
    expect(seat("B1")).to_have_text("B1 Amina Diallo")
    expect(page.locator("#standing")).to_have_text("Clara Lindqvist")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(seat("B1")).to_be_visible()


def test_two_teachers_at_one_plan(page: Page, serve: Any, sign_in: Any) -> None:
    server = serve(2)
    sign_in(server)
    page.goto(f"{server.address}/courses/1/seating")
    other = page.context.new_page()
    other.goto(f"{server.address}/courses/1/seating")
    drag(page, page.locator("[data-seat=A1]"), page.locator("[data-seat=C3]"))
    expect(page.locator("#saved")).to_have_text("Saved.")
    drag(other, other.locator("[data-seat=B1]"), other.locator("[data-seat=C3]"))
    expect(other.get_by_role("alert")).to_have_text("The plan was changed elsewhere; here it is as it stands now.")
    expect(other.locator("[data-seat=C3]")).to_have_text("C3 Amina Diallo")
    expect(other.locator("[data-seat=B1]")).to_have_text("B1 Ben Okafor")


ROWS = ["Name;Number;Seat;Minor", "Amina Diallo;2031;A1;yes", "Ben Okafor;2032;B3;no", "Zoë Klein;2040;;yes"]
LIST = "\n".join([*ROWS, ";2041;;", "Chi;2042;Z9;no"])


def test_a_file_is_looked_at_then_saved(page: Page, serve: Any, sign_in: Any, look: Any, accessible: Any) -> None:
    server = serve(2)
    sign_in(server)
    page.goto(f"{server.address}/courses/1")
    page.get_by_role("link", name="Students from a file").click()
    look("roster-file", full=True)
    accessible()
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST.encode("utf-16")}
    )
    page.get_by_label("Yes, a guardian decides").check()
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="2 lines are left out")).to_be_visible()
    look("roster-preview", full=True)
    accessible()
    page.get_by_role("button", name="Save 3 students").click()
    expect(page.get_by_text("3 students were brought in or changed.")).to_be_visible()
    expect(page.get_by_role("link", name="Zoë Klein", exact=True)).to_be_visible()


def test_a_lesson_time_is_added(page: Page, serve: Any, sign_in: Any, look: Any, accessible: Any) -> None:
    server = serve(2)
    sign_in(server)
    page.goto(f"{server.address}/courses/1")
    page.get_by_role("link", name="Schedule").click()
    page.get_by_label("Day").fill("2030-03-04")
    page.get_by_label("Starts at").fill("09:00")
    page.get_by_label("Every week from then on").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("The lesson was added.")).to_be_visible()
    expect(page.get_by_text("Mondays")).to_be_visible()
    look("schedule", full=True)
    accessible()
    page.get_by_role("link", name="Physics 9b").click()
    page.get_by_text("Archive this course").click()
    look("course", full=True)
    accessible()
