"""The report's page and files, and the calendar feed, as browsers and calendar programs see them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import icalendar
import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from engage.cli.stored_lesson import Lesson, store
from engage.core.policy import Jurisdiction
from engage.core.types import Mode
from engage.storage.database import Database
from engage.storage.tables import AuditEntry

Browser = Callable[[str | None], FlaskClient]


@pytest.fixture
def report(school: Any, database: Database) -> str:
    """Return the address of the report of a session with two minutes of one student."""
    session = school.queries.session(school.session)
    store(database, session, Lesson((school.student,), 120))
    school.classroom.add_marker(session.id, school.teacher, "Group <work>")
    return f"/sessions/{session.id}/report"


def test_the_page(report: str, browser: Browser) -> None:
    answer = browser("teacher").get(report)
    page = answer.text
    assert answer.status_code == 200
    for words in (
        "Class mean",
        "What this cannot tell",
        "no grade",
        "Amina",
        "How faces appeared",
        "Group &lt;work&gt;",
    ):
        assert words in page
    assert page.count("<h1>") == 1
    assert "style=" not in page and "<style" not in page, "refused by the Content-Security-Policy"


def test_it_is_in_the_language_of_the_reader(report: str, browser: Browser) -> None:
    page = browser("teacher").get(f"{report}?lang=de").text
    assert "Mittel der Klasse" in page and "keine Note" in page
    assert "Class mean" not in page and "no grade" not in page


@pytest.mark.parametrize(
    ("ending", "words"),
    [("html", "Mittel der Klasse"), ("pdf", "/Lang (de)"), ("csv", "session_id,"), ("json", "no grade")],
)
def test_files_for_people_are_too_and_those_for_programs_english(
    report: str, browser: Browser, ending: str, words: str
) -> None:
    assert words.encode() in browser("teacher").get(f"{report}.{ending}?lang=de").data


def test_it_is_linked_from_the_course_and_from_the_ended_session(report: str, school: Any, browser: Browser) -> None:
    client = browser("teacher")
    assert f'href="{report}"' in client.get(f"/courses/{school.course}").text
    school.classroom.end_session(school.session)
    assert f'href="{report}"' in client.get(f"/sessions/{school.session}").text


@pytest.mark.parametrize("title", ['a"; filename=x.exe', "a\u2028b", "../../etc/passwd", "\u202egnp.exe", "\U0001f600"])
def test_a_title_cannot_change_the_header_of_a_download(school: Any, browser: Browser, title: str) -> None:
    course = school.classroom.create_course(title, school.teacher).id
    session = school.classroom.start_session(course, school.teacher).id
    school.classroom.end_session(session)
    header = browser("teacher").get(f"/sessions/{session}/report.csv").headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.csv"', header)


@pytest.mark.parametrize("ending", ["pdf", "html", "csv", "xlsx", "json", "jsonl"])
def test_files(report: str, browser: Browser, ending: str) -> None:
    answer = browser("teacher").get(f"{report}.{ending}")
    assert answer.status_code == 200
    assert re.fullmatch(
        rf'attachment; filename="\d{{4}}-\d\d-\d\d-physics(-students)?\.{ending}"',
        answer.headers["Content-Disposition"],
    )
    if ending == "pdf":
        assert answer.data.startswith(b"%PDF")
    elif ending == "xlsx":
        assert openpyxl.load_workbook(io.BytesIO(answer.data))["students"]["C2"].value == "Amina"
    elif ending == "jsonl":
        assert "Amina" not in answer.text and json.loads(answer.text)["verb"]
    else:
        assert "Amina" in answer.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (".docx", 404),
        (".csv?table=passwords", 400),
        (".pdf?paper=a0", 400),
        (".jsonl?names=perhaps", 400),
        (".csv?table=minutes", 200),
        (".pdf?paper=letter", 200),
    ],
)
def test_what_may_be_asked_for(report: str, browser: Browser, query: str, status: int) -> None:
    assert browser("teacher").get(report + query).status_code == status


def test_names_in_xapi_only_where_asked_for(report: str, browser: Browser) -> None:
    assert "Amina" in browser("teacher").get(f"{report}.jsonl?names=yes").text


def test_who_took_which_file_is_in_the_audit_log(
    report: str, school: Any, browser: Browser, database: Database
) -> None:
    client = browser("teacher")
    client.get(report)
    for query in (".csv?table=minutes", ".jsonl", ".csv?table=passwords"):
        client.get(report + query)
    browser("colleague").get(f"{report}.pdf")
    with database.read() as session:
        taken = session.scalars(select(AuditEntry).where(AuditEntry.action == "download_report")).all()
        assert [(entry.actor_id, entry.object_id, json.loads(entry.details)) for entry in taken] == [
            (school.teacher, school.session, {"format": "csv", "table": "minutes", "names": True}),
            (school.teacher, school.session, {"format": "jsonl", "table": None, "names": False}),
        ], "a page that is read, or a file that is refused, is not taken along"


@pytest.mark.parametrize(("jurisdiction", "mode"), [(Jurisdiction.UK, Mode.ATTENTION), (Jurisdiction.EU, Mode.FULL)])
def test_what_policy_allows_now_holds_for_older_sessions(
    report: str, school: Any, browser: Browser, jurisdiction: Jurisdiction, mode: Mode
) -> None:
    school.classroom.save_setup(jurisdiction, mode, school.admin)
    client = browser("teacher")
    for address in (report, f"{report}.html", f"{report}.json", f"{report}.jsonl"):
        text = client.get(address).text
        assert not re.search("happy|happiness|How faces appeared", text), address
        assert ("Class mean" in text or "engagement-score" in text or '"mean"' in text) is (
            jurisdiction is not Jurisdiction.EU
        ), address


def test_paper_is_letter_in_the_united_states(report: str, school: Any, browser: Browser) -> None:
    school.classroom.save_setup(Jurisdiction.US, Mode.FULL, school.admin)
    page = browser("teacher").get(report).text
    assert page.index("paper=letter") < page.index("paper=a4")


class TestCalendar:
    """A secret address that is shown once."""

    def address(self, page: str) -> str:
        found = re.search(r'value="https?://[^/"]+(/calendar/[^"]+\.ics)"', page)
        assert found
        return found[1]

    def test_feed_of_a_teacher(self, school: Any, browser: Browser, send: Callable[..., Any]) -> None:
        client = browser("teacher")
        address = self.address(send(client, "/calendar").text)
        answer = browser(None).get(address)
        assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
        events = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
        assert [str(event["SUMMARY"]) for event in events] == ["Physics"], "no session of a colleague's course"
        assert "Amina" not in answer.text
        assert address not in client.get("/calendar").text, "shown once"

    def test_revoked(self, school: Any, browser: Browser, send: Callable[..., Any]) -> None:
        client = browser("teacher")
        address = self.address(send(client, "/calendar").text)
        send(client, "/calendar/revoke")
        assert browser(None).get(address).status_code == 404
