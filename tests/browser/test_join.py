"""A student joins: in a real browser, with a drawn face before its camera, by HTTPS under a host name of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard import create_app
from dashboard.join_keys import NewKey, class_code, class_pin, issue
from engage import config
from engage.storage.classroom import Classroom
from engage.storage.queries import Queries
from engage.storage.records import NewStudent
from tests.browser import networked
from tests.browser.conftest import CHROMIUM_ARGUMENTS, chromium_program
from tests.browser.tabs import Tab, tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SENT, READ = "engageJoin.line.sent", "engageJoin.reading.count"
WATCH_CAMERA = """
globalThis.asked = 0;
const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (ask) navigator.mediaDevices.getUserMedia = (...wishes) => { globalThis.asked += 1; return ask(...wishes); };
"""
BREAK_CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  if (globalThis.trouble) throw new DOMException("", globalThis.trouble);
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  return canvas.captureStream();
};
globalThis.trouble = "NotReadableError";
"""


@dataclass(frozen=True)
class Lesson:
    """A running lesson of three: of age, of age, and under age without a guardian's word."""

    address: str
    course: int
    session: int
    keys: list[NewKey]
    code: str
    pin: str

    def link(self, student: int = 0) -> str:
        """Return a personal link."""
        return f"{self.address}/join/me/{self.keys[student].token}"


@pytest.fixture(scope="module")
def lesson(network: Any) -> Iterator[Lesson]:
    """Yield a lesson on the running system, with a link and a PIN for everybody."""
    with network.database() as database:
        classroom = Classroom(database)
        course = classroom.create_course("Physics 9b", 1).id
        people = [("Amina Diallo", False), ("Ben Okafor", False), ("Noor Haddad", True)]
        students = [classroom.create_student(course, NewStudent(name, minor=minor)).id for name, minor in people]
        session = classroom.start_session(course, 1).id
        settings = config.load(network.home / "config.yaml", environment={})
        with create_app(settings, database).test_request_context():
            keys = sorted(issue(course, students, 1), key=lambda key: key.student_id)
            found = Lesson(network.address, course, session, keys, class_code(session), class_pin(session))
        yield found
        classroom.end_session(session)


@pytest.fixture
def student(secure_chromium: Browser) -> Iterator[Callable[[], Page]]:
    """Return a function that opens a new student's browser."""
    contexts: list[BrowserContext] = []

    def enter(script: str = WATCH_CAMERA) -> Page:
        context = secure_chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        context.set_default_timeout(30_000)
        context.add_init_script(script)
        contexts.append(context)
        return context.new_page()

    yield enter
    for context in contexts:
        context.close()


@pytest.fixture
def page(student: Callable[[], Page]) -> Page:
    """Return a student's browser, for the fixtures that look at pages."""
    return student()


def consent(network: Any, course: int, row: int) -> Any:
    with network.database() as database:
        return Queries(database).students(course)[row].consent


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Your camera is off")).to_be_visible()


@contextmanager
def raw_tab(network: Any, home: Path, how_asked: str) -> Iterator[Tab]:
    """Yield a tab outside Playwright, whose camera is asked for in the way that the flag says."""
    executable = chromium_program() or ""
    film = network.home / "camera.mjpeg"
    if not film.exists():
        networked.fake_camera(network.home)
    camera = [f"--use-file-for-fake-video-capture={film}", "--use-fake-device-for-media-stream"]
    with tab(executable, [*CHROMIUM_ARGUMENTS, *networked.trusting(network.home), *camera, how_asked], home) as opened:
        yield opened


def say_yes(tab: Tab, link: str) -> None:
    tab.call("Page.navigate", url=link)
    tab.until("!!document.querySelector('button[value=yes]')")
    tab.value("document.querySelector('button[value=yes]').click()")


def leave(tab: Tab) -> None:
    tab.value("document.querySelector('#stop').click()")
    tab.until("document.body.innerText.includes('You have stopped')")


