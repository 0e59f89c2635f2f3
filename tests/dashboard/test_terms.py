"""Pages across sessions: the at-risk list, attendance, a student's own page, taking along and erasing."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import insert, select

from dashboard import create_app
from engage.config import Settings
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.retention import RetentionSettings
from engage.core.risk_settings import RiskSettings
from engage.core.types import Mode
from engage.storage.database import Database
from engage.storage.erasures import ErasureList
from engage.storage.holds import HeldKind, Holds
from engage.storage.records import NewStudent
from engage.storage.risk import RiskList
from engage.storage.tables import (
    EMOTION_SECONDS,
    AttendanceRow,
    AuditEntry,
    ClassSession,
    Enrolment,
    SessionRollup,
    User,
)

START = datetime(2026, 1, 12, 9, tzinfo=UTC)
FALLING = [7.0, 7.1, 6.9, 7.0, 7.2, 7.0, 5.0, 5.1, 4.9, 5.0, 5.2]


def hold(database: Database, course: int, scores: dict[int, list[float | None]]) -> list[int]:
    """Write a lesson a day with these mean scores (None: nothing shared); everybody was enrolled from the start."""
    n = max(map(len, scores.values()))
    lessons: list[int] = []
    with database.write() as session:
        session.query(Enrolment).update({"enrolled_at": START - timedelta(days=1)})
        for k in range(n):
            at = START + timedelta(days=k)
            lesson = ClassSession(
                course_id=course,
                title=f"Lesson {k + 1}",
                started_at=at,
                ended_at=at + timedelta(hours=1),
                state="ended",
            )
            session.add(lesson)
            session.flush()
            lessons.append(lesson.id)
            rows = [rolled_up(lesson.id, s, mean) for s, means in scores.items() if (mean := means[k]) is not None]
            if rows:
                session.execute(insert(SessionRollup), rows)
    return lessons


def rolled_up(session_id: int, student_id: int, mean: float) -> dict[str, object]:
    zeros = dict.fromkeys(("face_s", "away_s", "drowsy_s", *EMOTION_SECONDS), 0.0)
    sums = {"observed_s": 3000.0, "scored_s": 3000.0, "score_sum": mean * 3000, "square_sum": mean**2 * 3000}
    more = {"samples": 3000, "confidence_sum": 2000.0, "attentive_s": 2400.0, "gestures": {}}
    return {"session_id": session_id, "student_id": student_id, **zeros, **sums, **more}


@pytest.fixture
def flagged(database: Database, school: Any) -> int:
    """Return the id of an open flag of the teacher's student."""
    hold(database, school.course, {school.student: FALLING})
    risk = RiskList(database, RiskSettings())
    assert risk.review(UTC) == 1
    return risk.flags(school.course)[0].id


@pytest.fixture
def own(database: Database, school: Any) -> None:
    """Let the student's account be the student's."""
    with database.write() as session:
        session.get_one(User, school.student_user).student_id = school.student


class TestRiskList:
    """The list, and a person's decision."""

    def test_reasons_in_words_then_a_decision(self, browser: Any, send: Any, school: Any, flagged: int) -> None:
        teacher = browser("teacher")
        page = teacher.get(f"/courses/{school.course}/risk").text
        for words in (
            "Amina",
            "Worth a talk",
            "Score 5.0 in the last 5 sessions, 7.0 in the first 5.",
            "too few others",
        ):
            assert words in page
        answer = send(teacher, f"/courses/{school.course}/risk/{flagged}", decision="confirm", note="<i>spoke</i>")
        assert answer.status_code == 302
        page = teacher.get(f"/courses/{school.course}/risk").text
        assert "Nobody. The list" in page and "Note: &lt;i&gt;spoke&lt;/i&gt;" in page
        again = send(teacher, f"/courses/{school.course}/risk/{flagged}", decision="dismiss")
        assert again.status_code == 302
        assert "was confirmed already" in teacher.get(f"/courses/{school.course}/risk").text

    def test_the_same_over_the_api(self, browser: Any, call: Any, school: Any, flagged: int) -> None:
        teacher = browser("teacher")
        path = f"/api/v1/courses/{school.course}/risk"
        found = teacher.get(path).json
        assert [flag["state"] for flag in found["flags"]] == ["open"]
        (student,) = found["students"]
        assert (student["standing"], student["recent"], student["baseline"]) == ("declining", 5.0, 7.0)
        decided = call(teacher, f"{path}/{flagged}/decision", {"decision": "dismiss", "note": None}).json
        assert (decided["state"], decided["note"]) == ("dismissed", None)
        for body in ({}, {"decision": "open"}, {"decision": "confirm", "note": 3}, []):
            assert call(teacher, f"{path}/{flagged}/decision", body).status_code == 400

    def test_a_flag_of_another_course_cannot_be_decided(
        self, browser: Any, call: Any, school: Any, flagged: int
    ) -> None:
        answer = call(browser("colleague"), f"/api/v1/courses/{school.other_course}/risk/{flagged}/decision",
                      {"decision": "confirm"})  # fmt: skip
        assert answer.status_code == 400

    def test_lists_say_what_is_not_known(self, browser: Any, database: Database, school: Any) -> None:
        low = school.classroom.create_student(school.course, NewStudent("Lola Low", minor=False)).id
        hold(database, school.course, {school.student: [None] * 9 + [6.0] * 2, low: [2.0] * 11})
        page = browser("teacher").get(f"/courses/{school.course}/risk").text
        assert "Not enough data: 2 sessions with a score" in page
        assert "Low but steady: 2.0 lately, 2.0 in the first sessions. Not declining." in page

    def test_presence_only_shows_no_score(self, browser: Any, database: Database, school: Any) -> None:
        hold(database, school.course, {school.student: FALLING})
        school.classroom.save_setup(Jurisdiction.EU, Mode.FULL, school.admin)
        teacher = browser("teacher")
        risk, student = (
            teacher.get(f"/courses/{school.course}/risk").text,
            teacher.get(f"/students/{school.student}").text,
        )
        assert "Presence only" in risk and "Presence only" in student
        assert "7.0" not in student and "<svg" not in student and "50 min" in student
        told = teacher.get(f"/api/v1/students/{school.student}").json
        assert told["courses"][0]["standing"] is None
        assert {lesson["score"] for lesson in told["courses"][0]["sessions"]} == {None}


