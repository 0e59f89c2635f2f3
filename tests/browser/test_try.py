"""Try it in a real browser, with the real worker and network: menu, question, image, live, a drawn face."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

from engage.capture.virtual.snapshot import draw

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

APPEARS = re.compile("^(appears|unclear)")

KEEP_WHAT_IS_SENT = """window.sent = [];
const ask = window.fetch;
window.fetch = async (path, options) => {
  if (options?.body instanceof Blob) window.sent.push(await options.body.text());
  return ask(path, options);
};"""


@pytest.fixture
def page(secure_page: Page) -> Page:
    """Return the page that ``look`` and the other fixtures mean here."""
    return secure_page


@pytest.fixture
def two_faces(tmp_path: Path) -> Path:
    """Return a picture of two drawn students, stored on its side with the EXIF orientation that says so."""
    both = Pillow.new("RGB", (800, 300))
    for place, seed in enumerate((7, 11)):
        both.paste(Pillow.open(io.BytesIO(draw(seed, 2.0)[1])), (400 * place, 0))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    exif[0x010E] = "a secret place"
    file = tmp_path / "two-friends.jpg"
    both.transpose(Pillow.Transpose.ROTATE_90).save(file, quality=95, exif=exif)
    return file


def test_no_leads_back_and_yes_to_a_picture(
    page: Page, network: Any, two_faces: Path, look: Any, accessible: Any
) -> None:
    page.add_init_script(KEEP_WHAT_IS_SENT)
    page.goto(f"{network.address}/try")
    expect(page.get_by_role("heading", name="Hello, Ada Lovelace")).to_be_visible()
    look("try-menu")
    accessible()
    page.get_by_role("link", name="Image").click()
    expect(page.get_by_role("heading", name="May this program look at a picture")).to_be_visible()
    look("try-ask")
    accessible()
    page.get_by_role("button", name="No").click()
    expect(page.get_by_text("Nothing was looked at.")).to_be_visible()
    page.get_by_role("link", name="Image").click()
    page.get_by_role("button", name="Yes").click()

    page.locator("#file").set_input_files(two_faces)
    expect(page.locator("#path")).to_have_text("two-friends.jpg")
    expect(page.locator("#state")).to_have_text("2 faces were found.")
    assert page.evaluate("[picture.width, picture.height]") == [800, 300], "turned upright"
    panels = page.locator(".face")
    expect(panels).to_have_count(2)
    expect(panels.first.locator("tr")).to_have_count(8)
    expect(panels.first.locator("header p")).to_have_text(APPEARS)
    shares = [float(text.split()[0]) for text in panels.first.locator(".share").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=4)
    (sent,) = page.evaluate("sent")
    assert len(sent) > 5000 and "secret place" not in sent, "metadata stayed in the browser"
    look("try-image", full=True)
    accessible()

    page.locator("#file").set_input_files(
        {"name": "face.jpg", "mimeType": "image/jpeg", "buffer": b"<html>no picture</html>"}
    )
    expect(page.locator("#state")).to_contain_text("not a picture that this browser can read")
    assert page.evaluate("sent.length") == 1


def test_live_with_a_camera(page: Page, network: Any, look: Any, accessible: Any) -> None:
    page.goto(f"{network.address}/try/live")
    page.get_by_role("button", name="Yes").click()
    page.wait_for_url(f"{network.address}/try/live")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.locator("#word")).to_have_text(APPEARS)
    expect(page.locator("#state")).to_be_hidden()
    expect(page.locator("#pace")).to_contain_text("pictures a second")
    assert page.evaluate("document.querySelector('#video').videoWidth") == 400
    look("try-live")
    accessible()
    page.get_by_role("link", name="Stop").click()
    expect(page.get_by_role("heading", name="Hello, Ada Lovelace")).to_be_visible()


def test_a_drawn_face_needs_no_camera(page: Page, network: Any, look: Any) -> None:
    page.goto(f"{network.address}/try")
    page.get_by_role("link", name="Use a drawn face").click()
    expect(page.locator("#word")).to_have_text(APPEARS)
    expect(page.locator("#drawn")).to_be_visible()
    first = page.locator("#drawn").get_attribute("src")
    expect(page.locator("#drawn")).not_to_have_attribute("src", first or "")
    page.get_by_role("button", name="Another face").click()
    expect(page.locator("#word")).to_have_text(APPEARS)
    look("try-drawn")


def test_a_refused_camera_is_said(page: Page, network: Any) -> None:
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page.goto(f"{network.address}/try/live")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#state")).to_contain_text("told not to give the camera")
    page.get_by_role("link", name="Use a drawn face").click()
    expect(page.locator("#word")).to_have_text(APPEARS)