def test_yes_with_a_pin_then_pause_a_lost_line_and_stop(
    page: Page, lesson: Lesson, network: Any, until: Any, look: Any, accessible: Any
) -> None:
    page.goto(f"{lesson.address}/join")
    page.get_by_label("PIN of the class").fill(lesson.pin)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Your PIN").fill("000 000" if lesson.keys[0].pin != "000000" else "111 111")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("alert")).to_contain_text("not one of this class")
    look("join-pin")
    page.get_by_label("Your PIN").fill(lesson.keys[0].pin)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="May your camera be used")).to_be_visible()
    yes, no = (
        page.get_by_role("button", name="Yes").bounding_box(),
        page.get_by_role("button", name="No").bounding_box(),
    )
    assert yes and no and (yes["width"], yes["height"]) == (no["width"], no["height"]), "of the same size"
    look("join-ask", full=True)
    accessible()
    assert page.evaluate("asked") == 0, "the camera is not touched before the Yes"

    page.get_by_role("button", name="Yes").click()
    until(page, f"() => globalThis.engageJoin && {READ} >= 3", timeout_s=90)
    assert page.evaluate("asked") == 1
    expect(page.locator("#word")).not_to_have_text("nothing yet")
    page.get_by_text("What my teacher sees").click()
    expect(page.locator("#seen-score")).to_have_text(re.compile(r"^(\d+\.\d|no data)$"))
    page.get_by_label("Ask me every ten minutes").check()
    look("join-on", full=True)
    accessible()
    page.locator("#check-in").get_by_role("button", name="4").click()
    expect(page.locator("#announcer")).to_have_text("Thank you.")
    assert page.evaluate("engageJoin.camera.canvas.width") <= 480

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#say")).to_contain_text("Paused. The camera is off")
    until(page, "() => engageJoin.state === 'paused' && !engageJoin.line.sending")
    sent = page.evaluate(SENT)
    page.wait_for_timeout(1500)
    assert page.evaluate(f"[{SENT}, engageJoin.camera.open]") == [sent, False], "nothing is sent while it is paused"
    look("join-paused")
    page.get_by_role("button", name="Go on").click()
    until(page, f"sent => {SENT} > sent", sent)

    page.context.set_offline(True)
    page.evaluate("engageJoin.line.socket.io.engine.close()")
    expect(page.locator("#say")).to_contain_text("The connection is lost")
    sent, second = page.evaluate(f"[{SENT}, engageJoin.reading.second]")
    page.context.set_offline(False)
    until(
        page, f"([sent, second]) => {SENT} > sent && engageJoin.reading.second > second", [sent, second], timeout_s=60
    )
    expect(page.locator("#say")).to_be_hidden()
    page.evaluate("engageJoin.reading.show({second: engageJoin.reading.second, word: 'away', emoji: '👋'})")
    expect(page.locator("#word")).not_to_have_text("away")  # a second that is known changes nothing

    stop(page)
    with network.database() as database:
        queries = Queries(database)
        rows = [(row.sample.student_id, row.sample.second) for row in queries.samples_since(lesson.session, 0)]
        assert len(rows) == len(set(rows)) > 3, "no second twice"
        assert {status.state.value for status in queries.latest_statuses(lesson.session)} == {"ended"}


def test_no_is_kept_and_the_camera_never_asked_for(page: Page, lesson: Lesson, network: Any, look: Any) -> None:
    page.goto(lesson.link(1))
    page.get_by_role("button", name="No").click()
    expect(page.get_by_text("Your camera stays off.")).to_be_visible()
    look("join-no")
    assert page.evaluate("asked") == 0
    assert consent(network, lesson.course, 1).granted is False
    page.get_by_role("link", name="Change my answer").click()
    expect(page.get_by_text("Last time you said No.")).to_be_visible()
    assert page.evaluate("asked") == 0