class TestAttendance:
    """Marked by people."""

    def test_marks_are_kept(self, browser: Any, send: Any, school: Any) -> None:
        teacher, path = browser("teacher"), f"/sessions/{school.session}/attendance"
        assert "the camera has no say" in teacher.get(path).text
        send(teacher, path, **{f"student-{school.student}": "absent"})
        assert 'value="absent" checked' in teacher.get(path).text
        told = teacher.get(f"/api/v1{path}").json["attendance"]
        assert told == [{"student": school.student, "state": "absent"}]
        send(teacher, path, **{f"student-{school.student}": "nonsense"})
        assert teacher.get(f"/api/v1{path}").json["attendance"] == [{"student": school.student, "state": None}]

    @pytest.mark.parametrize(
        "rows", [None, {}, [1], [{"student": "1", "state": "absent"}], [{"student": 1, "state": "late"}],
                 [{"student": 999, "state": "absent"}]]
    )  # fmt: skip
    def test_strange_marks_are_refused(self, browser: Any, call: Any, school: Any, rows: object) -> None:
        path = f"/api/v1/sessions/{school.session}/attendance"
        assert call(browser("teacher"), path, {"attendance": rows}).status_code == 400


class TestStudentPage:
    """All of one student, for them and their teachers."""

    def test_a_term_in_words_and_as_a_figure_with_a_text(self, browser: Any, database: Database, school: Any) -> None:
        hold(database, school.course, {school.student: [7.1, None, *FALLING]})
        page = browser("teacher").get(f"/students/{school.student}").text
        figure = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
        described = {part.get("id"): part.text for part in figure if part.get("id")}
        assert figure.get("role") == "img"
        names = str(figure.get("aria-labelledby")).split()
        assert described[names[0]] == "Score by session"
        assert "12 with a score, between 4.9 and 7.2, the last at 5.2." in str(described[names[1]])
        assert "Lower than in the first sessions: 5.0 lately" in page
        assert "not sharing" in page
        assert "Yes</b>, the student" in page

    def test_the_figure_is_in_the_language_of_the_reader(self, browser: Any, database: Database, school: Any) -> None:
        hold(database, school.course, {school.student: [7.1, None, *FALLING]})
        page = browser("teacher").get(f"/students/{school.student}?lang=de").text
        assert "Wert je Sitzung" in page and "12 mit Wert, zwischen 4,9 und 7,2, zuletzt 5,2." in page

    def test_students_see_their_own_and_nothing_else(self, browser: Any, school: Any, flagged: int, own: None) -> None:
        student = browser("student")
        assert student.get("/").headers["Location"].endswith(f"/students/{school.student}")
        page = student.get(f"/students/{school.student}")
        assert page.status_code == 200
        assert "Worth" not in page.text and "waits for a person" not in page.text
        assert "/sessions/" not in page.text and "/courses/" not in page.text
        other = school.queries.students(school.other_course)[0].student_id
        assert student.get(f"/students/{other}").status_code == 404
        assert student.get(f"/courses/{school.course}/risk").status_code == 403

    def test_check_ins_are_not_shown_to_teachers(self, app: Flask, browser: Any, school: Any, own: None) -> None:
        from engage.storage.feedback import FeedbackBook

        FeedbackBook(app.extensions["engage"].database).check_in(school.session, school.student, 2, school.student_user)
        path = f"/students/{school.student}"
        assert "own check-in, 2 of 5" in browser("student").get(path).text
        assert "check-in" not in browser("teacher").get(path).text

    def test_everything_can_be_taken_along(self, browser: Any, school: Any, database: Database, own: None) -> None:
        answer = browser("student").get(f"/students/{school.student}/export.zip")
        assert answer.headers["Content-Disposition"] == f"attachment; filename=engage-student-{school.student}.zip"
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            (consent,) = json.loads(archive.read("json/consents.json"))
            assert consent["granted"] is True
            assert b"secret" not in b"".join(archive.read(name) for name in archive.namelist())
        answer.close()
        with database.read() as session:
            taken = select(AuditEntry.actor_id, AuditEntry.object_id).where(AuditEntry.action == "export_student")
            assert session.execute(taken).all() == [(school.student_user, school.student)]

    def test_erasing_asks_for_the_name(self, browser: Any, send: Any, school: Any, own: None) -> None:
        student, path = browser("student"), f"/students/{school.student}/erase"
        wrong = send(student, path, name="Ben")
        assert wrong.status_code == 422 and "Nothing was erased" in wrong.text
        assert send(student, path, name="Amina").status_code == 302
        assert student.get("/", follow_redirects=True).request.path == "/sign-in"
        admin = browser("admin")
        assert admin.get(f"/students/{school.student}").status_code == 404
        assert "Amina" not in admin.get(f"/courses/{school.course}").text

    def test_erasing_over_the_api(self, browser: Any, call: Any, school: Any, settings: Settings) -> None:
        admin, path = browser("admin"), f"/api/v1/students/{school.student}"
        assert call(admin, path, {"name": "Ben"}, "DELETE").status_code == 400
        assert call(admin, path, {"name": "Amina"}, "DELETE").json == {"erased": school.student}
        assert admin.get(path).status_code == 404
        assert [each.student_id for each in ErasureList(settings.erasures_file).read()] == [school.student]

    @pytest.mark.parametrize("name", ["李小龍", "👩‍🎓 Zoë", "<script>x</script>", "‮abc", "a" * 120])
    def test_any_name_is_shown_as_it_is(self, browser: Any, school: Any, name: str) -> None:
        student = school.classroom.create_student(school.course, NewStudent(name, minor=True)).id
        school.classroom.record_consent(student, False, GivenBy.GUARDIAN, school.teacher)
        page = browser("teacher").get(f"/students/{student}").text
        assert name.replace("<", "&lt;").replace(">", "&gt;") in page
        assert "<script>x" not in page and "<b>No</b>, a guardian" in page


