"""The report in a real browser: what a teacher reads first, on a screen, a phone and paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest

playwright_api = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SESSION_S = 700


@pytest.fixture
def report(
    page: playwright_api.Page, serve: Callable[[int], object], sign_in: Callable[[object], None]
) -> playwright_api.Page:
    """Return the page of a report of ten minutes and six students, reached as a teacher does."""
    server = serve(6)
    address = server.past_session(SESSION_S)  # type: ignore[attr-defined]
    sign_in(server)
    page.goto(address)
    page.get_by_role("button", name="Stop session").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop session").click()
    playwright_api.expect(page.get_by_text("The session has ended.")).to_be_visible()
    page.get_by_role("link", name="Report", exact=True).click()
    page.wait_for_url(f"{address}/report")
    return page


def test_on_screen_and_on_paper(
    report: playwright_api.Page, look: Callable[..., None], accessible: Callable[[], None], tmp_path: Path
) -> None:
    first = report.locator(".report-first")
    assert first.locator("dl > div").count() == 3
    assert first.locator(".report-summary").count() == 2
    assert first.get_by_role("heading", name="What this cannot tell").is_visible()
    assert report.get_by_role("img", name="The class over the session").is_visible()
    box = first.bounding_box()
    assert box is not None and box["y"] + box["height"] <= 900, "the first screen is one screen"
    report.get_by_text("The class minute by minute").click()
    assert report.get_by_role("group", name="The class minute by minute").locator("tbody tr").count() >= 10
    for paper, width_pt in (("A4", 595), ("Letter", 612)):
        file = tmp_path / f"{paper}.pdf"
        report.pdf(path=file, format=paper)
        assert_no_column_is_lost(file, width_pt)
    accessible()
    look("report", full=True)


def assert_no_column_is_lost(file: Path, width_pt: int) -> None:
    """Fail where a printed report lacks a column, or text reaches into the margin."""
    document = pypdfium2.PdfDocument(file)
    try:
        texts = [page.get_textpage() for page in document]
        whole = re.sub(r"\s+", " ", " ".join(text.get_text_range() for text in texts))
        right = max(text.get_charbox(index)[2] for text in texts for index in range(text.count_chars()))
    finally:
        document.close()
    for column in ("Student", "Probably", "Attentive", "No data", "Lowest minute", "Highest minute", "scornful"):
        assert column in whole
    assert "Sign out" not in whole and "Download" not in whole
    assert right <= width_pt - 20