def test_under_age_waits_for_a_guardian(page: Page, lesson: Lesson, look: Any) -> None:
    page.goto(lesson.link(2))
    expect(page.get_by_role("heading", name="A parent or guardian decides first")).to_be_visible()
    look("join-guardian")
    assert page.evaluate("asked") == 0


def test_a_camera_that_cannot_be_had_says_what_to_do(student: Any, lesson: Lesson, until: Any) -> None:
    page = student(BREAK_CAMERA)
    page.goto(lesson.link(1))
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#say")).to_contain_text("Another program is using the camera")
    for trouble, words in [
        ("NotFoundError", "No camera was found"),
        ("NotAllowedError", "Allow it by the camera sign"),
    ]:
        page.evaluate("name => { globalThis.trouble = name; }", trouble)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#say")).to_contain_text(words)
    page.evaluate("globalThis.trouble = null")
    page.get_by_role("button", name="Try again").click()
    until(page, "() => engageJoin.camera.open")
    page.evaluate("engageJoin.camera.track.dispatchEvent(new Event('ended'))")
    expect(page.locator("#say")).to_contain_text("The camera was unplugged")
    stop(page)


def test_a_browser_that_is_told_no_by_its_user(network: Any, lesson: Lesson, chromium: Any, tmp_path: Path) -> None:
    with raw_tab(network, tmp_path, "--use-fake-ui-for-media-stream=deny") as refused:
        say_yes(refused, lesson.link(1))
        refused.until("document.querySelector('#say')?.innerText.includes('does not let this page use the camera')")
        assert refused.value("document.querySelector('#again').hidden") is False
        leave(refused)


def test_a_second_device_takes_over_and_the_first_is_told(student: Any, lesson: Lesson, until: Any) -> None:
    first, second = student(), student()
    first.goto(lesson.link())
    first.get_by_role("button", name="Yes").click()
    until(first, f"() => globalThis.engageJoin && {SENT} > 0")
    second.goto(lesson.link())
    second.get_by_role("button", name="Yes").click()
    expect(second.get_by_role("heading", name="already on with another device")).to_be_visible()
    assert second.evaluate("asked") == 0
    second.get_by_role("button", name="Go on here").click()
    expect(first.locator("#say")).to_contain_text("You went on with another device")
    assert first.evaluate("engageJoin.camera.open") is False
    until(second, f"() => globalThis.engageJoin && {SENT} > 0")
    stop(second)


def test_a_hidden_tab_goes_on_once_a_second(network: Any, lesson: Lesson, chromium: Any, tmp_path: Path) -> None:
    with raw_tab(network, tmp_path, "--use-fake-ui-for-media-stream") as hidden:
        say_yes(hidden, lesson.link())
        hidden.until(f"globalThis.engageJoin?.line.sent > 0 && {READ} > 0")
        hidden.hide()
        hidden.value("globalThis.ticks = 0, setInterval(() => { ticks += 1; }, 50), 1")
        begun, sent = time.monotonic(), hidden.value(SENT)
        hidden.until("ticks >= 5")
        took, sent = time.monotonic() - begun, hidden.value(SENT) - sent
        assert hidden.value("document.visibilityState") == "hidden"
        assert took > 3.5, "the page's own timers are slowed down, so this is a hidden tab"
        assert sent >= int(took) - 1, "and still it sends once a second"
        leave(hidden)


def test_the_teacher_shows_the_code(secure_page: Page, lesson: Lesson, until: Any) -> None:
    secure_page.goto(f"{lesson.address}/sessions/{lesson.session}")
    secure_page.get_by_role("button", name="Students join here").click()
    dialog = secure_page.get_by_role("dialog", name="Students join here")
    expect(dialog).to_contain_text(f"{lesson.pin[:3]} {lesson.pin[3:]}")
    expect(dialog.get_by_label("Link of the class")).to_have_value(re.compile(re.escape(lesson.code)))
    until(secure_page, "() => document.querySelector('#join .qr').naturalWidth > 100")