@pytest.mark.parametrize(
    ("zone", "shown"), [("Asia/Kolkata", "14:30"), ("America/New_York", "04:00"), ("UTC", "09:00")]
)
def test_times_are_read_where_the_school_is(database: Database, school: Any, settings: Settings, send: Any, zone: str,
                                            shown: str) -> None:  # fmt: skip
    from tests.dashboard.conftest import PASSWORD

    (lesson, *_) = hold(database, school.course, {school.student: [6.0]})
    here = Settings(home=settings.home, database=settings.database, school={"time_zone": zone})  # type: ignore[arg-type]
    app = create_app(here, database)
    app.testing = True
    client = app.test_client()
    send(client, "/sign-in", email="teacher@school.example", password=PASSWORD)
    assert f"12 Jan 2026, {shown}" in client.get(f"/sessions/{lesson}/attendance").text


class TestKept:
    """What students are told of how long things are kept, and of what is held."""

    def test_the_pages_say_what_the_settings_say(self, browser: Any, school: Any, app: Any) -> None:
        page = browser("teacher").get(f"/students/{school.student}").text
        assert "After 90 days the single seconds" in page and "After 400 days everything" in page
        app.extensions["engage"] = replace_retention(app, samples_days=None, erase_days=None)
        page = browser("teacher").get(f"/students/{school.student}").text
        assert "stay with your school until it erases them" in page and "After" not in page

    def test_a_hold_is_told_and_refuses_erasing(
        self, browser: Any, school: Any, send: Any, call: Any, own: None, database: Any
    ) -> None:
        Holds(database).place(HeldKind.SESSION, school.session, "a complaint", "Ms Weber")
        with database.write() as session:
            at = datetime.now(UTC)
            here = {"session_id": school.session, "student_id": school.student}
            session.add(AttendanceRow(**here, state="present", marked_at=at))
        student, path = browser("student"), f"/students/{school.student}/erase"
        assert "A legal hold keeps this data for now" in student.get(f"/students/{school.student}").text
        refused = send(student, path, name="Amina")
        assert refused.status_code == 422 and "Ask Ms Weber." in refused.text and "a complaint" not in refused.text
        assert "Auskunft gibt: Ms Weber" in send(student, f"{path}?lang=de", name="Amina").text
        admin = browser("admin")
        told = call(admin, f"/api/v1/students/{school.student}", {"name": "Amina"}, "DELETE")
        assert told.status_code == 400 and "Ask Ms Weber." in told.text
        assert admin.get(f"/students/{school.student}").status_code == 200


def replace_retention(app: Any, **days: Any) -> Any:
    """Return the application's services with other retention settings."""
    here = app.extensions["engage"]
    return replace(here, settings=here.settings.model_copy(update={"retention": RetentionSettings(**days)}))
