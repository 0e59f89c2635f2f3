"""A teacher shares the window of a drawn meeting: a real tab is captured, the real system looks at it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from engage.capture.virtual.meeting import Attendant, Meeting, grid
from engage.core.policy import GivenBy
from engage.storage.classroom import Classroom
from engage.storage.records import NewStudent
from tests.browser import networked
from tests.browser.conftest import CHROMIUM_ARGUMENTS, DESKTOP, chromium_program

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TITLE = "Drawn meeting"
OFF_SCREEN = "camera is not allowed in this document"
"""What Chromium remarks when pictures of a hidden page come from the track itself; they come all the same."""
SIZE = (1280, 720)
FRAMES = 4
BOXES, NAMED = "document.querySelectorAll('.box').length", "document.querySelectorAll('.box.named').length"


@dataclass(frozen=True)
class Lesson:
    """A running lesson of three: two with a Yes, one without an answer."""

    address: str
    session: int
    students: tuple[int, ...]


@pytest.fixture(scope="module")
def lesson(network: Any) -> Iterator[Lesson]:
    """Yield a lesson on the running system."""
    with network.database() as database:
        classroom = Classroom(database)
        course = classroom.create_course("Physics online", 1).id
        names = ("Amina Diallo", "Ben Okafor", "Clara Lindqvist")
        students = tuple(classroom.create_student(course, NewStudent(name, minor=False)).id for name in names)
        for student in students[:2]:
            classroom.record_consent(student, True, GivenBy.STUDENT, 1)
        session = classroom.start_session(course, 1).id
        yield Lesson(network.address, session, students)
        classroom.end_session(session)


@pytest.fixture(scope="module")
def sharing_chromium(chromium: Browser, network: Any) -> Iterator[Browser]:
    """Yield a Chromium that shares the tab of the drawn meeting when a page asks for a window."""
    arguments = [
        *CHROMIUM_ARGUMENTS,
        *networked.trusting(network.home),
        f"--auto-select-tab-capture-source-by-title={TITLE}",
    ]
    browser = chromium.browser_type.launch(executable_path=chromium_program(), args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def context(sharing_chromium: Browser, lesson: Lesson) -> Iterator[BrowserContext]:
    """Yield a browser in which the administrator is signed in."""
    context = sharing_chromium.new_context(viewport=DESKTOP, color_scheme="light", locale="en-GB")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(f"{lesson.address}/sign-in")
    page.get_by_label("E-mail").fill(networked.EMAIL)
    page.get_by_label("Password").fill(networked.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{lesson.address}/")
    page.close()
    yield context
    context.close()


@pytest.fixture
def meeting(context: BrowserContext) -> Page:
    """Return the tab in which a drawn meeting of four goes on."""
    drawn, tiles = Meeting([Attendant.of(1000 + seat) for seat in range(4)]), grid(range(4), SIZE)
    pictures = [cv2.imencode(".jpg", drawn.window(tiles, SIZE, n / 2))[1].tobytes() for n in range(FRAMES)]
    page = context.new_page()
    page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
    page.set_content(f"<title>{TITLE}</title><style>body {{ margin: 0 }} img {{ display: block }}</style><img>")
    sources = [f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}" for picture in pictures]
    page.evaluate(
        """sources => {
          let next = 0;
          const show = () => { document.querySelector('img').src = sources[next++ % sources.length]; };
          show(); setInterval(show, 500);
        }""",
        sources,
    )
    return page


@pytest.fixture
def page(context: BrowserContext, meeting: Page, lesson: Lesson) -> Iterator[Page]:
    """Yield the page of the meeting, whose console must stay free of errors."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{lesson.address}/sessions/{lesson.session}/meeting")
    yield page
    assert [text for text in errors if OFF_SCREEN not in text] == []


def stored(network: Any, lesson: Lesson) -> set[int]:
    """Return whose samples are in the database."""
    with network.database() as database, database.read() as session:
        query = text("SELECT DISTINCT student_id FROM samples WHERE session_id = :id")
        return set(session.scalars(query, {"id": lesson.session}))


def share(page: Page, until: Any) -> None:
    page.get_by_label("I have told everyone in the meeting that I do this.").check()
    page.get_by_role("button", name="Share a window").click()
    until(page, f"() => {BOXES} === 4", timeout_s=90)


def test_faces_are_boxes_until_they_are_named(
    page: Page, lesson: Lesson, network: Any, until: Any, look: Any, accessible: Any
) -> None:
    expect(page.get_by_role("button", name="Share a window")).to_be_disabled()  # before the meeting was told
    look("meeting-off", full=True)
    share(page, until)
    assert page.evaluate(NAMED) == 0
    assert stored(network, lesson) == set()

    chip = page.get_by_role("button", name=re.compile("^Clara"))
    expect(chip).to_have_attribute("aria-disabled", "true")
    expect(chip).to_contain_text("no consent on record")

    # By keyboard: a box, then a name from the list.
    page.get_by_role("button", name="Face without a name").first.focus()
    page.keyboard.press("Enter")
    page.locator("#choose").get_by_role("button", name="Amina Diallo").press("Enter")
    expect(page.get_by_role("button", name="Face of Amina Diallo")).to_be_visible(timeout=60_000)

    # By dragging.
    name, face = (
        page.get_by_role("button", name=re.compile("^Ben")),
        page.get_by_role("button", name="Face without a name").last,
    )
    start, end = name.bounding_box(), face.bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 20, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=6)
    page.mouse.up()
    until(page, f"() => {NAMED} === 2", timeout_s=60)
    expect(page.get_by_role("button", name="Face of Ben Okafor")).to_be_visible()
    look("meeting-on", full=True)
    accessible()

    wanted = set(lesson.students[:2])
    for _ in range(300):
        if stored(network, lesson) == wanted:
            break
        page.wait_for_timeout(100)
    assert stored(network, lesson) == wanted  # and nothing of the two without a name

    page.get_by_role("button", name="Take the name of Ben Okafor off").click()
    until(page, f"() => {NAMED} === 1", timeout_s=30)
    page.get_by_role("button", name="Stop sharing").click()
    expect(page.get_by_text("Nothing is shared now.").first).to_be_visible()
    assert page.evaluate(BOXES) == 0


def test_closing_the_shared_window_ends_it(page: Page, meeting: Page, until: Any) -> None:
    share(page, until)
    meeting.close()
    expect(page.get_by_role("button", name="Share a window")).to_be_visible()
    assert page.evaluate(BOXES) == 0
